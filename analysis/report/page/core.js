"use strict";
// What every other script uses: making elements, writing numbers, copying text. Text is always set as text.
window.flowfront = {};

(() => {
  const SVG = "http://www.w3.org/2000/svg"; // A name, which nobody fetches.

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  const element = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const shape = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  function decimalsFor(values) {
    const known = values.filter(Number.isFinite);
    const width = Math.max(...known) - Math.min(...known) || Math.abs(known[0]) || 1;
    return Math.max(width < 1000 ? 1 : 0, Math.min(6, 3 - Math.ceil(Math.log10(width))));
  }

  // A minus sign, not a hyphen; and no negative zero.
  function fixed(value, decimals) {
    const text = value.toFixed(decimals);
    return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
  }

  const signed = (value, decimals) => (Number(value.toFixed(decimals)) > 0 ? "+" : "") + fixed(value, decimals);
  const weights = (preference) => preference.map((weight) => weight.toFixed(2)).join(", ");

  function copyBySelection(text) {
    const area = element("textarea", { class: "unseen", readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }

  async function copyText(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  }

  // A button that says for a moment whether it did what it is for.
  function copyButton(label, title, text) {
    const button = element("button", { type: "button", class: "small", title }, label);
    button.addEventListener("click", async () => {
      button.textContent = (await copyText(text())) ? "Copied" : "Not copied";
      setTimeout(() => (button.textContent = label), 1500);
    });
    return button;
  }

  function download(name, type, text) {
    const address = URL.createObjectURL(new Blob([text], { type }));
    element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  function later(action, delay) {
    let timer = 0;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(action, delay);
    };
  }

  // Says by classes on which sides a frame hides something; what it returns looks again.
  function edges(frame) {
    function look() {
      frame.classList.toggle("more-right", frame.scrollWidth - frame.clientWidth - frame.scrollLeft > 2);
      frame.classList.toggle("more-below", frame.scrollHeight - frame.clientHeight - frame.scrollTop > 2);
    }
    frame.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(frame);
    return look;
  }

  Object.assign(window.flowfront, {
    element, shape, decimalsFor, fixed, signed, weights, copyButton, download, later, edges,
  });
})();

"use strict";
// How a preference is given: a slider for two rewards, a triangle for three, one slider a reward for more.
(() => {
  const { element, shape, even, normalized, withWeight, toTriangle, fromTriangle } = window.flowfront;
  const [STEP, FINE] = [0.05, 0.01];
  const SIDE = 220;
  const PAD = 26;

  // Radio buttons that look like one, or a list where there are many; arrow keys come with both.
  function choice(label, options, chosen, act) {
    if (options.length > 6) return listed(label, options, chosen, act);
    const name = `choice-${label.replaceAll(/\W/g, "-")}`;
    const buttons = options.map((text, index) => {
      const input = element("input", { type: "radio", name, value: index, checked: index === chosen });
      input.addEventListener("change", () => act(index));
      return element("label", {}, input, element("span", {}, text));
    });
    return element("fieldset", { class: "choice" }, element("legend", {}, label), ...buttons);
  }

  function listed(label, options, chosen, act) {
    const list = element("select", {}, ...options.map((text, index) =>
      element("option", { value: index, selected: index === chosen }, text)));
    list.addEventListener("change", () => act(Number(list.value)));
    return element("label", { class: "listed" }, element("span", {}, label), list);
  }

  // For a choice that was made elsewhere, without taking the focus from where it is.
  function choose(control, index) {
    const list = control.querySelector("select");
    if (list) list.value = index;
    else control.querySelectorAll("input")[index].checked = true;
  }

  function toggle(label, title, checked, act) {
    const input = element("input", { type: "checkbox", checked });
    input.addEventListener("change", () => act(input.checked));
    return element("label", { class: "toggle", title }, input, label);
  }

  // Arrow keys move a weight by 0.05, with shift by 0.01; Home and End take it to its ends.
  function weightAfter(event, weight) {
    const size = event.shiftKey ? FINE : STEP;
    const moves = { ArrowRight: size, ArrowUp: size, ArrowLeft: -size, ArrowDown: -size, PageUp: 0.2, PageDown: -0.2 };
    if (event.key === "Home") return 0;
    if (event.key === "End") return 1;
    return event.key in moves ? Math.min(1, Math.max(0, weight + moves[event.key])) : null;
  }

  function range(label, k, state) {
    const limits = { type: "range", min: 0, max: 1, step: 0.01 };
    const input = element("input", { ...limits, "aria-label": label, "data-weight": k });
    const change = (weight) => state.set({ preference: withWeight(state.get().preference, k, weight) });
    input.addEventListener("input", () => change(Number(input.value)));
    input.addEventListener("keydown", (event) => {
      const weight = weightAfter(event, state.get().preference[k]);
      if (weight === null) return;
      event.preventDefault();
      change(weight);
    });
    return input;
  }

  function pair(rewards, state) {
    const slider = range(`Weight of ${rewards[0].name}, the rest is of ${rewards[1].name}`, 0, state);
    const shares = rewards.map(() => element("output"));
    const show = (preference) => {
      slider.value = preference[0];
      slider.setAttribute("aria-valuetext", preference.map((w, k) => `${rewards[k].name} ${w.toFixed(2)}`).join(", "));
      shares.forEach((share, k) => (share.textContent = preference[k].toFixed(2)));
    };
    const end = (k) => element("span", { class: "end" }, element("b", {}, rewards[k].name), " ", shares[k]);
    return { node: element("div", { class: "pair" }, element("div", { class: "ends" }, end(1), end(0)), slider), show };
  }

  function sliders(rewards, state) {
    const rows = rewards.map((reward, k) => {
      const [input, share] = [range(`Weight of ${reward.name}`, k, state), element("output")];
      const name = element("span", {}, reward.name);
      return { input, share, node: element("div", { class: "weight" }, name, input, share) };
    });
    const show = (preference) => rows.forEach(({ input, share }, k) => {
      input.value = preference[k];
      share.textContent = preference[k].toFixed(2);
      input.setAttribute("aria-valuetext", preference[k].toFixed(2));
    });
    return { node: element("div", { class: "weights" }, ...rows.map(({ node }) => node)), show };
  }

  // Right and left trade the lower corners, up and down the upper one against both.
  function triangleStep(event, preference) {
    const size = event.shiftKey ? FINE : STEP;
    const moves = {
      ArrowRight: [-size, size, 0], ArrowLeft: [size, -size, 0],
      ArrowUp: [-size / 2, -size / 2, size], ArrowDown: [size / 2, size / 2, -size],
    };
    if (event.key === "Home") return even(3);
    const move = moves[event.key];
    return move === undefined ? null : normalized(preference.map((weight, k) => weight + move[k]));
  }

  function triangleFrame(rewards, evaluated) {
    const at = (preference) => toTriangle(preference).map((value) => PAD + value * SIDE);
    const corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(at);
    const anchors = ["start", "end", "middle"];
    return [
      shape("polygon", { points: corners.map((corner) => corner.join(",")).join(" "), class: "pad" }),
      ...evaluated.map((preference) => {
        const [cx, cy] = at(preference);
        return shape("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 1.8, class: "evaluated" });
      }),
      ...corners.map(([x, y], k) => {
        const place = { x: x + [4 - PAD, PAD - 4, 0][k], y: k === 2 ? y - 10 : y + 18 };
        return shape("text", { ...place, "text-anchor": anchors[k] }, rewards[k].name);
      }),
    ];
  }

  function triangle(rewards, state, evaluated) {
    const [width, height] = [SIDE + 2 * PAD, SIDE * 0.866 + 2 * PAD];
    const knob = shape("circle", { r: 9, class: "knob" });
    const node = shape("svg", {
      viewBox: `0 0 ${width} ${height.toFixed(0)}`, class: "triangle", tabindex: 0, role: "group",
      "aria-label": "Preference among three rewards: arrow keys move it, Home makes it even",
    }, ...triangleFrame(rewards, evaluated), knob);
    const follow = (event) => {
      const place = node.getBoundingClientRect();
      const factor = width / place.width;
      const [x, y] = [(event.clientX - place.left) * factor - PAD, (event.clientY - place.top) * factor - PAD];
      state.set({ preference: fromTriangle(x / SIDE, y / SIDE) });
    };
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      follow(event);
    });
    node.addEventListener("pointermove", (event) => node.hasPointerCapture(event.pointerId) && follow(event));
    node.addEventListener("keydown", (event) => {
      const preference = triangleStep(event, state.get().preference);
      if (preference === null) return;
      event.preventDefault();
      state.set({ preference });
    });
    const show = (preference) => {
      const [x, y] = toTriangle(preference);
      knob.setAttribute("transform", `translate(${PAD + x * SIDE},${PAD + y * SIDE})`);
    };
    return { node, show };
  }

  function distinct(benchmark) {
    const all = benchmark.methods.filter((method) => method.follows).flatMap((method) => method.preferences);
    return [...new Map(all.map((preference) => [preference.join(), preference])).values()];
  }

  function preferencePanel(benchmark, state) {
    const { rewards } = benchmark;
    if (rewards.length < 2 || !benchmark.methods.some((method) => method.follows)) return null;
    if (rewards.length === 2) return pair(rewards, state);
    const many = sliders(rewards, state);
    if (rewards.length > 3) return many;
    const pad = triangle(rewards, state, distinct(benchmark));
    const show = (preference) => [pad, many].forEach((part) => part.show(preference));
    return { node: element("div", { class: "with-triangle" }, pad.node, many.node), show };
  }

  Object.assign(window.flowfront, { choice, choose, listed, toggle, weightAfter, preferencePanel });
})();

"use strict";
// Pictures that can be enlarged, and commands that can be copied.
(() => {
  const { element, copyButton, edges } = window.flowfront;
  const dialog = document.getElementById("enlarged");

  function enlarge(image) {
    const close = element("button", { type: "button", class: "close" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const copy = element("img", { alt: image.alt, width: image.getAttribute("width") });
    copy.src = image.src;
    dialog.replaceChildren(close, element("div", { class: "sheet" }, copy));
    dialog.showModal();
  }

  for (const image of document.querySelectorAll("figure.plot img")) {
    const button = element("button", { type: "button", class: "enlarge", "aria-label": `Enlarge: ${image.alt}` });
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => enlarge(image));
  }

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());

  for (const code of document.querySelectorAll(".commands pre")) {
    code.after(copyButton("Copy", "Copy this command", () => code.textContent));
    edges(code);
  }
})();

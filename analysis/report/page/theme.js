"use strict";
// Light or dark, the table of contents, and everything unfolded while it is printed.
(() => {
  const KEY = "flowfront-theme";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  function store(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A browser that keeps nothing shows what its owner prefers next time.
    }
  }

  const current = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const other = () => (current() === "dark" ? "light" : "dark");

  function show(button) {
    button.textContent = other() === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Switch to ${other()} colors`);
  }

  function themes() {
    const button = document.querySelector("button.theme");
    if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
    button.hidden = false;
    show(button);
    button.addEventListener("click", () => {
      root.dataset.theme = other();
      store(root.dataset.theme);
      show(button);
    });
    dark.addEventListener("change", () => show(button));
  }

  function contents() {
    const details = document.querySelector("nav.contents details");
    const wide = window.matchMedia("(min-width: 68rem)");
    const adapt = () => (details.open = wide.matches);
    adapt();
    wide.addEventListener("change", adapt);
    details.addEventListener("click", (event) => {
      if (event.target.tagName === "A" && !wide.matches) details.open = false;
    });
  }

  function markReading() {
    const links = new Map(
      [...document.querySelectorAll("nav.contents a")].map((link) => [link.hash.slice(1), link]),
    );
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          links.get(target.id)?.classList.toggle("here", isIntersecting);
        }
      },
      { rootMargin: "-20% 0px -70% 0px" },
    );
    document.querySelectorAll("main > section").forEach((section) => observer.observe(section));
  }

  function printing() {
    let opened = [];
    window.addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("main details:not([open])")];
      opened.forEach((details) => (details.open = true));
    });
    window.addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));
  }

  themes();
  contents();
  markReading();
  printing();
})();

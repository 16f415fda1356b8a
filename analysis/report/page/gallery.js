"use strict";
// What the models paint at the points shown: same prompt and same noise in every picture.
(() => {
  const { element, named, choice, listed, weights } = window.flowfront;

  const CUT = 40; // Longer prompts do not fit into the list.
  const SAME = "Every picture started from the same noise, so what differs is the model or the preference.";

  function card(method, text) {
    const image = element("img", { alt: "", decoding: "sync" });
    const missing = element("p", { class: "missing quiet", hidden: true }, "picture left out");
    const asked = element("span", { class: "asked" }, text);
    const node = element("figure", { class: "card" }, image, missing, element("figcaption", {}, named(method), asked));
    return { node, image, missing, asked };
  }

  function showImage({ image, missing }, uri, alt) {
    missing.hidden = uri !== null;
    image.hidden = uri === null;
    image.alt = alt;
    if (uri === null) image.removeAttribute("src");
    else if (image.getAttribute("src") !== uri) image.setAttribute("src", uri);
  }

  function createGallery(benchmark, state) {
    const { pictures } = benchmark;
    if (pictures === null) return null;
    const base = pictures.base === null ? null : card(null, "before training");
    const shown = benchmark.methods.filter((method) => method.pictures !== null);
    const cards = new Map(shown.map((method) => [method.name, card(method, "one point")]));
    const prompt = listed("Prompt", pictures.prompts, state.get().prompt, (index) => state.set({ prompt: index }));
    const noises = Array.from({ length: pictures.samples }, (_, index) => String(index + 1));
    const pick = (index) => state.set({ sample: index });
    const noise = noises.length > 1 ? choice("Noise", noises, state.get().sample, pick) : null;
    const words = element("p", { class: "prompt" });
    const fine = Math.max(pictures.height, pictures.width) > 96;
    const nodes = [base, ...cards.values()].filter(Boolean).map(({ node }) => node);
    const wall = element("div", { class: fine ? "wall" : "wall pixels" }, ...nodes);
    const note = element("p", { class: "quiet" }, `Seed ${pictures.seed}. ${SAME}`);
    const choices = element("div", { class: "choices" }, prompt, noise);
    const node = element("div", { class: "gallery" }, choices, words, wall, note);

    function show(view) {
      const { prompt: row, sample: column } = view;
      const about = `prompt: ${pictures.prompts[row]}, noise ${column + 1}`;
      words.textContent = pictures.prompts[row];
      words.hidden = words.textContent.length < CUT;
      if (base) showImage(base, pictures.base[row][column], `base model, ${about}`);
      const visible = new Map(view.methods.map((method) => [method.name, method]));
      for (const [name, parts] of cards) {
        const method = visible.get(name);
        parts.node.hidden = method === undefined;
        if (method === undefined) continue;
        const asked = method.follows ? `evaluated ${weights(method.preferences[method.at])}` : "one point";
        parts.asked.textContent = asked;
        showImage(parts, method.pictures[method.at]?.[row][column] ?? null, `${name}, ${asked}, ${about}`);
      }
    }
    return { node, show };
  }

  Object.assign(window.flowfront, { createGallery });
})();

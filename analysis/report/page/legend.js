"use strict";
// The legend: one checkbox a method, in two groups, and what else the plot shows.
(() => {
  const { element, swatch, toggle } = window.flowfront;

  function entry(method, state) {
    const input = element("input", { type: "checkbox", value: method.name });
    input.addEventListener("change", () => {
      const { off } = state.get();
      state.set({ off: input.checked ? off.filter((name) => name !== method.name) : [...off, method.name] });
    });
    // The plot names one method's preferences: the one that was last taken, chosen or looked at.
    const look = () => method.follows && state.set({ active: method.name });
    input.addEventListener("focus", look);
    const models = method.models === 1 ? "1 model" : `${method.models} models`;
    const points = method.points.length === 1 ? "1 point" : `${method.points.length} points`;
    const name = element("span", {}, method.name);
    return { input, label: element("label", { title: `${models}, ${points}` }, input, swatch(method), name) };
  }

  function group(title, methods, entries) {
    if (!methods.length) return null;
    const labels = methods.map((method) => entries.get(method.name).label);
    const heading = element("p", { class: "title" }, title);
    return element("div", { class: "group", role: "group", "aria-label": title }, heading, ...labels);
  }

  function createLegend(benchmark, state) {
    const { methods } = benchmark;
    const entries = new Map(methods.map((method) => [method.name, entry(method, state)]));
    const all = element("button", { type: "button", class: "small", click: () => state.set({ off: [] }) }, "All");
    const every = methods.map((method) => method.name);
    const none = element("button", { type: "button", class: "small", click: () => state.set({ off: every }) }, "None");
    const node = element("div", { class: "legend" },
      group("Follow the preference", methods.filter((method) => method.follows), entries),
      group("One point", methods.filter((method) => !method.follows), entries),
      element("div", { class: "tools" }, all, none));
    const show = ({ off }) => entries.forEach(({ input }, name) => (input.checked = !off.includes(name)));
    return { node, show };
  }

  function toggles(benchmark, state) {
    const flag = (name, label, title) => toggle(label, title, state.get()[name], (on) => state.set({ [name]: on }));
    const dominated = "Hide points that another shown point matches in every reward and beats in one";
    const corner = "Show the base model and the corner the hypervolume is measured from";
    const parts = [flag("front", "Hide dominated points", dominated)];
    if (benchmark.methods.some((method) => Object.keys(method.seeds).length > 1)) {
      parts.push(flag("seeds", "Show each seed", "Small marks: the same points of every seed"));
    }
    if (benchmark.rewards.length > 1) {
      parts.push(flag("whole", "From the reference point", corner));
    }
    return element("div", { class: "toggles" }, ...parts);
  }

  Object.assign(window.flowfront, { createLegend, toggles });
})();

"use strict";
// The explorer: what was chosen becomes a view, and every part shows that view.
(() => {
  const {
    element, copyButton, createState, createPlot, createLegend, createGallery, createReadout, preferencePanel, toggles,
    choice, choose, listed, nearest, oriented, unbeaten, decimalsFor,
  } = window.flowfront;

  const atPreference = (method, preference) => ({
    ...method,
    at: method.follows ? nearest(method.preferences, preference) : 0,
  });

  // Points that no other shown point beats, as the names of methods and numbers of points.
  function unbeatenKeys(methods, rewards) {
    const all = methods.flatMap((method) =>
      method.points.map((point, index) => [`${index} ${method.name}`, oriented(point, rewards)]));
    const kept = unbeaten(all.map(([, point]) => point));
    return new Set(all.filter((_, index) => kept[index]).map(([key]) => key));
  }

  // The method that speaks first: the one that answers the most preferences with a model.
  function freest(methods) {
    const freedom = (method) => method.points.length / method.models;
    return methods.reduce((best, method) => (best === null || freedom(method) > freedom(best) ? method : best), null);
  }

  function viewOf(data, chosen) {
    const benchmark = data.benchmarks[chosen.benchmark];
    const { rewards } = benchmark;
    const methods = benchmark.methods
      .filter((method) => !chosen.off.includes(method.name))
      .map((method) => atPreference(method, chosen.preference));
    const moving = methods.filter((method) => method.follows);
    const keys = chosen.front ? unbeatenKeys(methods, rewards) : null;
    const all = benchmark.methods.flatMap((method) => method.points);
    return {
      ...chosen, benchmark, rewards, methods,
      active: (moving.find((method) => method.name === chosen.active) ?? freest(moving))?.name ?? null,
      movable: benchmark.methods.some((method) => method.follows),
      lines: rewards.length > 3 && chosen.view === "lines",
      decimals: rewards.map((_, k) => decimalsFor(all.map((point) => point[k]))),
      visible: (method, index) => keys === null || keys.has(`${index} ${method.name}`),
    };
  }

  function axesChoice(benchmark, state) {
    const names = benchmark.rewards.map((reward) => reward.name);
    if (names.length < 3) return null;
    const axis = (label, key) => listed(label, names, state.get()[key], (index) => state.set({ [key]: index }));
    return element("div", { class: "choices axes" }, axis("Right", "x"), axis("Up", "y"));
  }

  function viewChoice(benchmark, state) {
    if (benchmark.rewards.length < 4) return null;
    const kinds = ["lines", "plane"];
    const chosen = kinds.indexOf(state.get().view);
    return choice("View", ["All rewards", "Two rewards"], chosen, (index) => state.set({ view: kinds[index] }));
  }

  // Everything that belongs to one benchmark; another benchmark gets all of it anew.
  function stage(data, state, benchmark) {
    const [plot, readout] = [createPlot(state), createReadout(state)];
    const [legend, gallery] = [createLegend(benchmark, state), createGallery(benchmark, state)];
    const [panel, axes] = [preferencePanel(benchmark, state), axesChoice(benchmark, state)];
    const flat = benchmark.rewards.length > 1;
    const title = element("p", { class: "title" }, "How much each reward matters");
    const main = element("div", { class: "main" },
      panel && element("div", { class: "preference" }, title, panel.node),
      element("div", { class: "choices" }, viewChoice(benchmark, state), axes),
      flat ? plot.node : element("p", { class: "quiet" }, "One reward: there is no front to draw."),
      toggles(benchmark, state), legend.node);
    const side = gallery ?? { node: readout.table };
    const narrow = gallery !== null || benchmark.rewards.length < 3;
    const node = element("div", { class: narrow ? "stage beside" : "stage" },
      readout.sentence, main, element("div", { class: "side" }, side.node), gallery ? readout.table : null);
    function show(view) {
      panel?.show(view.preference);
      if (axes) axes.hidden = view.lines;
      node.classList.toggle("lines", view.lines);
      legend.show(view);
      gallery?.show(view);
      readout.show(view);
      if (flat) plot.draw(view);
    }
    return { node, show };
  }

  function start(app, data) {
    const state = createState(data);
    const place = element("div");
    let shown = null;
    const names = data.benchmarks.map((benchmark) => benchmark.name);
    const link = copyButton("Copy link to this view", "Copy the address of exactly this view", () => state.link());

    const picker = choice("Benchmark", names, state.get().benchmark, (index) => state.set({ benchmark: index }));
    picker.hidden = names.length < 2;

    function show(chosen) {
      if (shown?.index !== chosen.benchmark) {
        shown = { index: chosen.benchmark, ...stage(data, state, data.benchmarks[chosen.benchmark]) };
        place.replaceChildren(shown.node);
        choose(picker, chosen.benchmark);
      }
      shown.show(viewOf(data, chosen));
    }

    const bar = element("div", { class: "bar" }, picker, element("span", { class: "tools" }, link));
    app.replaceChildren(bar, place);
    state.subscribe(show);
    show(state.get());
  }

  const [app, source] = ["explorer-app", "explorer-data"].map((id) => document.getElementById(id));
  if (app && source) start(app, JSON.parse(source.textContent));
})();

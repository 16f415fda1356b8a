"use strict";
// What the reader has chosen, and how the address keeps it, so that a view can be linked.
(() => {
  const { even, normalized, later } = window.flowfront;
  const PREFIX = "#view&";
  const FLAGS = ["seeds", "front", "whole"];

  const clamped = (value, count, fallback) =>
    Number.isInteger(value) && value >= 0 && value < count ? value : fallback;

  function initial(benchmark) {
    const count = benchmark.rewards.length;
    return {
      preference: even(count), x: 0, y: Math.min(1, count - 1), view: count > 3 ? "lines" : "plane",
      prompt: 0, sample: 0, off: [], seeds: false, front: false, whole: false, active: null,
    };
  }

  // A preference between two rewards is the easiest to grasp, and pictures say more than points.
  function firstShown({ benchmarks }) {
    const ease = (one) => (one.rewards.length === 2 ? 2 : 0) + (one.pictures === null ? 0 : 1);
    return benchmarks.reduce((best, one, index) => (ease(one) > ease(benchmarks[best]) ? index : best), 0);
  }

  function readPreference(text, count) {
    const weights = (text ?? "").split(",").map(Number);
    return weights.length === count && weights.every(Number.isFinite) ? normalized(weights) : even(count);
  }

  // An address may come from anywhere: what does not fit the data is as if it were not there.
  function parsed(hash, data) {
    const words = new URLSearchParams(hash.startsWith(PREFIX) ? hash.slice(PREFIX.length) : "");
    const found = data.benchmarks.findIndex((one) => one.name === words.get("b"));
    const index = found < 0 ? firstShown(data) : found;
    const benchmark = data.benchmarks[index];
    const count = benchmark.rewards.length;
    const start = initial(benchmark);
    const whole = (key, limit, fallback) => clamped(words.has(key) ? Number(words.get(key)) : NaN, limit, fallback);
    const names = benchmark.methods.map((method) => method.name);
    const flags = (words.get("show") ?? "").split(",");
    return {
      ...start,
      benchmark: index,
      preference: readPreference(words.get("w"), count),
      x: whole("x", count, start.x),
      y: whole("y", count, start.y),
      view: count > 3 && ["lines", "plane"].includes(words.get("v")) ? words.get("v") : start.view,
      prompt: whole("p", benchmark.pictures?.prompts.length ?? 1, 0),
      sample: whole("s", benchmark.pictures?.samples ?? 1, 0),
      off: (words.get("off") ?? "").split(",").filter((name) => names.includes(name)),
      ...Object.fromEntries(FLAGS.map((flag) => [flag, flags.includes(flag)])),
    };
  }

  function written(state, data) {
    const words = new URLSearchParams({
      b: data.benchmarks[state.benchmark].name,
      w: state.preference.map((weight) => Number(weight.toFixed(4))).join(","),
    });
    const plain = { x: state.x, y: state.y, v: state.view, p: state.prompt, s: state.sample, off: state.off.join(",") };
    const start = initial(data.benchmarks[state.benchmark]);
    const usual = { x: start.x, y: start.y, v: start.view, p: 0, s: 0, off: "" };
    for (const [key, value] of Object.entries(plain)) if (value !== usual[key]) words.set(key, value);
    const flags = FLAGS.filter((flag) => state[flag]);
    if (flags.length) words.set("show", flags.join(","));
    return PREFIX + words.toString();
  }

  function createState(data) {
    let state = parsed(location.hash, data);
    const listeners = [];
    // Browsers slow down a page that changes its address at every move of the hand.
    const keep = later(() => history.replaceState(null, "", written(state, data)), 300);

    function set(changes) {
      const moved = "benchmark" in changes && changes.benchmark !== state.benchmark;
      const start = moved ? initial(data.benchmarks[changes.benchmark]) : {};
      const { off, seeds, front, whole } = state;
      state = { ...state, ...start, off, seeds, front, whole, ...changes };
      listeners.forEach((listener) => listener(state));
      keep();
    }

    window.addEventListener("hashchange", () => {
      if (!location.hash.startsWith(PREFIX)) return;
      state = parsed(location.hash, data);
      listeners.forEach((listener) => listener(state));
    });
    return {
      get: () => state,
      set,
      link: () => new URL(written(state, data), location.href).href,
      subscribe: (listener) => listeners.push(listener),
    };
  }

  Object.assign(window.flowfront, { createState });
})();

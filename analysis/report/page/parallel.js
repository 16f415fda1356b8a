"use strict";
// Many rewards as parallel axes, better always up: one line a point, the one that answers the preference strong.
(() => {
  const { shape, mark, scale, colors, fixed, decimalsFor, weights, pointsShown } = window.flowfront;

  function axesOf(view, size) {
    const [left, right, top, bottom] = [46, size.width - 46, 30, size.height - 84];
    const { base, reference } = view.benchmark;
    const points = [...view.methods.flatMap((method) => pointsShown(method, view)), base].filter(Boolean);
    const shown = points.length ? points : [reference];
    return view.rewards.map((reward, k) => {
      const values = shown.map((point) => point[k]);
      return {
        reward, top, bottom, decimals: decimalsFor(values),
        x: left + (k * (right - left)) / (view.rewards.length - 1),
        up: scale(values, reward.higher, bottom, top, 0),
      };
    });
  }

  function axisNode({ reward, x, top, bottom, up, decimals }, index, count) {
    const anchor = index === 0 ? "start" : index === count - 1 ? "end" : "middle";
    const at = index === 0 ? x - 40 : index === count - 1 ? x + 40 : x;
    const low = index % 2 ? 34 : 18;
    const [best, worst] = reward.higher ? [up.high, up.low] : [up.low, up.high];
    return shape("g", { class: "axis" },
      shape("line", { x1: x, x2: x, y1: top, y2: bottom, class: "edge" }),
      shape("text", { x: at, y: bottom + low, "text-anchor": anchor, class: "label" }, `${reward.name} ↑`),
      shape("text", { x: at, y: top - 8, "text-anchor": anchor }, fixed(best, decimals)),
      shape("text", { x: x + 4, y: bottom - 4, class: "worst" }, fixed(worst, decimals)));
  }

  function line(axes, point, name, style = null) {
    const text = point.map((value, k) => `${axes[k].x.toFixed(1)},${axes[k].up.at(value).toFixed(1)}`).join(" ");
    return shape("polyline", { points: text, class: name, style });
  }

  function linesOf(view, axes, method) {
    const kind = method.follows ? "method thread" : "method single";
    const seeds = view.seeds ? Object.values(method.seeds).flat() : [];
    return [
      ...seeds.map((point) => line(axes, point, "method hair", colors(method))),
      ...method.points
        .filter((_, index) => view.visible(method, index))
        .map((point) => line(axes, point, kind, colors(method))),
    ];
  }

  function strong(view, axes, method) {
    const point = method.points[method.at];
    const name = view.active === method.name ? "method bold active" : "method bold";
    return [
      line(axes, point, name, colors(method)),
      ...point.map((value, k) => mark(method, 5.2, axes[k].x, axes[k].up.at(value), "current")),
    ];
  }

  function callout(view, size) {
    const method = view.methods.find((each) => each.name === view.active);
    if (method === undefined) return [];
    const asked = `${method.name}, asked for ${weights(view.preference)}`;
    const lines = [asked, `nearest evaluated ${weights(method.preferences[method.at])}`];
    return lines.map((text, index) => shape("text", { x: 6, y: size.height - 22 + 16 * index, class: "said" }, text));
  }

  function parallel(view, size) {
    const axes = axesOf(view, size);
    const hits = view.methods.flatMap((method) => method.points
      .flatMap((point, index) => point.map((value, k) => ({ method, index, x: axes[k].x, y: axes[k].up.at(value) })))
      .filter((hit) => hit.index === method.at || view.visible(method, hit.index)));
    const nodes = [
      ...axes.map((axis, index) => axisNode(axis, index, axes.length)),
      ...(view.benchmark.base ? [line(axes, view.benchmark.base, "baseline")] : []),
      ...view.methods.flatMap((method) => linesOf(view, axes, method)),
      ...view.methods.filter((method) => method.follows).flatMap((method) => strong(view, axes, method)),
      ...callout(view, size),
    ];
    return { nodes, hits };
  }

  Object.assign(window.flowfront, { parallel });
})();

"use strict";
// Two rewards of every method as a plane: all evaluated points faint, the one that answers the preference strong.
(() => {
  const { shape, mark, starAt, scale, horizontal, vertical, weights, colors } = window.flowfront;
  const LINE = 15;
  const DIGIT = 7;

  function boxOf(size) {
    return { left: size.width < 480 ? 56 : 68, right: size.width - 14, top: 14, bottom: size.height - 52 };
  }

  function pointsShown(method, view) {
    return view.seeds ? [...method.points, ...Object.values(method.seeds).flat()] : method.points;
  }

  function scalesOf(view, box) {
    const points = view.methods.flatMap((method) => pointsShown(method, view));
    const wide = view.whole ? [view.benchmark.base, view.benchmark.reference].filter(Boolean) : [];
    const all = [...points, ...(view.benchmark.trueFront ?? []), ...wide];
    const shown = all.length ? all : [view.benchmark.reference];
    const of = (k, from, to) => scale(shown.map((point) => point[k]), view.rewards[k].higher, from, to);
    return { across: of(view.x, box.left, box.right), up: of(view.y, box.bottom, box.top) };
  }

  // The name of the axis stands to the left of the longest number.
  function roomyBox(view, size) {
    const box = boxOf(size);
    const texts = scalesOf(view, box).up.ticks((box.bottom - box.top) / 55).map(({ text }) => text.length);
    return { ...box, left: Math.max(box.left, 28 + DIGIT * Math.max(0, ...texts)) };
  }

  function polyline(points, name, attributes = {}) {
    const text = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    return shape("polyline", { points: text, class: name, ...attributes });
  }

  function trueFront(view, place) {
    const points = (view.benchmark.trueFront ?? []).map(place);
    if (view.rewards.length === 2) return [polyline(points, "true")];
    return points.map(([x, y]) => shape("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 1.7, class: "true" }));
  }

  function corner(view, place, box) {
    const at = view.benchmark.base === null ? null : place(view.benchmark.base);
    const base = at !== null && inside(at, box) ? [labeled(starAt(...at), "base model")] : [];
    if (!view.whole) return base;
    const [x, y] = place(view.benchmark.reference);
    return [
      shape("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "reference" }),
      shape("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "reference" }),
      ...base,
    ];
  }

  const inside = ([x, y], box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;

  function labeled(node, text) {
    node.append(shape("title", {}, text));
    return node;
  }

  function seedMarks(method, place, view) {
    if (!view.seeds) return [];
    return Object.values(method.seeds).flat().map((point) => mark(method, 2.2, ...place(point), "seed"));
  }

  function faint(method, place, view) {
    const parts = seedMarks(method, place, view);
    const shown = method.points.map((point, index) => [place(point), view.visible(method, index)]);
    if (method.follows && view.rewards.length === 2) {
      const order = method.preferences.map((preference, index) => [preference[0], index]).sort((a, b) => a[0] - b[0]);
      const line = order.map(([, index]) => shown[index]).filter(([, visible]) => visible);
      parts.push(polyline(line.map(([at]) => at), "method thread", { style: colors(method) }));
    }
    const kind = method.follows ? "faint" : "solid";
    const size = method.follows ? 3.4 : 5;
    return [...parts, ...shown.filter(([, visible]) => visible).map(([at]) => mark(method, size, ...at, kind))];
  }

  function strong(method, place, view) {
    const at = place(method.points[method.at]);
    const [radius, kind] = view.active === method.name ? [13, "method halo active"] : [10.5, "method halo"];
    const halo = shape("circle", { cx: at[0], cy: at[1], r: radius, class: kind, style: colors(method) });
    return [halo, mark(method, 6.2, ...at, "current")];
  }

  // Beside the point, on the side with the fewest points beneath the words.
  function callout(view, place, box, hits) {
    const method = view.methods.find((each) => each.name === view.active);
    if (method === undefined || !method.follows) return [];
    const [x, y] = place(method.points[method.at]);
    const lines = [
      method.name, `asked for ${weights(view.preference)}`,
      `nearest evaluated ${weights(method.preferences[method.at])}`,
    ];
    const width = 6.3 * Math.max(...lines.map((line) => line.length));
    const spot = calmest(x, y, width, lines.length * LINE, box, hits);
    return [shape("g", { class: "callout" }, ...lines.map((line, index) => {
      const at = { x: spot.x.toFixed(1), y: (spot.y + LINE * (index + 0.8)).toFixed(1), class: index ? "" : "strong" };
      return shape("text", at, line);
    }))];
  }

  function calmest(x, y, width, height, box, hits) {
    const within = (value, low, high) => Math.max(low, Math.min(value, high));
    const [beside, aside] = [18, -width - 18];
    const steps = [-height - 8, 12, -height - 60, 64, -height - 120, 124];
    const spots = steps.flatMap((dy) => [[beside, dy], [aside, dy]]).map(([dx, dy]) => {
      const spot = {
        x: within(x + dx, box.left + 4, box.right - width), y: within(y + dy, box.top, box.bottom - height - 4),
      };
      const near = (hit) =>
        hit.x > spot.x - 9 && hit.x < spot.x + width + 9 && hit.y > spot.y - 9 && hit.y < spot.y + height + 9;
      const weight = (hit) => (hit.index === hit.method.at ? 3 : 1);
      return { ...spot, crowd: hits.filter(near).reduce((sum, hit) => sum + weight(hit), Math.hypot(dx, dy) / 200) };
    });
    return spots.reduce((best, spot) => (spot.crowd < best.crowd ? spot : best));
  }

  function scatter(view, size) {
    const box = roomyBox(view, size);
    const { across, up } = scalesOf(view, box);
    const place = (point) => [across.at(point[view.x]), up.at(point[view.y])];
    const hits = view.methods.flatMap((method) => method.points
      .map((point, index) => ({ method, index, x: place(point)[0], y: place(point)[1] }))
      .filter((hit) => hit.index === method.at || view.visible(method, hit.index)));
    const moving = view.methods.filter((method) => method.follows);
    const nodes = [
      horizontal(box, across, view.rewards[view.x]), vertical(box, up, view.rewards[view.y]),
      ...trueFront(view, place), ...corner(view, place, box),
      ...view.methods.flatMap((method) => faint(method, place, view)),
      ...moving.flatMap((method) => strong(method, place, view)),
      ...callout(view, place, box, hits),
    ];
    return { nodes, hits };
  }

  Object.assign(window.flowfront, { scatter, pointsShown });
})();

"use strict";
// Axes: scales whose better end is to the right or at the top, round ticks, grid and labels.
(() => {
  const { shape, fixed } = window.flowfront;
  const CHARACTER = 6.6;
  const LABEL = { "text-anchor": "end", class: "label" };
  const STEPS = [1, 2, 2.5, 5, 10];

  function ticks(low, high, count) {
    const rough = (high - low) / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * STEPS.find((each) => each * power >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    const decimals = Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0)));
    return Array.from({ length: last - first + 1 }, (_, index) => {
      const value = (first + index) * step;
      return { value, text: fixed(value, decimals) };
    });
  }

  // From values to pixels; `from` is where the worse end lies.
  function scale(values, higher, from, to, room = 0.06) {
    const known = values.filter(Number.isFinite);
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const margin = room * (most - least || Math.abs(most) || 1);
    const [low, high] = [least - margin, most + margin];
    const [start, end] = higher ? [from, to] : [to, from];
    const at = (value) => start + ((value - low) / (high - low)) * (end - start);
    return { at, low, high, ticks: (count) => ticks(low, high, count) };
  }

  const nameOf = (reward) => reward.name + (reward.unit ? ` [${reward.unit}]` : "");

  // As much as fits beside an axis of that length.
  function axisText(reward, length) {
    const better = `${reward.higher ? "more" : "less"} is better →`;
    const texts = [`${nameOf(reward)}, ${better}`, `${reward.name}, ${better}`];
    return texts.find((text) => text.length * CHARACTER < length) ?? `${reward.name} →`;
  }

  function horizontal(box, across, reward) {
    const group = shape("g", { class: "axis" });
    for (const { value, text } of across.ticks((box.right - box.left) / 75)) {
      const x = across.at(value).toFixed(1);
      group.append(
        shape("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "grid" }),
        shape("text", { x, y: box.bottom + 18, "text-anchor": "middle" }, text),
      );
    }
    group.append(
      shape("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "edge" }),
      shape("text", { x: box.right, y: box.bottom + 40, ...LABEL }, axisText(reward, box.right - box.left)),
    );
    return group;
  }

  function vertical(box, up, reward) {
    const group = shape("g", { class: "axis" });
    for (const { value, text } of up.ticks((box.bottom - box.top) / 55)) {
      const y = up.at(value).toFixed(1);
      group.append(
        shape("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "grid" }),
        shape("text", { x: box.left - 8, y, dy: "0.35em", "text-anchor": "end" }, text),
      );
    }
    const turned = `translate(${14},${box.top}) rotate(-90)`;
    group.append(
      shape("line", { x1: box.left, x2: box.left, y1: box.top, y2: box.bottom, class: "edge" }),
      shape("text", { transform: turned, ...LABEL }, axisText(reward, box.bottom - box.top)),
    );
    return group;
  }

  Object.assign(window.flowfront, { scale, horizontal, vertical });
})();

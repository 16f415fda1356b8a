"use strict";
// Arithmetic of preferences and points; nothing here knows of the page.
(() => {
  const ROOM = 1e-9;
  const HEIGHT = Math.sqrt(3) / 2;

  const even = (count) => Array(count).fill(1 / count);

  function normalized(weights) {
    const kept = weights.map((weight) => Math.max(0, weight));
    const sum = kept.reduce((a, b) => a + b, 0);
    return sum > 0 ? kept.map((weight) => weight / sum) : even(weights.length);
  }

  // The evaluated preference nearest to what is wanted, the first of several.
  function nearest(preferences, wanted) {
    let best = 0;
    let least = Infinity;
    preferences.forEach((preference, index) => {
      const distance = preference.reduce((sum, weight, k) => sum + (weight - wanted[k]) ** 2, 0);
      if (distance < least - ROOM) [best, least] = [index, distance];
    });
    return best;
  }

  // One weight as wanted; the others share what is left as they did before.
  function withWeight(preference, k, value) {
    const weight = Math.min(1, Math.max(0, value));
    const rest = 1 - preference[k];
    return preference.map((before, j) => {
      if (j === k) return weight;
      return rest > ROOM ? (before * (1 - weight)) / rest : (1 - weight) / (preference.length - 1);
    });
  }

  // Corners of the triangle: first reward below left, second below right, third on top; side 1.
  const toTriangle = ([, second, third]) => [second + third / 2, (1 - third) * HEIGHT];

  function fromTriangle(x, y) {
    const third = 1 - y / HEIGHT;
    const second = x - third / 2;
    return normalized([1 - second - third, second, third]);
  }

  const signOf = (reward) => (reward.higher ? 1 : -1);
  const oriented = (point, rewards) => point.map((value, k) => value * signOf(rewards[k]));

  function dominates(one, other) {
    return one.every((value, k) => value >= other[k]) && one.some((value, k) => value > other[k]);
  }

  // Which points no other of the list dominates; more is better.
  const unbeaten = (points) => points.map((point) => !points.some((other) => dominates(other, point)));

  Object.assign(window.flowfront, {
    even, normalized, nearest, withWeight, toTriangle, fromTriangle, signOf, oriented, unbeaten,
  });
})();

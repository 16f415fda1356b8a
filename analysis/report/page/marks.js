"use strict";
// The mark of each method: the shapes and colors of the pictures beside.
(() => {
  const { shape, element } = window.flowfront;

  function polygon(radii, turn) {
    return (size) => {
      const corners = radii.map((radius, index) => {
        const angle = turn + (2 * Math.PI * index) / radii.length;
        return `${(size * radius * Math.sin(angle)).toFixed(2)},${(-size * radius * Math.cos(angle)).toFixed(2)}`;
      });
      return `M${corners.join("L")}Z`;
    };
  }

  const circle = (size) => `M0,${-size}A${size},${size} 0 1 1 0,${size}A${size},${size} 0 1 1 0,${-size}Z`;

  function plus(turn) {
    const [long, short] = [1.1, 0.42];
    const corners = [[-short, -long], [short, -long], [short, -short], [long, -short], [long, short], [short, short],
      [short, long], [-short, long], [-short, short], [-long, short], [-long, -short], [-short, -short]];
    return (size) => {
      const [c, s] = [Math.cos(turn) * size, Math.sin(turn) * size];
      return `M${corners.map(([x, y]) => `${(c * x - s * y).toFixed(2)},${(s * x + c * y).toFixed(2)}`).join("L")}Z`;
    };
  }

  const quarter = Math.PI / 2;
  const star = polygon(Array.from({ length: 10 }, (_, index) => (index % 2 ? 0.5 : 1.25)), 0);
  const SHAPES = {
    o: circle,
    s: polygon(Array(4).fill(1.25), quarter / 2),
    D: polygon(Array(4).fill(1.3), 0),
    "^": polygon(Array(3).fill(1.3), 0),
    ">": polygon(Array(3).fill(1.3), quarter),
    v: polygon(Array(3).fill(1.3), 2 * quarter),
    "<": polygon(Array(3).fill(1.3), 3 * quarter),
    p: polygon(Array(5).fill(1.2), 0),
    h: polygon(Array(6).fill(1.15), 0),
    P: plus(0),
    X: plus(quarter / 2),
    star,
  };

  const colors = (method) => `--light:${method.color};--dark:${method.dark}`;

  function mark(method, size, x, y, kind) {
    const path = (SHAPES[method.marker] ?? circle)(size);
    const place = `translate(${x.toFixed(1)},${y.toFixed(1)})`;
    return shape("path", { d: path, transform: place, class: `method ${kind}`, style: colors(method) });
  }

  const starAt = (x, y) => shape("path", { d: star(6), transform: `translate(${x},${y})`, class: "star" });

  // The mark in the running text of a legend or a table.
  function swatch(method) {
    const drawn = method === null ? starAt(0, 0) : mark(method, 6, 0, 0, "solid");
    const size = { viewBox: "-9 -9 18 18", width: 16, height: 16 };
    return shape("svg", { ...size, "aria-hidden": "true", class: "swatch" }, drawn);
  }

  const named = (method) => element("span", { class: "named" }, swatch(method), method?.name ?? "base model");

  Object.assign(window.flowfront, { mark, starAt, swatch, named, colors });
})();

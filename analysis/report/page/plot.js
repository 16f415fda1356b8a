"use strict";
// The plot that holds either view: it is drawn at the size it has, and points can be dragged and asked.
(() => {
  const { element, shape, scatter, parallel, weights, weightAfter, withWeight, fixed, named } = window.flowfront;
  const [NEAR, GRAB, GRIP] = [14, 60, 22];

  function nearestHit(hits, x, y, within) {
    let best = null;
    let least = within;
    for (const hit of hits) {
      const distance = Math.hypot(hit.x - x, hit.y - y);
      if (distance < least) [best, least] = [hit, distance];
    }
    return best;
  }

  // Circles that a finger can take: they stay the same elements while they move.
  function createGrips() {
    const node = shape("g");
    const grips = new Map();
    function place(hits) {
      const current = new Map(hits.filter((hit) => hit.method.follows && hit.index === hit.method.at)
        .map((hit) => [hit.method.name, hit]));
      for (const [name, grip] of grips) {
        if (!current.has(name)) {
          grip.remove();
          grips.delete(name);
        }
      }
      for (const [name, hit] of current) {
        const grip = grips.get(name) ?? shape("circle", { r: GRIP, class: "grip", "data-method": name });
        grip.setAttribute("cx", hit.x.toFixed(1));
        grip.setAttribute("cy", hit.y.toFixed(1));
        if (!grips.has(name)) node.append(grip);
        grips.set(name, grip);
      }
    }
    return { node, place };
  }

  function fillTip(tip, view, hit) {
    const { method, index } = hit;
    const asked = method.follows ? `evaluated at ${weights(method.preferences[index])}` : "one point";
    const rows = view.rewards.map((reward, k) => {
      const value = fixed(method.points[index][k], view.decimals[k]);
      return element("div", {}, `${reward.name} `, element("b", {}, value));
    });
    tip.replaceChildren(named(method), element("div", {}, asked), ...rows);
    tip.hidden = false;
  }

  function placeTip(tip, hit, width) {
    const right = hit.x > width / 2;
    tip.style.left = right ? "auto" : `${hit.x + 14}px`;
    tip.style.right = right ? `${width - hit.x + 14}px` : "auto";
    tip.style.top = `${Math.max(0, hit.y - 20)}px`;
  }

  // What a hand does to the plot: it drags along the front it took, or asks what is beneath it.
  function createHand(svg, tip, state, now) {
    const at = (event) => {
      const place = svg.getBoundingClientRect();
      return [event.clientX - place.left, event.clientY - place.top];
    };

    function follow(event) {
      const own = now.hits.filter((hit) => hit.method.name === now.grabbed);
      const hit = nearestHit(own, ...at(event), Infinity);
      if (hit) state.set({ preference: [...hit.method.preferences[hit.index]], active: now.grabbed });
    }

    function grab(event) {
      const hit = nearestHit(now.hits.filter((each) => each.method.follows), ...at(event), GRAB);
      if (hit === null || event.button !== 0) return;
      now.grabbed = hit.method.name;
      tip.hidden = true;
      follow(event);
      // A finger beside the grips may scroll the page: it chooses a point, but does not hold it.
      if (event.pointerType === "touch" && !event.target.classList.contains("grip")) now.grabbed = null;
      else svg.setPointerCapture(event.pointerId);
    }

    function hover(event) {
      const hit = nearestHit(now.hits, ...at(event), NEAR);
      tip.hidden = hit === null;
      svg.classList.toggle("over", hit !== null && hit.method.follows);
      if (hit === null) return;
      fillTip(tip, now.view, hit);
      placeTip(tip, hit, svg.clientWidth);
    }

    svg.addEventListener("pointerdown", grab);
    svg.addEventListener("pointermove", (event) => (now.grabbed === null ? hover(event) : follow(event)));
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (now.grabbed = null));
    svg.addEventListener("pointerleave", () => (tip.hidden = true));
  }

  function createPlot(state) {
    const [drawn, grips, tip] = [shape("g"), createGrips(), element("div", { class: "tip", hidden: true })];
    const svg = shape("svg", { class: "plot" }, drawn, grips.node);
    const node = element("div", { class: "plot-frame" }, svg, tip);
    const now = { view: null, hits: [], grabbed: null };

    function draw(view) {
      now.view = view;
      const width = Math.max(280, node.clientWidth || 640);
      const size = { width, height: Math.round(Math.min(500, Math.max(300, width * 0.72))) };
      svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
      svg.setAttribute("height", size.height);
      const { nodes, hits } = (view.lines ? parallel : scatter)(view, size);
      drawn.replaceChildren(...nodes);
      now.hits = hits;
      grips.place(view.lines ? [] : hits);
      describe(svg, view);
    }

    createHand(svg, tip, state, now);
    svg.addEventListener("keydown", (event) => pressed(event, state, now.view));
    // In the next frame, because drawing changes the height that is being observed.
    new ResizeObserver(() => requestAnimationFrame(() => now.view && draw(now.view))).observe(node);
    return { node, draw };
  }

  function pressed(event, state, view) {
    if (view.rewards.length !== 2 || !view.movable) return;
    const weight = weightAfter(event, view.preference[0]);
    if (weight === null) return;
    event.preventDefault();
    state.set({ preference: withWeight(view.preference, 0, weight) });
  }

  // With two rewards the plot is a slider of its own; with more it is a picture, and the sliders beside it act.
  function describe(svg, view) {
    const slides = view.rewards.length === 2 && view.movable;
    svg.setAttribute("role", slides ? "slider" : "img");
    svg.setAttribute("aria-label", `Fronts of ${view.benchmark.name}`);
    if (!slides) return ["tabindex", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"]
      .forEach((name) => svg.removeAttribute(name));
    const text = view.rewards.map((reward, k) => `${reward.name} ${view.preference[k].toFixed(2)}`).join(", ");
    const values = { "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": view.preference[0] };
    const facts = { tabindex: 0, ...values, "aria-valuetext": text };
    Object.entries(facts).forEach(([name, value]) => svg.setAttribute(name, value));
  }

  Object.assign(window.flowfront, { createPlot });
})();

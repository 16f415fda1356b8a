"use strict";
// The view in words and numbers: one row a method, and one sentence that is read aloud.
(() => {
  const { element, named, fixed, signed, signOf, weights, later, edges } = window.flowfront;

  function cell(method, view, k) {
    const value = method.points[method.at][k];
    const half = method.halves === null ? "" : ` ± ${fixed(method.halves[method.at][k], view.decimals[k])}`;
    const parts = [element("span", { class: "value" }, fixed(value, view.decimals[k]), element("small", {}, half))];
    if (view.benchmark.base !== null) parts.push(gain(value - view.benchmark.base[k], view, k));
    return element("td", { class: "number" }, ...parts);
  }

  // The sign is of the number, the color of what it is worth.
  function gain(difference, view, k) {
    const text = signed(difference, view.decimals[k]);
    const worth = difference * signOf(view.rewards[k]);
    const kind = Number(difference.toFixed(view.decimals[k])) === 0 ? "same" : worth > 0 ? "better" : "worse";
    return element("span", { class: `gain ${kind}` }, text);
  }

  // Where no method follows a preference, nothing need be said of where they were evaluated.
  const where = (view, text, kind = null) => (view.movable ? element("td", { class: kind }, text) : null);

  function rowOf(method, view, facts) {
    const asked = method.follows ? weights(method.preferences[method.at]) : "one point";
    const row = element("tr", { "data-method": method.name },
      element("th", { scope: "row" }, named(method)),
      where(view, asked, "asked"),
      ...view.rewards.map((_, k) => cell(method, view, k)),
      ...facts.map((fact) => element("td", { class: "number" }, method.facts[fact] ?? "-")));
    row.classList.toggle("active", method.name === view.active);
    return row;
  }

  function baseRow(view, facts) {
    const { base } = view.benchmark;
    if (base === null) return [];
    const values = base.map((value, k) => element("td", { class: "number" }, fixed(value, view.decimals[k])));
    const unknown = facts.map(() => element("td", { class: "number" }, "-"));
    const name = element("th", { scope: "row" }, named(null));
    return [element("tr", { class: "base" }, name, where(view, "before training", "asked"), ...values, ...unknown)];
  }

  function head(view, facts) {
    const rewards = view.rewards.map((reward) =>
      element("th", { class: "number", scope: "col", title: reward.higher ? "more is better" : "less is better" },
        `${reward.name} ${reward.higher ? "↑" : "↓"}`, reward.unit ? element("small", {}, reward.unit) : null));
    const others = facts.map((fact) => element("th", { class: "number fact", scope: "col" }, fact));
    const names = view.movable ? ["method", "evaluated at"] : ["method"];
    const first = names.map((text) => element("th", { scope: "col" }, text));
    return element("tr", {}, ...first, ...rewards, ...others);
  }

  function asked(view) {
    if (!view.movable) return "Every method has one point here.";
    const parts = view.rewards.map((reward, k) => `${reward.name} ${view.preference[k].toFixed(2)}`);
    return `Asked for ${parts.join(", ")}.`;
  }

  function leaders(view) {
    if (!view.methods.length) return " No method is shown.";
    const parts = view.rewards.map((reward, k) => {
      const worth = (method) => signOf(reward) * method.points[method.at][k];
      const best = view.methods.reduce((one, other) => (worth(other) > worth(one) ? other : one));
      return `in ${reward.name}: ${best.name} (${fixed(best.points[best.at][k], view.decimals[k])})`;
    });
    return ` Best mean ${parts.join("; ")}. Differences are not tested.`;
  }

  function createReadout(state) {
    const table = element("table", {}, element("thead"), element("tbody"));
    const frame = element("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Points shown" }, table);
    const sentence = element("p", { class: "sentence" });
    const aloud = element("p", { class: "unseen", "aria-live": "polite" });
    const note = element("p", { class: "quiet note" });
    const follow = edges(frame);
    const speak = later(() => (aloud.textContent = sentence.textContent), 500);

    table.tBodies[0].addEventListener("click", (event) => {
      const row = event.target.closest("tr[data-method]");
      if (row) state.set({ active: row.dataset.method });
    });

    function show(view) {
      const facts = [...new Set(view.methods.flatMap((method) => Object.keys(method.facts)))];
      table.tHead.replaceChildren(head(view, facts));
      const rows = view.methods.map((method) => rowOf(method, view, facts));
      table.tBodies[0].replaceChildren(...baseRow(view, facts), ...rows);
      sentence.textContent = asked(view) + leaders(view);
      note.textContent = noteOf(view);
      follow();
      speak();
    }
    const said = element("div", { class: "said" }, sentence, aloud);
    return { sentence: said, table: element("div", { class: "readout" }, frame, note), show };
  }

  function noteOf(view) {
    const gains = view.benchmark.base === null ? "" : "Below each mean: its difference to the base model. ";
    const many = view.methods.some((method) => method.halves !== null);
    const alone = view.methods.filter((method) => method.mean.length < Object.keys(method.seeds).length);
    const names = alone.map((method) => `${method.name} (seed ${method.mean[0]})`).join(", ");
    return `${gains}Means over prompts, samples and seeds${many ? ", ± half of their 95 % t interval over seeds" : ""}.`
      + (names ? ` Seeds asked for different preferences, so one stands alone: ${names}.` : "");
  }

  Object.assign(window.flowfront, { createReadout });
})();

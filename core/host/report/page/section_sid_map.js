// Where SIDs stand: items' vectors coloured by their first code, and SID tokens among words.
"use strict";

tsrecSections.push({
  id: "sid_map", title: "Map of semantic IDs", order: 60,
  shows(run) { return Boolean(run.sid_map); },
  render(root, whole, tools) {
    const { el } = tools;
    const kColours = 9;  // of the codes that most drawn items have; all others are grey
    const kViews = [
      { key: "axes", name: "Principal axes", note: (map) => `The plane of the two principal axes, which shows ${tools.percent(map.share, 0)} of the variance.` },
      { key: "neighbours", name: "Neighbours (t-SNE)", note: (map) => `t-SNE, perplexity ${tools.number(map.perplexity, 0)}: who stands next to whom can be read from it; distances between groups and their sizes cannot.` },
    ];
    const whole1000 = { x: [0, 1000], y: [0, 1000] };

    // ---- items ---------------------------------------------------------------------------------------------------------
    // The codes that most of the drawn items have, and one group for the rest; or one code against all others.
    function itemGroups(items, alone) {
      const count = new Map();
      for (const code of items.code) count.set(code, (count.get(code) ?? 0) + 1);
      const byCount = [...count.keys()].sort((a, b) => count.get(b) - count.get(a) || a - b);
      const own = alone === null ? byCount.slice(0, byCount.length <= kColours + 1 ? kColours + 1 : kColours) : [alone];
      return { byCount, count, own };
    }
    function drawItems(panel, run) {
      const map = run.sid_map, items = map.items;
      if (items.left_out) { panel.append(el("p", { class: "warning" }, `The items' vectors are not drawn: ${items.left_out}`)); return; }
      const drawn = items.code.length, words = (token) => map.keywords[token] ?? "";
      const tokenOf = (code) => items.tokens[code];
      const { byCount, count } = itemGroups(items, null);
      const charts = el("div", { class: "grid-2" });
      function draw(alone) {
        const { own } = itemGroups(items, alone);
        const groups = own.map((code, at) => ({ name: tokenOf(code), color: tools.color(at) }));
        const hasRest = own.length < byCount.length;
        if (hasRest) groups.push({ name: "other codes", color: "color-mix(in srgb, var(--soft) 45%, transparent)" });
        const groupOf = (code) => { const at = own.indexOf(code); return at < 0 ? own.length : at; };
        const order = items.code.map((_, index) => index).sort((a, b) => groupOf(items.code[b]) - groupOf(items.code[a]));
        charts.replaceChildren();
        for (const view of kViews) {
          const at = items[view.key];
          if (!at) continue;
          tools.scatter(charts, {
            title: view.name, square: true, bare: true, extent: whole1000, groups, groupLabel: "first code", note: view.note(items),
            points: order.map((index) => ({ x: at.x[index], y: at.y[index], group: groupOf(items.code[index]), label: items.title[index], detail: [hasRest ? tokenOf(items.code[index]) : "", words(tokenOf(items.code[index]))].filter(Boolean).join("\n") })),
          });
        }
      }
      const choice = el("select", { "aria-label": "Code to look at", onchange: () => draw(choice.value === "" ? null : Number(choice.value)) },
        el("option", { value: "" }, "the codes of most items"),
        byCount.map((code) => el("option", { value: code }, `${tokenOf(code)} (${count.get(code)})${words(tokenOf(code)) ? ": " + words(tokenOf(code)) : ""}`)));
      panel.append(
        el("p", {}, drawn < items.of ? `${tools.number(drawn)} of ${tools.number(items.of)} items, evenly spaced in the catalogue` : `All ${tools.number(drawn)} items`,
          ", each where the encoder puts its texts, coloured by the first code of its SID. Codes that mean something are islands of one colour."),
        el("p", { class: "controls" }, el("label", { class: "choice" }, "Colour ", choice)), charts);
      draw(null);
      if (byCount.some((code) => words(tokenOf(code)))) {
        panel.append(tools.folded("Keywords of the first codes", () => tools.table(["code", { label: "drawn items", numeric: true }, "keywords"],
          byCount.map((code) => [tokenOf(code), count.get(code), words(tokenOf(code))]), { caption: "What the first codes of the drawn items mean", limit: 20, sortable: true })));
      }
    }

    // ---- tokens --------------------------------------------------------------------------------------------------------
    function drawTokens(panel, run) {
      const map = run.sid_map, tokens = map.tokens;
      if (tokens.left_out) { panel.append(el("p", { class: "warning" }, `The rows of SID tokens are not drawn: ${tokens.left_out}`)); return; }
      const levels = Math.max(...tokens.level) + 1, letter = (level) => String.fromCharCode(97 + (level % 26));
      const groups = [{ name: "words", color: "color-mix(in srgb, var(--soft) 55%, transparent)" }];
      for (let level = 0; level < levels; ++level) groups.push({ name: `level ${letter(level)}`, color: tools.color(level) });
      panel.append(el("p", {}, "The input rows of the SID tokens among those of words, model by model on one plane. Rows that were drawn at random stand apart from the words until training has pulled them in; rows that begin among the words need not be."));
      function drawView(box, view) {
        const at = tokens[view.key], charts = el("div", { class: "grid-2", style: { "grid-template-columns": "repeat(auto-fit, minmax(min(100%, 14.5rem), 1fr))" } });
        box.append(charts);
        tokens.models.forEach((model, m) => {
          tools.scatter(charts, {
            title: model, square: true, bare: true, height: 260, extent: whole1000, groups, groupLabel: "level",
            points: tokens.model.flatMap((of, index) => (of !== m ? [] : [{
              x: at.x[index], y: at.y[index], group: tokens.level[index] + 1, label: tokens.token[index] || "a word", detail: map.keywords[tokens.token[index]] ?? "",
            }])),
          });
        });
        box.append(el("p", { class: "note" }, view.note(tokens)));
      }
      tools.tabs(panel, kViews.filter((view) => tokens[view.key]).map((view) => ({ label: view.name, make: (box) => drawView(box, view) })), { label: "Planes" });
      const digits = 2;
      panel.append(el("div", { style: { "margin-top": "1rem" } }, tools.table(
        ["model", "level", { label: "tokens", numeric: true }, { label: "length", numeric: true, help: "mean length of a row" }, { label: "nearest word", numeric: true, help: "mean distance to the nearest word" }, { label: "inside", numeric: true, help: "share along the axes that hold 90 % of the words' variance" }, { label: "dimensions", numeric: true, help: "over how many axes the rows spread" }],
        tokens.places.map((row) => [row.model, letter(row.level), row.count, ...["length", "nearest", "inside", "dimensions"].map((key) => ({ value: row[key], digits }))]),
        { caption: "Rows of SID tokens in units of words' rows: 1 is like a word" })));
    }

    const shown = whole.runs.filter(this.shows), drawn = shown.filter((run) => run.sid_map.tokens).length;
    if (drawn > 0 && drawn < shown.length) root.append(el("p", { class: "note before" }, "SID tokens before and after training are drawn under the first seed of each cell; ", el("code", {}, "tsrec report RUN"), " draws those of any other."));
    tools.runTabs(root, whole, this.shows, (panel, run) => {
      const parts = [];
      if (run.sid_map.items) parts.push({ label: "Items", make: (box) => drawItems(box, run) });
      if (run.sid_map.tokens) parts.push({ label: "SID tokens before and after training", make: (box) => drawTokens(box, run) });
      tools.tabs(panel, parts, { label: "Maps" });
    });
  },
});

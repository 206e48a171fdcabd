// How the catalogue uses its codes, who shares a SID, and how wide the tree of SIDs is.
"use strict";

tsrecSections.push({
  id: "sid_usage", title: "Codebook and collisions", order: 62,
  shows(run) { return Boolean(run.sid_usage); },
  render(root, whole, tools) {
    const { el, number } = tools, letter = (level) => String.fromCharCode(97 + (level % 26));
    const card = (title, big, small) => el("li", { class: "card" }, el("h3", {}, title), el("p", { class: "big" }, big), el("p", {}, small));
    tools.runTabs(root, whole, this.shows, (panel, run) => {
      const usage = run.sid_usage, levels = usage.levels;
      const codes = levels.reduce((all, level) => all + level.size, 0), used = levels.reduce((all, level) => all + level.used, 0);
      panel.append(el("ul", { class: "cards" },
        card("SIDs", number(usage.sids), `for ${number(usage.items)} items`),
        card("Items that share theirs", tools.percent(usage.collided / usage.items), `${number(usage.collided)} items: no list can tell them apart`),
        usage.rows > 0 ? card("Training rows of such items", tools.percent(usage.collided_rows / usage.rows), `${number(usage.collided_rows)} of ${number(usage.rows)} rows`) : null,
        card("Codes in use", tools.percent(used / codes, 0), `${number(used)} of ${number(codes)}, all levels`)));
      panel.append(tools.table(
        ["level", { label: "codes", numeric: true }, { label: "in use", numeric: true }, { label: "perplexity", numeric: true, help: "exp of the entropy of the items' codes: as many codes in equal use" }, { label: "of codes", numeric: true, help: "perplexity / codes" },
          { label: "nodes", numeric: true, help: "different beginnings of SIDs up to this level" }, { label: "children", numeric: true, help: "of a node one level above, mean" }, { label: "most", numeric: true, help: "children of one node" }, { label: "with one", numeric: true, help: "nodes above whose SIDs all go on alike: the code says nothing new there" }],
        levels.map((level, at) => [letter(at), level.size, level.used, { value: level.perplexity, digits: 1 }, { value: level.perplexity / level.size, text: tools.percent(level.perplexity / level.size, 0) },
          level.nodes, { value: level.mean_children, digits: 2 }, level.most_children, level.only_children]),
        { caption: "Level by level: how evenly codes are used, and how the tree fans out" }));
      // The sorted counts of a level with more codes than are kept here are spread over all of its places.
      const series = levels.map((level, at) => ({ name: `level ${letter(at)}`, points: level.counts.map((count, i) => [1 + Math.floor((i * level.used) / level.counts.length), count]) }));
      const charts = el("div", { class: "grid-2", style: { "margin-top": "1rem" } });
      panel.append(charts);
      tools.lineChart(charts, { title: "Items of each code, sorted", series, xLabel: "place of the code", yLabel: "items", smooth: null, wholeX: true });
      if (usage.sids_of_size.length > 1) {
        tools.bars(charts, { title: "SIDs by how many items have them", xLabel: "SIDs", text: (value) => number(value),
          bars: usage.sids_of_size.slice(0, 20).map(([items, sids]) => ({ label: `${items} ${items === 1 ? "item" : "items"}`, value: sids })),
          note: usage.sids_of_size.length > 20 ? `${usage.sids_of_size.length - 20} more sizes, up to ${number(usage.sids_of_size.at(-1)[0])} items of one SID.` : null });
      } else charts.append(el("p", { class: "note" }, `Every SID belongs to ${usage.sids_of_size[0][0] === 1 ? "one item" : usage.sids_of_size[0][0] + " items"}.`));
    }, (run) => run.sid_usage);
  },
});

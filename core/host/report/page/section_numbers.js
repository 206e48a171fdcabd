// What was measured: every model and floor with intervals, the best in bold, and the tests behind the verdicts.
"use strict";

// Places of the best and the second best; values that are equal share theirs.
function places(values, better) {
  const known = [...new Set(values.filter((value) => typeof value === "number"))].sort((a, b) => (better === "lower" ? a - b : b - a));
  return values.map((value) => (better === "unknown" || known.length < 2 ? "" : value === known[0] ? "best" : value === known[1] ? "second" : ""));
}

function valueCell(tools, value, small, place) {
  const { el, number } = tools;
  if (typeof value !== "number") return null;
  return { value, class: place, node: el("span", {}, el("span", { class: "value" }, number(value)), small ? el("small", {}, small) : null) };
}

function namesOf(run) {
  return [...new Set(run.columns.flatMap((column) => Object.keys(run.numbers[column.name] ?? {})))].filter((name) => !name.endsWith(".interval"));
}
const isMain = (name) => name.startsWith("item.");

function measured(tools, run, names, caption) {
  const columns = run.columns.filter((column) => run.numbers[column.name]);
  const marks = names.map((name) => places(columns.map((column) => run.numbers[column.name][name]), columns.map((column) => column.better[name]).find(Boolean) ?? "unknown"));
  return tools.table(["of", ...names.map((name) => ({ label: tools.spoken(name), numeric: true, help: name }))],
    columns.map((column, row) => [column.name, ...names.map((name, at) => {
      const numbers = run.numbers[column.name], interval = numbers[`${name}.interval`];
      return valueCell(tools, numbers[name], interval ? tools.range(...interval) : "", marks[at][row]);
    })]), { caption, sortable: true });
}

function tests(tools, run, pair) {
  const { signed, signedRange, pValue, percent, number } = tools, person = tools.corrector(run.statistics.correction);
  return tools.table(["number", { label: pair.before, numeric: true }, { label: pair.after, numeric: true }, { label: "difference", numeric: true }, { label: "95 % interval", numeric: true },
    { label: `p (${person})`, numeric: true }, { label: "McNemar", numeric: true }, { label: "rows that changed", numeric: true }, { label: "could be shown", numeric: true, help: "the difference that so many rows show four times in five" }],
  pair.numbers.map((one) => {
    const isSure = one.p <= 0.05 && (one.interval[0] > 0 || one.interval[1] < 0) && one.better !== "unknown";
    const tint = !isSure ? "" : (one.difference > 0) === (one.better === "higher") ? "better-text" : "worse-text";
    return [tools.spoken(one.name), run.numbers[pair.before]?.[one.name], run.numbers[pair.after]?.[one.name], { value: one.difference, text: signed(one.difference), class: tint },
      { value: one.interval[0], text: signedRange(...one.interval) }, { value: one.p, text: pValue(one.p), class: isSure ? "best" : "" }, { value: one.mcnemar, text: one.mcnemar === undefined ? "" : pValue(one.mcnemar) },
      { value: one.changed, text: one.changed === undefined ? "" : percent(one.changed) }, { value: one.detectable, text: one.detectable === undefined ? "" : `± ${number(one.detectable)}` }];
  }), { caption: `${pair.after} minus ${pair.before}, on the same rows` });
}

function ofRun(panel, run, tools) {
  const { el } = tools, names = namesOf(run), main = names.filter(isMain), others = names.filter((name) => !isMain(name));
  const shown = main.length ? main : others;
  panel.append(measured(tools, run, shown, "Means over the test rows, with 95 % intervals by a bootstrap over users. Best in bold, second underlined."));
  const name = tools.mainNumber(shown), columns = run.columns.filter((column) => typeof run.numbers[column.name]?.[name] === "number");
  if (columns.length > 1) {
    const box = el("div", { style: { "margin-top": "1rem" } });
    panel.append(box);
    tools.bars(box, { title: tools.spoken(name), text: (value) => tools.number(value, 4), bars: columns.map((column) => {
      const [low, high] = run.numbers[column.name][`${name}.interval`] ?? [];
      return { label: column.name, value: run.numbers[column.name][name], low, high, color: column.is_model ? "var(--c1)" : "var(--soft)", detail: column.is_model ? "a model" : "a recommender beside it" };
    }) });
  }
  if (run.differences.length) panel.append(el("h3", {}, "Tests"), ...run.differences.map((pair) => el("div", { style: { "margin-top": ".7rem" } }, tests(tools, run, pair))));
  if (main.length && others.length) panel.append(tools.folded(`${others.length} more numbers`, () => measured(tools, run, others, "Numbers that are not by item")));
}

function ofComparison(root, comparison, tools) {
  const { el, number, signed, signedRange, pValue } = tools, person = tools.corrector(comparison.correction);
  const marks = comparison.numbers.map((one, at) => places(comparison.rows.map((row) => row.numbers[at]?.mean), one.better));
  root.append(tools.table(["of", ...comparison.numbers.map((one) => ({ label: tools.spoken(one.name), numeric: true, help: one.name })), { label: "seeds", numeric: true }],
    comparison.rows.map((row, at) => [row.label, ...row.numbers.map((spread, column) => spread && {
      value: spread.mean, class: marks[column][at], text: spread.count > 1 ? `${number(spread.mean)} ± ${number(spread.deviation, 4)}` : number(spread.mean) }), Math.max(0, ...row.numbers.map((spread) => spread?.count ?? 0))]),
    { caption: "Means over seeds ± standard deviation. Best in bold, second underlined.", sortable: true }));
  // One table of tests, with a chart of its main number; labelOf names what each difference is of.
  function family(differences, labelOf, titles) {
    if (differences.length === 0) return;
    const name = tools.mainNumber(differences.map((one) => one.number)), box = el("div", { style: { "margin-top": "1rem" } });
    root.append(el("h3", {}, titles.heading), box);
    tools.bars(box, { title: `${tools.spoken(name)}: ${titles.chart}`, marks: "point", text: (value) => signed(value),
      bars: differences.filter((one) => one.number === name).map((one) => ({ label: labelOf(one), value: one.difference, low: one.interval[0], high: one.interval[1], color: one.p <= 0.05 ? "var(--c1)" : "var(--soft)", detail: `p ${pValue(one.p)} after ${person}` })),
      note: `Points with 95 % intervals${titles.of}; grey where p after ${person} is above 0.05.` });
    const has = (key) => differences.some((one) => one[key] !== undefined), blank = (value, text) => ({ value: value ?? null, text: value === undefined ? "" : text(value) });
    root.append(el("div", { style: { "margin-top": "1rem" } }, tools.table([titles.label, "number", { label: titles.minus, numeric: true }, { label: "95 % interval", numeric: true }, { label: `p (${person})`, numeric: true },
      ...(has("permutation") ? [{ label: "permutation", numeric: true, help: "p of this number alone" }] : []),
      { label: "could show", numeric: true, help: "where no difference was found: the smallest that would have been, four times in five" },
      ...(has("equivalence") ? [{ label: "equal", numeric: true, help: "p of the test that there is no difference as large as the margin" }] : [])],
    differences.map((one) => [labelOf(one), tools.spoken(one.number), { value: one.difference, text: signed(one.difference) }, { value: one.interval[0], text: signedRange(...one.interval) },
      { value: one.p, text: pValue(one.p), class: one.p <= 0.05 ? "best" : "" }, ...(has("permutation") ? [blank(one.permutation, pValue)] : []),
      blank(one.significant ? undefined : one.could_show, (value) => number(value, 4)),
      ...(has("equivalence") ? [blank(one.equivalence?.p, (p) => pValue(p) + (one.equivalence.shown ? `, within ${number(one.equivalence.margin)}` : ""))] : [])]),
    { caption: titles.caption, sortable: true, limit: 40 })));
  }
  family(comparison.differences, (one) => one.cell, { heading: `Against ${comparison.against}`, chart: `difference from ${comparison.against}`, of: ", the cell's last model", label: "cell", minus: `minus ${comparison.against}`,
    caption: `Every cell's last model minus that of ${comparison.against}, on the same rows` });
  family(comparison.trained, (one) => `${one.cell}: ${one.after} minus ${one.before}`, { heading: "Against the model it was trained from", chart: "difference from the model it was trained from", of: "", label: "models", minus: "difference",
    caption: "Every model minus the one that it was trained from, on the same rows" });
}

tsrecSections.push({
  id: "numbers", title: "Comparison", order: 20,
  showsAll(whole) { return whole.runs.some((run) => run.columns.length > 0); },
  render(root, whole, tools) {
    if (whole.comparison?.rows.length) {
      ofComparison(root, whole.comparison, tools);
      root.append(tools.el("h3", {}, "Run by run"));
    }
    tools.runTabs(root, whole, (run) => run.columns.length > 0, (panel, run) => ofRun(panel, run, tools));
  },
});

// Every tested difference with all that was asked of it, and what could have been found where nothing was.
"use strict";

function tested(panel, run, tools) {
  const { el } = tools, { statistics } = run, margin = statistics.equivalence_margin;
  const person = tools.corrector(statistics.correction);
  const pairs = [...new Set(statistics.differences.map((one) => `${one.after} minus ${one.before}`))];
  for (const pair of pairs) {
    const rows = statistics.differences.filter((one) => `${one.after} minus ${one.before}` === pair).map((one) => [
      tools.spoken(one.number), { value: one.difference, text: tools.signed(one.difference) }, { value: one.interval[0], text: tools.signedRange(...one.interval) },
      { value: one.p, node: one.significant ? el("strong", {}, tools.pValue(one.p)) : tools.pValue(one.p) },
      { value: one.mcnemar ?? null, text: one.mcnemar === undefined ? "" : tools.pValue(one.mcnemar) },
      { value: one.permutation ?? null, text: one.permutation === undefined ? "" : tools.pValue(one.permutation) },
      { value: one.could_show ?? null, text: one.significant || one.could_show === undefined ? "" : tools.number(one.could_show, 4) },
      ...(margin > 0 ? [{ value: one.equivalence?.p ?? null, text: one.equivalence ? tools.pValue(one.equivalence.p) + (one.equivalence.shown ? ", equal" : "") : "" }] : [])]);
    panel.append(el("h3", {}, pair), tools.table(["number", ...["difference", "95 % interval", `p (${person})`, "McNemar", "permutation", "could show"].map((label) => ({ label, numeric: true })),
      ...(margin > 0 ? [{ label: `equal within ${tools.number(margin)}`, numeric: true }] : [])], rows, { caption: `${pair}: tests of the same rows`, quiet: true }));
  }
  panel.append(el("p", { class: "note" }, "Intervals and p are of a paired bootstrap over users; p is corrected over the numbers of the pair, and bold where it is 0.05 at most. McNemar and permutation are p-values of one number alone. "
    + "Where a difference was not found, “could show” is the smallest that these users would have shown four times in five: less than that may well be there."));
}

tsrecSections.push({
  id: "statistics", title: "How sure the differences are", order: 38,
  shows(run) { return (run.statistics?.differences ?? []).length > 0; },
  render(root, whole, tools) { tools.runTabs(root, whole, this.shows, (panel, run) => tested(panel, run, tools)); },
});

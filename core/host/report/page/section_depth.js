// How deep into the target's SID each model is right.
"use strict";

tsrecSections.push({
  id: "depth", title: "How deep lists are right", order: 50,
  shows(run) { return Boolean(run.depth); },
  render(root, whole, tools) {
    const { el } = tools, letter = (level) => String.fromCharCode(97 + (level % 26));
    function drawCutoff(box, depth, k) {
      const cutoff = depth.cutoffs[k], first = cutoff === 1 ? "first SID" : `first ${cutoff} SIDs`;
      tools.lineChart(box, {
        title: `Rows whose ${first} begin as the target`, xLabel: "first codes", yLabel: "share of rows", smooth: null, wholeX: true, text: (value) => tools.percent(value),
        series: depth.curves.map((curve, at) => ({
          name: curve.of, dashed: !curve.is_model, color: tools.color(at, depth.curves.length),
          points: curve.share[k].map((share, level) => [level + 1, share]),
          band: curve.interval[k].map(([low, high], level) => [level + 1, low, high]),
        })),
        note: `${tools.number(depth.rows)} rows. Of all ${depth.levels} codes this is sid.hr@${cutoff}. Bands: 95 %, rows of one user together.`,
      });
      const shareText = (curve, level) => {
        const share = curve.share[k][level], [low, high] = curve.interval[k][level];
        return { value: share, text: tools.percent(share), help: `95 %: ${tools.percent(low)} … ${tools.percent(high)}` };
      };
      // Of the rows that are right so far, how many are right one code further: where a model is lost.
      const onward = (curve, level) => { const before = curve.share[k][level - 1]; return before > 0 ? { value: curve.share[k][level] / before, text: tools.percent(curve.share[k][level] / before, 0) } : null; };
      const levels = [...Array(depth.levels).keys()];
      box.append(tools.table(
        ["model", ...levels.map((level) => ({ label: level === 0 ? "a" : `a … ${letter(level)}`, numeric: true })), ...levels.slice(1).map((level) => ({ label: `${letter(level)} where right before`, numeric: true, help: "share of the rows right so far that are right in this code as well" }))],
        depth.curves.map((curve) => [curve.of, ...levels.map((level) => shareText(curve, level)), ...levels.slice(1).map((level) => onward(curve, level))]),
        { caption: `Share of rows whose ${first} have the target's first codes`, sortable: true }));
    }
    root.append(el("p", {}, "A list may miss the item and still know what kind of item comes: one of its SIDs then begins with the target's codes."));
    tools.runTabs(root, whole, this.shows, (panel, run) => {
      tools.tabs(panel, run.depth.cutoffs.map((cutoff, k) => ({ label: cutoff === 1 ? "First SID" : `First ${cutoff}`, make: (box) => drawCutoff(box, run.depth, k) })),
        { label: "How much of the list", first: run.depth.cutoffs.length - 1 });
    });
  },
});

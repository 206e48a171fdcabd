// Numbers over steps: of one run, or of a comparison as a mean over seeds with a band from the lowest to the highest.
"use strict";

const kKinds = [
  ["Difference from the start", /minus_start/], ["Loss", /loss|nll|perplexity/], ["Reward", /reward/], ["KL", /(^|[._])kl/], ["Hit rate", /\.hr@/], ["NDCG", /ndcg@/],
];
const kindOf = (name) => kKinds.find(([, pattern]) => pattern.test(name))?.[0] ?? name;

const rankOf = (kind) => { const at = kKinds.findIndex(([name]) => name === kind); return at < 0 ? kKinds.length : at; };

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) { const at = key(item); if (!groups.has(at)) groups.set(at, []); groups.get(at).push(item); }
  return groups;
}
const pointsOf = (curve) => curve.steps.map((step, at) => [step, curve.values[at]]).sort((a, b) => a[0] - b[0]);
// What is written as three curves, a number and the ends of its interval, is one line with a band.
function withBands(curves) {
  const at = (curve, ending) => curves.find((other) => other.stage === curve.stage && other.name === curve.name + ending);
  const isEnd = (curve) => /\.(low|high)$/.test(curve.name) && curves.some((other) => other.stage === curve.stage && other.name === curve.name.replace(/\.(low|high)$/, ""));
  return curves.filter((curve) => !isEnd(curve)).map((curve) => {
    const low = at(curve, ".low"), high = at(curve, ".high");
    if (!low || !high) return curve;
    const highs = new Map(pointsOf(high));
    return { ...curve, band: pointsOf(low).map(([step, value]) => [step, value, highs.get(step) ?? null]) };
  });
}
function thinning(curves) {
  const thinned = curves.filter((curve) => curve.points > curve.steps.length);
  return thinned.length ? `Of up to ${Math.max(...thinned.map((curve) => curve.points)).toLocaleString("en-US")} points a line shows the lowest and highest of each stretch.` : "";
}

// Charts in two columns; those of known kinds first, all others folded.
function charts(panel, entries, tools) {
  const isKnown = ([kind]) => kKinds.some(([name]) => name === kind);
  const draw = (box, [kind, chart]) => { const cell = tools.el("div", { style: { "min-width": 0 } }); box.append(cell); tools.lineChart(cell, { title: kind, xLabel: "step", wholeX: true, ...chart }); };
  const known = entries.filter(isKnown), others = entries.filter((entry) => !isKnown(entry));
  const first = known.length ? known : others.splice(0);
  const grid = tools.el("div", { class: "grid-2" });
  panel.append(grid);
  for (const entry of first) draw(grid, entry);
  if (others.length) panel.append(tools.folded(`${others.length} more ${others.length === 1 ? "chart" : "charts"}`, () => {
    const more = tools.el("div", { class: "grid-2" });
    queueMicrotask(() => others.forEach((entry) => draw(more, entry)));
    return more;
  }));
}

function ofStage(box, curves, tools) {
  charts(box, [...grouped(curves, (curve) => kindOf(curve.name))].sort(([a], [b]) => rankOf(a) - rankOf(b)).map(([kind, lines]) => [kind, {
    title: lines.length === 1 && lines[0].name !== kind ? `${kind}: ${lines[0].name}` : kind, note: thinning(lines), series: lines.map((curve) => ({ name: curve.name, points: pointsOf(curve), band: curve.band })) }]), tools);
}
// Of a stage that is being made, too: where a run is watched.
tsrecTools.curveCharts = (box, curves) => ofStage(box, withBands(curves), tsrecTools);
function ofRun(panel, run, tools) {
  const stages = [...grouped(withBands(run.curves), (curve) => curve.stage)];
  tools.tabs(panel, stages.map(([stage, curves]) => ({ label: stage, make(box) {
    box.className = "";
    ofStage(box, curves, tools);
  } })), { label: "Stages", first: Math.max(0, stages.findLastIndex(([stage]) => stage.startsWith("stage."))) });
}

// The value at a step, on the line between its neighbours; null outside of the curve.
function valueAt(points, step) {
  const after = points.findIndex(([at]) => at >= step);
  if (after < 0) return null;
  const [x1, y1] = points[after];
  if (x1 === step || y1 === null) return x1 === step ? y1 : null;
  if (after === 0) return null;
  const [x0, y0] = points[after - 1];
  return y0 === null ? null : y0 + ((y1 - y0) * (step - x0)) / (x1 - x0);
}
function overSeeds(curves) {
  const lines = curves.map(pointsOf), steps = [...new Set(lines.flatMap((points) => points.map(([step]) => step)))].sort((a, b) => a - b), points = [], band = [];
  for (const step of steps) {
    const values = lines.map((line) => valueAt(line, step));
    if (values.some((value) => typeof value !== "number")) continue;  // a mean over fewer seeds would jump
    points.push([step, values.reduce((sum, value) => sum + value, 0) / values.length]);
    band.push([step, Math.min(...values), Math.max(...values)]);
  }
  return lines.length > 1 ? { points, band, each: lines.map((own) => ({ points: own })) } : { points: lines[0] };
}
// Cells that share a stage have one line, with all their names.
function lineOfCells(curves) {
  const series = [...grouped(curves, (curve) => curve.cell)].map(([cell, own]) => ({ cell, ...overSeeds(own) }));
  return [...grouped(series, (one) => JSON.stringify([one.points, one.each])).values()].map((same) => ({ ...same[0], name: same.map((one) => one.cell).join(" = ") }));
}
function ofCells(root, whole, tools) {
  const all = whole.runs.flatMap((run) => withBands(run.curves).map((curve) => ({ ...curve, cell: run.cell || run.name })));
  const stages = [...grouped(all, (curve) => curve.stage)];
  tools.tabs(root, stages.map(([stage, curves]) => ({ label: stage, make(panel) {
    const names = [...grouped(curves, (curve) => curve.name)].sort(([a], [b]) => rankOf(kindOf(a)) - rankOf(kindOf(b)));
    const isKnown = ([name]) => kKinds.some(([kind]) => kind === kindOf(name));
    const draw = (box, [name, lines]) => { const cell = tools.el("div", { style: { "min-width": 0 } }); box.append(cell); tools.lineChart(cell, { title: name, xLabel: "step", wholeX: true, eachLabel: "Seeds",
      note: [lines.length > new Set(lines.map((line) => line.cell)).size ? "Means over seeds; the band goes from the lowest to the highest. “Seeds” draws the line of each." : "", thinning(lines)].filter(Boolean).join(" "),
      series: lineOfCells(lines) }); };
    const grid = tools.el("div", { class: "grid-2" }), others = names.filter((entry) => !isKnown(entry));
    panel.className = "";
    panel.append(grid);
    for (const entry of names.filter(isKnown)) draw(grid, entry);
    if (others.length) panel.append(tools.folded(`${others.length} more ${others.length === 1 ? "chart" : "charts"}`, () => { const more = tools.el("div", { class: "grid-2" }); queueMicrotask(() => others.forEach((entry) => draw(more, entry))); return more; }));
  } })), { label: "Stages", first: Math.max(0, stages.findLastIndex(([stage]) => stage.startsWith("stage."))) });
}

tsrecSections.push({
  id: "curves", title: "Curves", order: 30,
  shows(run) { return run.curves.length > 0; },
  render(root, whole, tools) {
    if (whole.runs.length > 1) ofCells(root, whole, tools);
    else tools.runTabs(root, whole, (run) => run.curves.length > 0, (panel, run) => { panel.className = ""; ofRun(panel, run, tools); });
  },
});

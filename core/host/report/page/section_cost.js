// What every stage cost, beside what the machine can do.
"use strict";

function ofRun(panel, run, tools) {
  const { el, number, percent, bytes, seconds } = tools, cost = run.cost, stages = Object.entries(cost.stages);
  const total = stages.reduce((sum, [, stage]) => sum + (stage.seconds ?? 0), 0), tokens = stages.reduce((sum, [, stage]) => sum + (stage.token_forwards ?? 0), 0);
  const flops = stages.reduce((sum, [, stage]) => sum + (stage.flops ?? 0), 0), memory = Math.max(0, ...stages.map(([, stage]) => stage.peak_memory ?? 0));
  const card = (title, value, detail) => el("li", { class: "card" }, el("h3", {}, title), el("div", { class: "big" }, value), detail ? el("p", {}, detail) : null);
  panel.append(el("ul", { class: "cards" }, card("Time in stages", seconds(total), `${stages.length} stages, ${cost.threads} ${cost.threads === 1 ? "thread" : "threads"}, ${cost.precision}`),
    tokens ? card("Tokens through models", number(tokens)) : null, flops ? card("Arithmetic", `${number(flops / 1e12, flops < 1e13 ? 2 : 0)} TFLOP`, cost.roof_gflops ? `the machine does ${number(cost.roof_gflops, 0)} GFLOP/s at most` : "") : null,
    memory ? card("Memory at its peak", bytes(memory)) : null));
  const slowest = stages.filter(([, stage]) => stage.seconds > 0).sort((a, b) => b[1].seconds - a[1].seconds).slice(0, 12);
  if (slowest.length > 1) { const box = el("div"); panel.append(box); tools.bars(box, { title: "Seconds by stage", xLabel: "seconds", text: seconds, bars: slowest.map(([name, stage]) => ({ label: name, value: stage.seconds, color: stage.earlier ? "var(--soft)" : "var(--c1)" })), note: stages.some(([, stage]) => stage.earlier) ? "Grey: stored by an earlier run." : "" }); }
  const blank = (value, text) => (value ? { value, text: text(value) } : null);
  panel.append(el("div", { style: { "margin-top": "1rem" } }, tools.table(["stage", { label: "seconds", numeric: true }, { label: "rows", numeric: true }, { label: "tokens/row", numeric: true }, { label: "GFLOP", numeric: true }, { label: "of the roof", numeric: true }, { label: "peak memory", numeric: true }, { label: "predicted", numeric: true }, ""],
    stages.map(([name, stage]) => [name, { value: stage.seconds, text: number(stage.seconds, 2) }, stage.rows || null, stage.rows && stage.token_forwards ? { value: stage.token_forwards / stage.rows, text: number(stage.token_forwards / stage.rows, 1) } : null,
      blank(stage.flops && stage.flops / 1e9, (value) => number(value, 1)), blank(stage.share_of_roof, (value) => percent(value, 0)), blank(stage.peak_memory, bytes), blank(stage.predicted_memory, bytes), stage.earlier ? "stored earlier" : ""]),
    { caption: "What each stage took. The roof: the most FLOP/s that multiply-adds or a large matrix product reached on the machine.", sortable: true })));
}

tsrecSections.push({
  id: "cost", title: "Cost", order: 80,
  shows(run) { return Object.keys(run.cost.stages).length > 0; },
  render(root, whole, tools) {
    const { el } = tools;
    if (whole.runs.length > 1) root.append(tools.table(["run", { label: "seconds in stages", numeric: true }], whole.runs.map((run) => { const total = Object.values(run.cost.stages).reduce((sum, stage) => sum + (stage.seconds ?? 0), 0); return [run.name, { value: total, text: tools.number(total, 1) }]; }), { caption: "A stage that runs share counts in each of them.", sortable: true }), el("h3", {}, "Run by run"));
    tools.runTabs(root, whole, this.shows, (panel, run) => ofRun(panel, run, tools));
  },
});

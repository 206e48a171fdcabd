// Where the targets went between a model and the one that it was trained from; and trainings against their start.
"use strict";

function moved(panel, run, name, movement, tools) {
  const { el } = tools, [after, before] = name.split(" minus ");
  panel.append(el("h3", {}, `${before} → ${after}`), tools.heatTable(movement.ranks, movement.ranks, movement.from_to, {
    caption: `Test rows by the rank of their target: ${before} down, ${after} across. On the outlined diagonal nothing moved; left of it targets rose.`,
    corner: `${before} \\ ${after}`, class: (row, column) => (row === column ? "stayed" : "") }));
  panel.append(el("div", { style: { "margin-top": ".8rem" } }, tools.table(["targets", { label: "rows", numeric: true }, { label: before, numeric: true }, { label: after, numeric: true }, { label: "gained", numeric: true }, { label: "lost", numeric: true }, { label: "net", numeric: true }, { label: "McNemar", numeric: true }],
    Object.entries(movement.hits).map(([group, hits]) => [group, hits.rows, hits.before, hits.after, { value: hits.gained, class: "better-text" }, { value: hits.lost, class: "worse-text" },
      { value: hits.gained - hits.lost, text: tools.signed(hits.gained - hits.lost, 0) }, { value: hits.mcnemar, text: tools.pValue(hits.mcnemar) }]),
    { caption: `Hits among the first ${movement.hit_rank}, by the popularity of the target` })));
}

function trained(panel, training, tools) {
  const { el, signed, signedRange } = tools;
  if (!training.number) { panel.append(el("h3", {}, training.stage), el("p", {}, "Its metrics have no number that could be watched.")); return; }
  const box = el("div");
  panel.append(el("h3", {}, `${training.stage}, from ${training.before}`));
  if (training.sentence) panel.append(el("p", { class: "alarm" }, training.sentence));
  panel.append(box);
  const points = training.validations;
  tools.lineChart(box, { title: `${tools.spoken(training.number)} minus that of ${training.before}`, xLabel: "step", wholeX: true, smooth: null, text: (value) => signed(value),
    series: [{ name: `${training.stage} minus ${training.before}`, points: [[0, 0], ...points.map((point) => [point.step, point.difference])], band: [[0, 0, 0], ...points.map((point) => [point.step, ...point.interval])] }],
    note: `On the same ${tools.number(training.rows)} validation rows; the band is the 95 % interval of the difference. It hands on ${training.kept === 0 ? "the state that it started from" : `the state of step ${tools.number(training.kept)}`}.` });
  panel.append(el("div", { style: { "margin-top": ".8rem" } }, tools.table([{ label: "step", numeric: true }, { label: "value", numeric: true }, { label: "difference", numeric: true }, { label: "95 % interval", numeric: true }, ""],
    [[0, training.start, null, null, training.kept === 0 ? "kept" : ""], ...points.map((point) => [point.step, point.value, { value: point.difference, text: signed(point.difference), class: point.alarm ? "worse-text" : "" },
      { value: point.interval[0], text: signedRange(...point.interval) }, [point.alarm ? "alarm" : "", point.step === training.kept ? "kept" : ""].filter(Boolean).join(", ")])],
    { caption: `${tools.spoken(training.number)} behind every validation of ${training.stage}`, rowHeader: true, limit: 30 })));
}

tsrecSections.push({
  id: "movement", title: "What training moved", order: 40,
  shows(run) { return Object.keys(run.numbers.movements ?? {}).length > 0; },
  render(root, whole, tools) {
    tools.runTabs(root, whole, this.shows, (panel, run) => {
      for (const [name, movement] of Object.entries(run.numbers.movements)) moved(panel, run, name, movement, tools);
    });
  },
}, {
  id: "trainings", title: "Trainings against their start", order: 45,
  shows(run) { return run.numbers.trainings.length > 0; },
  render(root, whole, tools) {
    tools.runTabs(root, whole, this.shows, (panel, run) => { for (const training of run.numbers.trainings) trained(panel, training, tools); });
  },
});

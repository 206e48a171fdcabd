// What a tuning chose for each model, and what it tried for that.
"use strict";

// The best number of the trials so far.
function bestSoFar(trials, isHigher) {
  let best = null;
  return trials.map((trial, at) => {
    if (typeof trial.number === "number" && (best === null || (isHigher ? trial.number > best : trial.number < best))) best = trial.number;
    return [at + 1, best];
  });
}

tsrecSections.push({
  id: "tuning", title: "Tuning", order: 25,
  showsAll(whole) { return Boolean(whole.tuning); },
  render(root, whole, tools) {
    const { el, number, seconds, spoken } = tools, tuning = whole.tuning, models = Object.entries(tuning.models);
    const chosen = ([, model]) => model.trials[model.chosen];
    const budget = tuning.seconds > 0 ? ` and ${seconds(tuning.seconds)}` : "";
    root.append(el("p", {}, `Every model had at most ${number(tuning.trials)} trials${budget} of a ${tuning.search} search; the best at ${spoken(tuning.number)} of ${tuning.rows > 0 ? number(tuning.rows) : "all"} validation rows was chosen, and measured on test rows that no trial has seen.`));
    root.append(tools.table(["model", { label: "chosen" }, { label: `${spoken(tuning.number)} of validation rows`, numeric: true }, { label: "trials", numeric: true }, { label: "seconds", numeric: true }],
      models.map(([name, model]) => [name, { value: chosen([name, model]).values, class: "wrap" }, { value: chosen([name, model]).number, digits: 4 }, model.combinations > model.trials.length ? { value: model.trials.length, text: `${number(model.trials.length)} of ${number(model.combinations)}` } : model.trials.length,
        { value: model.trials.reduce((sum, trial) => sum + trial.seconds, 0), digits: 1 }]), { caption: "What was chosen, and after how many trials", sortable: true }));
    const tried = models.filter(([, model]) => model.trials.length > 1);
    if (tried.length > 0) {
      // Which way is better stands in the choice itself: none of the trials beats it.
      const isHigher = models.every(([, model]) => model.trials.every((trial) => typeof trial.number !== "number" || trial.number <= model.trials[model.chosen].number));
      const box = el("div", { style: { "margin-top": "1rem" } });
      root.append(box);
      tools.lineChart(box, { title: `The best ${spoken(tuning.number)} so far, trial by trial`, xLabel: "trial", wholeX: true, smooth: null,
        series: tried.map(([name, model]) => ({ name, points: bestSoFar(model.trials, isHigher) })) });
    }
    for (const [name, model] of models) {
      root.append(tools.folded(`The ${number(model.trials.length)} trials of ${name}`, () => tools.table([{ label: "trial", numeric: true }, "values", { label: spoken(tuning.number), numeric: true }, { label: "seconds", numeric: true }],
        model.trials.map((trial, at) => [at + 1, { value: trial.values, class: "wrap" }, trial.failed ? { value: null, text: `failed: ${trial.failed}`, class: "wrap" } : { value: trial.number, digits: 4, class: at === model.chosen ? "best" : "" }, { value: trial.seconds, digits: 1 }]),
        { caption: `Trials of ${name}; the chosen one in bold`, sortable: true, limit: 30, rowHeader: false })));
    }
  },
});

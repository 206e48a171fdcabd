// What is better than what, in words, before any table.
"use strict";

const kLevel = 0.05;

// better, worse or open: both the interval and p have to agree before a difference is called one.
function kindOf(difference, interval, p, better) {
  const isSure = p <= kLevel && (interval[0] > 0 || interval[1] < 0);
  if (!isSure || better === "unknown") return "open";
  return (difference > 0) === (better === "higher") ? "better" : "worse";
}

function verdict(tools, kind, words, proof) {
  const { el } = tools;
  return el("li", { class: `verdict ${kind}` },
    el("span", { class: "sign", "aria-hidden": "true" }, { better: "\u2191", worse: "\u2193", open: "?" }[kind] ?? "\u2022"),
    el("p", {}, words), el("p", { class: "proof" }, proof));
}

// A model against the one that it was trained from.
function ofPair(tools, run, pair) {
  const { el, spoken, signed, signedRange, pValue, number } = tools;
  if (pair.numbers.length === 0) return null;
  const name = tools.mainNumber(pair.numbers.map((one) => one.name)), main = pair.numbers.find((one) => one.name === name);
  const kind = kindOf(main.difference, main.interval, main.p, main.better);
  const count = pair.numbers.length, person = tools.corrector(run.statistics.correction);
  const others = (wanted) => pair.numbers.filter((one) => one !== main && kindOf(one.difference, one.interval, one.p, one.better) === wanted).map((one) => spoken(one.name));
  const alsoBetter = others("better"), alsoWorse = others("worse");
  const values = `${number(run.numbers[pair.before]?.[name])} to ${number(run.numbers[pair.after]?.[name])}`;
  const words = {
    better: [el("strong", {}, `${pair.after} is better than ${pair.before}`), `, which it was trained from: ${spoken(name)} went from ${values}.`],
    worse: [el("strong", {}, `${pair.after} is worse than ${pair.before}`), `, which it was trained from: ${spoken(name)} went from ${values}.`],
    open: [el("strong", {}, `No difference is shown between ${pair.after} and ${pair.before}`), `, which it was trained from: ${spoken(name)} went from ${values}.`],
  }[kind];
  const power = kind !== "open" || main.changed === undefined ? ""
    : main.detectable !== undefined ? ` These ${number(main.rows)} rows show a difference of ${number(main.detectable)} four times in five; a smaller one may be there unseen.`
      : ` Of ${number(main.rows)} rows too few changed sides to show any difference.`;
  return verdict(tools, kind, words, [
    `${signed(main.difference)}, 95 % interval ${signedRange(...main.interval)}, p ${main.p < 0.001 ? "" : "= "}${pValue(main.p)} after ${person} over ${count} ${count === 1 ? "number" : "numbers"}.`,
    alsoBetter.length ? ` Better at ${alsoBetter.join(", ")} as well.` : "", alsoWorse.length ? ` Worse at ${alsoWorse.join(", ")}.` : "", power]);
}

// The best model beside the best floor: no test pairs them, so only their intervals speak.
function againstFloors(tools, run) {
  const { el, spoken, number, range } = tools;
  const all = run.columns.filter((column) => run.numbers[column.name]);
  const name = tools.mainNumber([...new Set(all.flatMap((column) => Object.keys(run.numbers[column.name])))]);
  if (!name) return null;
  const best = (isModel) => all.filter((column) => column.is_model === isModel && column.better[name] === "higher" && typeof run.numbers[column.name][name] === "number")
    .sort((a, b) => run.numbers[b.name][name] - run.numbers[a.name][name])[0];
  const model = best(true), floor = best(false);
  if (!model || !floor) return null;
  const of = (column) => ({ value: run.numbers[column.name][name], interval: run.numbers[column.name][`${name}.interval`] });
  const ours = of(model), theirs = of(floor);
  const isApart = ours.interval && theirs.interval && (ours.interval[0] > theirs.interval[1] || ours.interval[1] < theirs.interval[0]);
  const kind = !isApart ? "open" : ours.value > theirs.value ? "better" : "worse";
  const said = { better: `${model.name} beats ${floor.name}`, worse: `${model.name} does not reach ${floor.name}`, open: `${model.name} and ${floor.name} cannot be told apart by their intervals` }[kind];
  const spread = (one) => (one.interval ? ` (${range(...one.interval)})` : "");
  return verdict(tools, kind, [el("strong", {}, said), `, the best of the other recommenders: ${spoken(name)} ${number(ours.value)} against ${number(theirs.value)}.`],
    `95 % intervals${spread(ours)} and${spread(theirs)}${isApart ? " do not overlap" : " overlap"}; no paired test was made of these two.`);
}

function verdictList(tools, items) {
  return tools.el("ul", { class: "verdicts" }, items);
}

// Cells against the one that all are tested against, and models against those that they were trained from.
// What is found stands in the open; of more than a few of which nothing is shown, one line tells how many they are.
function ofCells(tools, comparison) {
  const { el, number, spoken, signed, signedRange, pValue } = tools;
  const kMostOpen = 4, list = (items) => verdictList(tools, items);
  const person = tools.corrector(comparison.correction);
  function ofFamily(family, pairOf, fromWhat) {
    const name = tools.mainNumber(family.map((one) => one.number)), tested = family.length;
    const better = comparison.numbers.find((one) => one.name === name)?.better ?? "unknown";
    const items = family.filter((one) => one.number === name).map((one) => {
      const kind = kindOf(one.difference, one.interval, one.p, better), [ours, theirs, where] = pairOf(one);
      const said = { better: `${where}${ours} is better than ${theirs}`, worse: `${where}${ours} is worse than ${theirs}`, open: `${where}${where ? "no" : "No"} difference is shown between ${ours} and ${theirs}` }[kind];
      const unseen = kind === "open" && one.could_show !== undefined ? ` A difference of ${number(one.could_show)} would have been shown four times in five; a smaller one may be there unseen.` : "";
      return verdict(tools, kind, [el("strong", {}, said), ` at ${spoken(name)}: ${signed(one.difference)}.`],
        `95 % interval ${signedRange(...one.interval)}, p ${one.p < 0.001 ? "" : "= "}${pValue(one.p)} after ${person} over the ${tested} ${tested === 1 ? "test" : "tests"} of the table.${unseen}`);
    });
    const open = items.filter((item) => item.classList.contains("open")), found = items.filter((item) => !open.includes(item));
    if (items.length === 0) return [];
    if (open.length <= kMostOpen) return [list(items)];
    return [found.length > 0 ? list(found) : null, tools.folded(`${open.length} times no difference from ${fromWhat} is shown at ${spoken(name)}`, () => list(open))].filter(Boolean);
  }
  return [...ofFamily(comparison.differences, (one) => [one.cell, comparison.against, ""], comparison.against),
    ...ofFamily(comparison.trained, (one) => [one.after, `${one.before}, which it was trained from`, `${one.cell}: `], "the model before training")];
}

function warningsOf(run) {
  return [...run.numbers.trainings.map((training) => training.sentence).filter(Boolean), ...run.numbers.alarms.map((alarm) => alarm.sentence)];
}

tsrecSections.push({
  id: "verdicts", title: "Verdicts", order: 10,
  showsAll(whole) { return whole.runs.some((run) => run.columns.length > 0); },
  render(root, whole, tools) {
    const { el } = tools;
    const list = (items) => verdictList(tools, items);
    if (whole.comparison) {
      const items = ofCells(tools, whole.comparison);
      root.append(...items);
      for (const note of whole.comparison.notes) root.append(el("p", { class: "warning" }, note));
      for (const sentence of whole.comparison.alarms) root.append(el("p", { class: "alarm" }, sentence));
      if (items.length) root.append(el("h3", {}, "Run by run"));
    }
    tools.runTabs(root, whole, (run) => run.columns.length > 0, (panel, run) => {
      if (whole.runs.length === 1) panel.className = "";
      const items = [...run.differences.map((pair) => ofPair(tools, run, pair)).filter(Boolean), againstFloors(tools, run)].filter(Boolean);
      panel.append(items.length ? list(items) : el("p", {}, "Nothing was trained from anything that was evaluated, so there is nothing to test."));
      for (const sentence of warningsOf(run)) panel.append(el("p", { class: "alarm" }, el("strong", {}, "Alarm: "), sentence));
    });
  },
});

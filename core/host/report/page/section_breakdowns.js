// Hit rate and NDCG of every column by groups of the test rows: who is served, and who is not.
"use strict";

function brokenDown(panel, breakdown, number, tools) {
  const { el } = tools, columns = Object.keys(breakdown.groups[0].numbers);
  const of = (group, column) => group.numbers[column][number];
  const rows = breakdown.groups.map((group) => {
    const best = Math.max(...columns.map((column) => of(group, column).value));
    return [group.name, group.rows, group.users, ...columns.map((column) => {
      const { value, interval } = of(group, column);
      const text = tools.number(value, 4);
      return { value, node: value === best && best > 0 ? el("strong", {}, text) : text, help: interval ? `95 % ${tools.range(...interval)}` : null };
    })];
  });
  panel.append(el("h3", {}, `By ${breakdown.by}`),
    tools.table([breakdown.by, { label: "rows", numeric: true }, { label: "users", numeric: true }, ...columns.map((label) => ({ label, numeric: true }))], rows,
      { caption: `${tools.spoken(number)} by ${breakdown.by}`, quiet: true, sortable: true }),
    tools.folded("With intervals, as a chart", () => {
      const box = el("div");
      const few = breakdown.groups.filter((group) => group.users < 30).map((group) => group.name);
      tools.bars(box, { title: `${tools.spoken(number)} by ${breakdown.by}`, xLabel: tools.spoken(number), marks: "point",
        bars: breakdown.groups.flatMap((group) => columns.map((column, at) => {
          const { value, interval } = of(group, column);
          return { label: `${group.name}: ${column}`, value, low: interval?.[0], high: interval?.[1], color: tools.color(at, columns.length), detail: `${tools.number(group.rows)} rows of ${tools.number(group.users)} users` };
        })),
        note: "95 % intervals by a bootstrap over the users of the group." + (few.length > 0 ? ` Fewer than 30 users are in: ${few.join(", ")}; their intervals are too short.` : "") });
      return box;
    }));
}

tsrecSections.push({
  id: "breakdowns", title: "Who is served", order: 35,
  shows(run) { return (run.breakdowns ?? []).length > 0; },
  render(root, whole, tools) {
    tools.runTabs(root, whole, this.shows, (panel, run) => {
      const numbers = Object.keys(Object.values(run.breakdowns[0].groups[0].numbers)[0]);
      tools.tabs(panel, numbers.map((number) => ({ label: tools.spoken(number), make: (inner) => {
        for (const breakdown of run.breakdowns) brokenDown(inner, breakdown, number, tools);
      } })), { label: "Numbers", always: true });
    });
  },
});

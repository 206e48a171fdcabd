// What was measured, in front of everything else.
"use strict";

tsrecSections.push({
  id: "verdicts", title: "Verdicts", order: 10,
  shows(run) { return run.columns.length > 0; },
  render(root, whole, tools) {
    tools.runTabs(root, whole, (run) => run.columns.length > 0, (panel, run) => {
      const names = [...new Set(run.columns.flatMap((column) => Object.keys(run.numbers[column.name]).filter((name) => !name.endsWith(".interval"))))];
      panel.append(tools.table(["number", ...run.columns.map((column) => ({ label: column.name, numeric: true }))],
        names.map((name) => [name, ...run.columns.map((column) => run.numbers[column.name][name] ?? null)]), { caption: `What ${run.name} measured on its test rows` }));
    });
  },
});

// What the audit of the data found: a row for each rule, what is wrong first, and behind the table what each finding means.
"use strict";

tsrecSections.push({
  id: "audit", title: "Audit of the data", order: 80,
  shows(run) { return !!run.audit; },
  render(root, whole, tools) {
    const { el } = tools;
    const kRank = { fail: 0, note: 1, pass: 2 }, kWord = { fail: "FAIL", note: "note", pass: "pass" };
    const sorted = (rules) => [...rules].sort((a, b) => kRank[a.verdict] - kRank[b.verdict]);

    function verdictOf(rule) {
      const isFailed = rule.verdict === "fail";
      return { value: kWord[rule.verdict] + (isFailed && rule.ends_the_run ? ", ends the run" : ""),
        style: isFailed ? { color: "var(--bad)", "font-weight": 600 } : null };
    }
    function meaningOf(rule) {
      const shares = rule.shares.filter((part) => part.count > 0).map((part) => `${part.name}: ${part.count} of ${part.of}`);
      const sentences = [`${rule.why}${rule.mend ? `; ${rule.mend}` : ""}.`];
      if (rule.examples.length > 0) sentences.push(`Such as ${rule.examples.join("; ")}.`);
      if (shares.length > 0) sentences.push(`By task: ${shares.join("; ")}.`);
      if (rule.source) sentences.push(`Described in: ${rule.source}.`);
      return tools.folded(`${rule.rule}: ${rule.counts}`, () => sentences.map((sentence) => el("p", {}, sentence)));
    }
    function draw(audit, names) {
      const rules = sorted(audit.rules), passing = rules.filter((rule) => rule.verdict === "pass");
      const isAlone = whole.runs.length === names.length;
      root.append(el("p", {}, `${isAlone ? "" : `${names.join(", ")}: `}${audit.pass} of ${rules.length} rules pass, ${audit.note} note something, ${audit.fail} fail.`));
      root.append(tools.table(["rule", "verdict", { label: "found", numeric: true }, { label: "of", numeric: true }, { label: "share", numeric: true }, "counted among"],
        rules.map((rule) => [rule.rule, verdictOf(rule), rule.count, rule.of, { value: rule.of > 0 ? rule.count / rule.of : null, text: rule.of > 0 ? tools.percent(rule.count / rule.of) : "–" }, rule.among]),
        { caption: "Rules of the audit", sortable: true }));
      root.append(...rules.filter((rule) => rule.verdict !== "pass").map(meaningOf));
      if (passing.length > 0)
        root.append(tools.folded("What the rules that pass look for", () => el("ul", {}, passing.map((rule) => el("li", {}, el("strong", {}, rule.rule), `: ${rule.counts}`)))));
    }

    // Runs of one experiment have one audit, which is shown once.
    const groups = new Map();
    for (const run of whole.runs.filter(this.shows)) {
      const text = JSON.stringify(run.audit);
      if (!groups.has(text)) groups.set(text, { audit: run.audit, names: [] });
      groups.get(text).names.push(run.name);
    }
    for (const { audit, names } of groups.values()) draw(audit, names);
  },
});

// What a run was made from: machine and program, the keys of its stages, and the whole document.
"use strict";

function ofRun(panel, run, tools) {
  const { el } = tools;
  const entries = run.environment ? Object.entries(run.environment) : [];
  panel.append(entries.length ? tools.table(["environment", "value"], entries.map(([name, value]) => [name.replace(/_/g, " "), { text: typeof value === "object" ? JSON.stringify(value) : String(value), class: "wrap" }]), { caption: "Where it ran" })
    : el("p", { class: "note" }, "This run wrote down nothing about its machine."));
  panel.append(el("h3", {}, "Stages and their keys"), tools.table(["stage", "state", "key", "digest of the bytes"],
    run.stages.map((stage) => [stage.name, { text: stage.digest ? stage.state : stage.why || stage.state, class: "wrap" }, { node: el("code", { title: stage.key }, stage.key.slice(0, 16)) }, { node: el("code", { title: stage.digest }, stage.digest ? stage.digest.slice(0, 16) : "\u2013") }]),
    { caption: "Equal keys and digests mean equal results, on any machine that gives the same digests." }));
  if (run.stages.some((stage) => stage.key_text)) panel.append(tools.folded("What decides each stage", () => run.stages.filter((stage) => stage.key_text).map((stage) =>
    tools.folded(stage.name, () => el("pre", { tabindex: 0, "aria-label": `key text of ${stage.name}` }, stage.key_text)))));
  panel.append(el("h3", {}, "The whole document"), tools.folded("Resolved TOML, which runs it again", () => [
    el("p", {}, tools.button("Copy", async (event) => { try { await navigator.clipboard.writeText(run.document); event.target.textContent = "Copied"; } catch { event.target.textContent = "The browser does not allow it"; } })),
    el("pre", { tabindex: 0, "aria-label": "resolved TOML" }, run.document)]));
}

tsrecSections.push({
  id: "origin", title: "Origin", order: 90,
  shows() { return true; },
  render(root, whole, tools) { tools.runTabs(root, whole, () => true, (panel, run) => ofRun(panel, run, tools)); },
});

// The run as it stands now, above its report: what `tsrec watch`, which serves this page, says in server-sent events.
"use strict";

const tsrecWatch = (() => {
  const { el, number, spoken, range, table } = tsrecTools;
  const now = { live: null, at: 0, isOver: false, wasSaid: "" };

  // ---- words -----------------------------------------------------------------------------------------------------------
  function time(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    if (whole < 60) return `${whole} s`;
    return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  }
  const since = () => (performance.now() - now.at) / 1000;
  // Words that count on while nothing new is heard.
  const kTicking = {
    left: (seconds) => (seconds > since() ? `about ${time(seconds - since())} left` : "should be done any moment"),
    taken: (seconds) => `for ${time(seconds + since())}`,
  };
  function ticking(kind, seconds) { return el("span", { "data-ticks": kind, "data-seconds": seconds }, kTicking[kind](seconds)); }
  function tick() {
    if (now.live?.state !== "running" || now.isOver) return;
    for (const one of document.querySelectorAll("#live [data-ticks]")) one.textContent = kTicking[one.dataset.ticks](Number(one.dataset.seconds));
  }
  const kStates = { running: "Running", idle: "Waiting", ended: "Ended", failed: "Failed" };
  const failures = (live) => live.runs.flatMap((run) => run.stages.filter((stage) => stage.state === "failed").map((stage) => ({ run, stage })));
  function stateOf(live) { return live.state === "ended" && failures(live).length ? "failed" : live.state; }
  function sentences(live) {
    const made = [...new Set(live.runs.flatMap((run) => run.running.map((one) => one.stage)))];
    if (live.state === "idle") return ["Nothing is being made right now: the run has not begun, or it was stopped or killed. The same command goes on, and this page with it."];
    if (live.state === "ended") {
      const failed = failures(live);
      return failed.length ? failed.map(({ run, stage }) => `${live.runs.length > 1 ? `${run.name}: ` : ""}${stage.name} failed: ${stage.why ?? ""}`) : ["The run has ended. What is below is all of it, and stays."];
    }
    return [made.length ? `${made.join(", ")} ${made.length > 1 ? "are" : "is"} being made.` : "Between two stages."];
  }

  // ---- its place -------------------------------------------------------------------------------------------------------
  const root = el("div", { id: "live", role: "region", "aria-label": "The run now" });
  const status = el("div", { class: "live-status" }), stages = el("div"), boxes = el("div", { class: "live-boxes" });
  const said = el("p", { class: "said", "aria-live": "polite" }), lost = el("p", { class: "warning", hidden: true });
  root.append(status, stages, boxes, lost, said);
  document.getElementById("frame").before(root);

  function drawStatus(live) {
    const state = stateOf(live), all = live.runs.flatMap((run) => run.stages), stored = all.filter((stage) => stage.state === "stored").length;
    const unknown = live.unknown.length ? ` Nobody knows yet how long ${live.unknown.slice(0, 4).join(", ")}${live.unknown.length > 4 ? ` and ${live.unknown.length - 4} more` : ""} will take.` : "";
    status.replaceChildren(
      el("p", { class: `live-state ${state}` }, el("strong", {}, kStates[state]), sentences(live).map((sentence) => el("span", {}, sentence))),
      el("progress", { max: Math.max(1, all.length), value: stored, "aria-label": "Stages that are stored" }),
      el("p", { class: "note" }, `${stored} of ${all.length} stages are stored`,
        live.state === "running" && live.left > 0 ? [live.unknown.length ? "; the others whose time is known: " : "; all of it: ", ticking("left", live.left)] : "", ".", live.state === "running" ? unknown : ""));
  }

  // ---- stages ----------------------------------------------------------------------------------------------------------
  const kSigns = { stored: "\u2713", running: "\u25b6", "to come": "\u25cb", failed: "\u2715" };
  function stageChip(stage) {
    const took = stage.seconds >= 0.5 ? time(stage.seconds) : stage.state !== "stored" && stage.expected !== undefined ? `about ${time(stage.expected)}` : "";
    return el("li", { class: stage.state.replace(" ", "-"), title: stage.why }, el("span", { "aria-hidden": "true" }, kSigns[stage.state]), el("span", {}, stage.name), el("small", {}, took), el("span", { class: "said" }, `, ${stage.state}`));
  }
  function howFar(one) {
    if (one.steps) return `step ${number(one.steps.done)} of ${number(one.steps.total)}${one.loop ? `, ${one.loop.what} ${number(one.loop.done)}/${number(one.loop.total)}` : ""}`;
    return one.loop ? `${one.loop.what} ${number(one.loop.done)}/${number(one.loop.total)}` : "";
  }
  function validated(one) {
    if (!one.validation) return "";
    const main = tsrecTools.mainNumber(Object.keys(one.validation.numbers));
    return `${spoken(main)} ${number(one.validation.numbers[main])} at step ${number(one.validation.step)}`;
  }
  function drawStages(live) {
    if (live.runs.length === 1) {
      stages.replaceChildren(el("ol", { class: "live-stages", "aria-label": "Stages" }, live.runs[0].stages.map(stageChip)));
      return;
    }
    stages.replaceChildren(table(["run", "state", "stages", "at", "last validation"], live.runs.map((run) => [run.name, kStates[run.state].toLowerCase(),
      `${run.stages.filter((stage) => stage.state === "stored").length} of ${run.stages.length}`, run.running.map((one) => `${one.stage} ${howFar(one)}`).join("; "), run.running.map(validated).filter(Boolean).join("; ")]),
      { caption: "What every run is at", quiet: true, limit: 12 }));
  }

  // ---- what is being made ----------------------------------------------------------------------------------------------
  const shown = new Map();  // run and stage -> its box
  function validationTable(validation) {
    const numbers = validation.numbers, isEnd = (name) => /\.(low|high)$/.test(name) && name.replace(/\.(low|high)$/, "") in numbers;
    return table(["last validation", { label: `step ${number(validation.step)}`, numeric: true }], Object.entries(numbers).filter(([name]) => !isEnd(name)).map(([name, value]) => [spoken(name),
      { value, text: `${number(value)}${`${name}.low` in numbers ? ` (${range(numbers[`${name}.low`], numbers[`${name}.high`])})` : ""}` }]), { caption: "Numbers of the last validation", quiet: true, limit: 8 });
  }
  function newBox(run, one, isAlone) {
    const title = el("h2", {}, isAlone ? one.stage : `${one.stage} of ${run.name}`), facts = el("div"), charts = el("div", { class: "live-charts" });
    const box = el("section", { class: "panel live-box", "aria-label": title.textContent }, title, facts, charts);
    boxes.append(box);
    return { box, facts, charts, drawn: "", at: -Infinity };
  }
  // A chart that somebody reads stays as it is until they leave it.
  function drawCharts(entry, curves) {
    const what = JSON.stringify(curves.map((curve) => [curve.name, curve.points]));
    const isRead = entry.charts.matches(":hover, :focus-within"), isSoon = performance.now() - entry.at < 2000;
    if (what === entry.drawn || (entry.drawn && (isRead || isSoon))) return;
    entry.drawn = what;
    entry.at = performance.now();
    const was = remembered(entry.charts);
    entry.charts.replaceChildren();
    if (curves.length) tsrecTools.curveCharts(entry.charts, curves);
    restore(entry.charts, was);
  }
  function drawBoxes(live) {
    const wanted = new Set();
    for (const run of live.runs) for (const one of run.running) {
      const key = `${run.name}\n${one.stage}`;
      wanted.add(key);
      if (!shown.has(key)) shown.set(key, newBox(run, one, live.runs.length === 1));
      const entry = shown.get(key), loop = one.steps ?? one.loop;
      entry.facts.replaceChildren(...[
        loop ? el("progress", { max: Math.max(1, loop.total), value: loop.done, "aria-label": `${one.stage}: ${howFar(one)}` }) : el("progress", { "aria-label": `${one.stage}: at work` }),
        el("p", { class: "note" }, [howFar(one), ticking("taken", one.seconds), one.left === null ? null : ticking("left", one.left), `by ${one.by}`].filter(Boolean).flatMap((part, at) => (at ? [" \u00b7 ", part] : [part]))),
        one.validation ? validationTable(one.validation) : null].filter(Boolean));
      drawCharts(entry, one.curves);
    }
    for (const [key, entry] of shown) if (!wanted.has(key)) { entry.box.remove(); shown.delete(key); }
  }

  // ---- what the reader has set, over a new drawing ---------------------------------------------------------------------
  const nameOf = (node) => `${node.closest("section")?.id ?? ""}/${node.closest("figure")?.querySelector("figcaption")?.textContent ?? ""}`;
  function remembered(where) {
    return {
      tabs: [...where.querySelectorAll("[role=tab][aria-selected=true]")].map((tab) => [nameOf(tab), tab.textContent]),
      open: [...where.querySelectorAll("details[open] > summary")].map((summary) => [nameOf(summary), summary.textContent]),
      pressed: [...where.querySelectorAll("figure button[aria-pressed]")].map((button) => [nameOf(button), button.textContent, button.getAttribute("aria-pressed")]),
      slid: [...where.querySelectorAll("figure input[type=range]")].map((slider) => [nameOf(slider), slider.value]),
    };
  }
  function restore(where, was) {
    for (const [name, label] of was.tabs) [...where.querySelectorAll("[role=tab][aria-selected=false]")].find((tab) => nameOf(tab) === name && tab.textContent === label)?.click();
    for (const [name, label] of was.open) for (const summary of where.querySelectorAll("details:not([open]) > summary")) if (nameOf(summary) === name && summary.textContent === label) summary.parentNode.open = true;
    for (const [name, label, pressed] of was.pressed) for (const button of where.querySelectorAll("figure button[aria-pressed]")) if (nameOf(button) === name && button.textContent === label && button.getAttribute("aria-pressed") !== pressed) button.click();
    for (const [name, value] of was.slid) for (const slider of where.querySelectorAll("figure input[type=range]")) if (nameOf(slider) === name && slider.value !== value) { slider.value = value; slider.dispatchEvent(new Event("input")); }
  }

  // ---- what is heard ---------------------------------------------------------------------------------------------------
  function hearLive(live) {
    now.live = live;
    now.at = performance.now();
    const state = stateOf(live), first = live.runs.flatMap((run) => run.running).find((one) => one.steps);
    drawStatus(live);
    drawStages(live);
    drawBoxes(live);
    document.title = `${first && state === "running" ? `${Math.floor((100 * first.steps.done) / Math.max(1, first.steps.total))} % of ${first.stage}` : kStates[state]} \u2013 ${document.documentElement.dataset.title}`;
    const words = [kStates[state], ...sentences(live), ...live.runs.flatMap((run) => run.running.map(validated))].filter(Boolean).join(". ");
    if (words !== now.wasSaid) said.textContent = now.wasSaid = words;
  }
  // What is being read stays where it is.
  function hearDocument(whole) {
    const main = document.getElementById("sections"), was = remembered(main);
    const anchor = [...document.querySelectorAll("main > section")].find((section) => section.getBoundingClientRect().bottom > 60), top = anchor?.getBoundingClientRect().top;
    tsrecReport.show(whole);
    document.querySelector("#top .eyebrow").textContent = "tsrec watch";
    document.getElementById("end").replaceChildren(el("p", {}, "Served by ", el("code", {}, "tsrec watch"), " on this machine; ", el("code", {}, "tsrec report"), " writes it as a file."));
    restore(main, was);
    const again = anchor && scrollY > 0 ? document.getElementById(anchor.id) : null;
    if (again) scrollBy({ top: again.getBoundingClientRect().top - top, behavior: "instant" });
  }
  document.documentElement.dataset.title = document.title;
  const source = new EventSource("events");
  source.addEventListener("live", (event) => hearLive(JSON.parse(event.data)));
  source.addEventListener("document", (event) => hearDocument(JSON.parse(event.data)));
  source.addEventListener("open", () => { lost.hidden = true; now.isOver = false; });
  source.addEventListener("error", () => {
    const isEnded = now.live?.state === "ended", isClosed = source.readyState === EventSource.CLOSED;
    if (isEnded) source.close();
    now.isOver = true;
    lost.textContent = isEnded ? "tsrec watch has ended as well. This page stays as it is." : isClosed ? "tsrec watch takes no more browsers: close one and load this page again." : "tsrec watch does not answer: it has ended, or will be there again soon. What is shown is what it said last.";
    lost.hidden = false;
  });
  setInterval(tick, 1000);
  return { get live() { return now.live; } };
})();

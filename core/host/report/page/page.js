// Puts the page together: its head, the list of sections, and every section that has something to show.
"use strict";

const tsrecReport = (() => {
  const { el } = tsrecTools;
  const shown = { document: null, problems: [] };

  // ---- light and dark ------------------------------------------------------------------------------------------------
  const kThemes = ["auto", "light", "dark"], kThemeNames = { auto: "as the system", light: "light", dark: "dark" };
  function storedTheme() {
    try { return kThemes.includes(localStorage.getItem("tsrec-theme")) ? localStorage.getItem("tsrec-theme") : "auto"; } catch { return "auto"; }
  }
  function setTheme(theme) {
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    try { localStorage.setItem("tsrec-theme", theme); } catch { /* a file without storage keeps it while it is open */ }
  }
  function themeSwitch() {
    let theme = storedTheme();
    setTheme(theme);
    const button = el("button", { type: "button", class: "plain theme", onclick: () => {
      theme = kThemes[(kThemes.indexOf(theme) + 1) % kThemes.length];
      setTheme(theme);
      say();
    } });
    function say() {
      button.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
      button.setAttribute("aria-label", `Colours: ${kThemeNames[theme]}. Press for ${kThemeNames[kThemes[(kThemes.indexOf(theme) + 1) % kThemes.length]]}.`);
    }
    say();
    return button;
  }

  // ---- the head ------------------------------------------------------------------------------------------------------
  function summary(whole) {
    const runs = whole.runs.length, seeds = new Set(whole.runs.map((run) => run.seed)).size, cells = new Set(whole.runs.map((run) => run.cell).filter(Boolean)).size;
    if (whole.tuning) return `A tuning of ${Object.keys(whole.tuning.models).length} models, reported over ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
    if (cells > 0) return `A comparison of ${cells} ${cells === 1 ? "cell" : "cells"} over ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
    return runs === 1 ? `One run, seed ${whole.runs[0].seed}` : `${runs} runs side by side`;
  }
  function drawHead(whole) {
    const head = document.getElementById("top");
    head.replaceChildren(
      el("div", { class: "head-row" }, el("div", {}, el("p", { class: "eyebrow" }, "tsrec report"), el("h1", {}, whole.title), el("p", { class: "lead" }, summary(whole))),
        el("div", { class: "head-tools" }, themeSwitch())));
    document.getElementById("end").replaceChildren(el("p", {}, "Made by ", el("code", {}, "tsrec report"), ". This file is whole: it loads nothing, and sends nothing."));
  }

  // ---- sections ------------------------------------------------------------------------------------------------------
  const isShown = (section, whole) => (section.showsAll ? section.showsAll(whole) : whole.runs.some((run) => section.shows(run)));
  // A section that cannot be drawn says so in its place, and the others go on.
  function attempt(section, action) {
    try { return action(); } catch (error) {
      shown.problems.push(`${section.id}: ${error.message}`);
      console.error(`section ${section.id}:`, error);
      return undefined;
    }
  }
  function drawSections(whole) {
    const main = document.getElementById("sections"), contents = document.getElementById("contents");
    main.replaceChildren();
    const links = el("ul");
    contents.replaceChildren(links);
    const sections = tsrecSections.filter((section) => attempt(section, () => isShown(section, whole))).sort((a, b) => a.order - b.order);
    for (const section of sections) {
      const heading = el("h2", { id: `${section.id}-title`, tabindex: -1 }, section.title);
      const body = el("section", { id: section.id, "aria-labelledby": heading.id });
      const root = el("div", { class: "section-body" });
      body.append(heading, root);
      main.append(body);
      links.append(el("li", {}, el("a", { href: `#${section.id}` }, section.title)));
      const before = shown.problems.length;
      attempt(section, () => section.render(root, whole, tsrecTools));
      if (shown.problems.length > before) root.append(el("p", { class: "alarm" }, `This section could not be drawn (${shown.problems.at(-1)}).`));
    }
    if (sections.length === 0) main.append(el("p", {}, "Nothing is stored of this run yet."));
    followReader(links);
  }
  // Marks the section that is being read in the list of them.
  let observer = null;
  function followReader(links) {
    observer?.disconnect();
    observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.querySelectorAll("a")) {
          const isHere = link.getAttribute("href") === `#${entry.target.id}`;
          if (isHere) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
          if (isHere && links.parentNode.scrollWidth > links.parentNode.clientWidth) links.parentNode.scrollTo({ left: link.offsetLeft - 16 });
        }
      }
    }, { rootMargin: "-20% 0px -70% 0px" });
    for (const section of document.querySelectorAll("main > section")) observer.observe(section);
  }

  // What several runs have alike stands with the first of them.
  function restore(whole) {
    for (const run of whole.runs) {
      for (const stage of run.stages) stage.key_text = whole.key_texts[stage.key];
      for (const [holder, key] of [[run, "audit"], [run, "sid_tree"], [run, "sid_usage"], [run.sid_map, "items"]]) {
        const first = whole.runs[holder?.[key]?.as_in_run];
        if (first) holder[key] = key === "items" ? first.sid_map.items : first[key];
      }
    }
  }
  // Draws this document; once more, with another one, where a run is watched.
  function show(whole) {
    restore(whole);
    shown.document = whole;
    shown.problems.length = 0;
    drawHead(whole);
    drawSections(whole);
  }
  const text = document.getElementById("document").textContent;
  if (text.trim()) show(JSON.parse(text));
  if (location.hash.length > 1) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  // What is folded is printed as well, except the numbers of charts. It is made when its "toggle" comes, which no print
  // waits for, so it is told at once; and what it holds may be folded in turn.
  addEventListener("beforeprint", () => {
    for (let one = document.querySelector("details:not(.numbers):not([open])"); one; one = document.querySelector("details:not(.numbers):not([open])")) {
      one.dataset.printed = "";
      one.open = true;
      one.dispatchEvent(new Event("toggle"));
    }
  });
  addEventListener("afterprint", () => { for (const one of document.querySelectorAll("details[data-printed]")) { one.open = false; delete one.dataset.printed; } });
  return { show, get document() { return shown.document; }, get problems() { return [...shown.problems]; } };
})();

// What sections draw with: elements, tables, and charts as plain SVG. No library and no network.
//
// Charts answer to a mouse, to fingers and to the keyboard, and each has its numbers as a table. Texts become text nodes
// everywhere, never markup, so a title may hold whatever it likes.
"use strict";

const tsrecSections = [];

const tsrecTools = (() => {
  // ---- elements ----------------------------------------------------------------------------------------------------
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "text") node.textContent = value;
      else if (name === "style" && typeof value === "object")
        for (const [property, set] of Object.entries(value)) node.style.setProperty(property, set);
      else node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return node;
  }
  // el("p", {class: "note", onclick: f}, "text", node, ...): HTML.
  function el(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }
  // The same in SVG.
  function svg(tag, attributes, ...children) {
    return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  }
  let names = 0;
  function freshId(of) { return `${of}-${++names}`; }

  // ---- numbers -----------------------------------------------------------------------------------------------------
  const kMinus = "\u2212", kNone = "\u2013";
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

  // 0.1234, 12.35, 1,234, 1.2e-5; with digits: so many behind the point. What is no number is a dash.
  function number(value, digits) {
    if (!isNumber(value)) return kNone;
    let text;
    const size = Math.abs(value);
    if (digits !== undefined)
      text = size >= 1e4 ? value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
                         : value.toFixed(digits);
    else if (Number.isInteger(value)) text = value.toLocaleString("en-US");
    else if (size >= 1000) text = value.toLocaleString("en-US", { maximumFractionDigits: 0 });
    else if (size >= 10) text = value.toFixed(2);
    else if (size >= 0.001) text = value.toFixed(4);
    else text = value.toExponential(1);
    return text.replace(/-/g, kMinus);
  }
  // With its sign, also when positive.
  function signed(value, digits = 4) {
    if (!isNumber(value)) return kNone;
    return (value > 0 ? "+" : "") + number(value, digits);
  }
  function range(low, high, digits = 4) { return `${number(low, digits)} … ${number(high, digits)}`; }
  function signedRange(low, high, digits = 4) { return `${signed(low, digits)} … ${signed(high, digits)}`; }
  function percent(share, digits = 1) { return isNumber(share) ? `${number(100 * share, digits)} %` : kNone; }
  // Whose name a corrected p goes by.
  function corrector(correction) { return { holm: "Holm", benjamini_hochberg: "Benjamini-Hochberg" }[correction]; }
  // p = 0 of a bootstrap only says that none of the resamples went the other way.
  function pValue(p) { return !isNumber(p) ? kNone : p < 0.001 ? "< 0.001" : number(p, 3); }
  function bytes(value) {
    if (!isNumber(value)) return kNone;
    return value >= 2 ** 30 ? `${number(value / 2 ** 30, 2)} GiB` : `${number(value / 2 ** 20, 0)} MiB`;
  }
  function seconds(value) {
    if (!isNumber(value)) return kNone;
    if (value < 60) return `${number(value, value < 10 ? 2 : 1)} s`;
    if (value < 3600) return `${Math.floor(value / 60)} min ${number(Math.round(value % 60), 0)} s`;
    return `${Math.floor(value / 3600)} h ${number(Math.round((value % 3600) / 60), 0)} min`;
  }

  // "item.hr@10" as people say it: "HR@10"; of SIDs with that behind it.
  function spoken(name) {
    const rank = /^(item|sid)\.(hr|ndcg|mrr|recall|precision|map)@(\d+)$/.exec(name);
    return rank ? `${rank[2].toUpperCase()}@${rank[3]}${rank[1] === "sid" ? " of SIDs" : ""}` : name;
  }
  // The number that decides: the hit rate of items whose cutoff is nearest to 10, else their NDCG, else the first.
  function mainNumber(all) {
    for (const begin of ["item.hr@", "item.ndcg@"]) {
      const found = all.filter((name) => name.startsWith(begin) && !name.endsWith(".interval")).sort((a, b) => Math.abs(a.slice(begin.length) - 10) - Math.abs(b.slice(begin.length) - 10));
      if (found.length > 0) return found[0];
    }
    return all[0];
  }

  // ---- colours -----------------------------------------------------------------------------------------------------
  // Ten are chosen; more groups than that get hues apart from each other.
  function color(index, count = 10) {
    return count <= 10 ? `var(--c${(index % 10) + 1})` : `hsl(${((index * 137.508) % 360).toFixed(1)} var(--hue-saturation) var(--hue-lightness))`;
  }

  // ---- tables ------------------------------------------------------------------------------------------------------
  // columns: texts or {label, numeric, help}; rows: lists of cells, each a text, a number, a node, null, or {value,
  // text, class, help, node}. options: caption (said, and shown unless quiet), quiet, sortable, rowHeader (default true),
  // limit (rows shown at first). The box scrolls, never the page.
  function table(columns, rows, options = {}) {
    const heads = columns.map((column) => (typeof column === "object" ? column : { label: column }));
    const valueOf = (cell) => (cell !== null && typeof cell === "object" && !(cell instanceof Node) ? cell.value : cell);
    const isNumeric = heads.map((head, at) => head.numeric ?? (rows.length > 0 && rows.every((row) => {
      const value = valueOf(row[at]);
      return value === null || value === undefined || isNumber(value);
    }) && rows.some((row) => isNumber(valueOf(row[at])))));
    const body = el("tbody");
    function cellOf(cell, at) {
      const whole = cell !== null && typeof cell === "object" && !(cell instanceof Node) ? cell : { value: cell };
      const isHead = at === 0 && options.rowHeader !== false;
      const shown = whole.node ?? whole.text ?? (whole.value instanceof Node ? whole.value
        : isNumber(whole.value) ? number(whole.value, whole.digits) : whole.value ?? "");
      return el(isHead ? "th" : "td", {
        scope: isHead ? "row" : null, title: whole.help, style: whole.style,
        class: [isNumeric[at] ? "numeric" : "", whole.class ?? ""].join(" ").trim() || null,
      }, shown);
    }
    const nodes = rows.map((row) => el("tr", { class: row.class }, row.map(cellOf)));
    const limit = options.limit && options.limit < rows.length ? options.limit : rows.length;
    let order = rows.map((_, at) => at), isWhole = false;
    const show = () => body.replaceChildren(...order.slice(0, isWhole ? rows.length : limit).map((at) => nodes[at]));
    show();
    function sortBy(at, head) {
      const wasUp = head.getAttribute("aria-sort") === "ascending";
      const way = isNumeric[at] ? (head.getAttribute("aria-sort") === "descending" ? 1 : -1) : wasUp ? -1 : 1;
      for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
      order = rows.map((_, row) => row).sort((a, b) => {
        const left = valueOf(rows[a][at]), right = valueOf(rows[b][at]);
        if (left === right) return a - b;
        if (left === null || left === undefined) return 1;
        if (right === null || right === undefined) return -1;
        return way * (isNumber(left) && isNumber(right) ? left - right : String(left).localeCompare(String(right)));
      });
      show();
    }
    const headRow = el("tr", {}, heads.map((head, at) => {
      const cell = el("th", { scope: "col", class: isNumeric[at] ? "numeric" : null, title: head.help });
      if (options.sortable && rows.length > 1 && head.label) cell.append(el("button", { type: "button", class: "sort", onclick: () => sortBy(at, cell) }, head.label));
      else cell.append(head.label instanceof Node ? head.label : String(head.label));
      return cell;
    }));
    const caption = options.caption ? el("caption", { class: options.quiet ? "said" : null }, el("span", {}, options.caption)) : null;
    const box = el("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": options.caption || "table" },
      el("table", { class: options.class }, caption, el("thead", {}, headRow), body));
    if (limit === rows.length) return box;
    const more = el("button", { type: "button", class: "plain more", "aria-expanded": "false", onclick: () => {
      isWhole = !isWhole;
      more.textContent = isWhole ? "Show fewer" : `Show all ${number(rows.length)}`;
      more.setAttribute("aria-expanded", String(isWhole));
      show();
    } }, `Show all ${number(rows.length)}`);
    return el("div", {}, box, more);
  }

  // A part that opens; make() fills it at its first opening, and returns what it holds.
  function folded(title, make, options = {}) {
    const body = el("div", { class: "folded-body" });
    let isMade = false;
    const fillOnce = () => { if (!isMade) { isMade = true; body.append(...[make()].flat().filter(Boolean)); } };
    const whole = el("details", { class: `folded ${options.class ?? ""}`.trim(), open: options.open ?? false,
      ontoggle: () => { if (whole.open) fillOnce(); } }, el("summary", {}, title), body);
    if (options.open) fillOnce();
    return whole;
  }

  // entries: [{label, make(panel)}]; a panel is made when it is first shown. Arrow keys go from tab to tab.
  function tabs(root, entries, options = {}) {
    if (entries.length === 1 && !options.always) { const only = el("div", { class: "panel" }); root.append(only); entries[0].make(only); return; }
    const list = el("div", { class: "tabs", role: "tablist", "aria-label": options.label ?? "Views" });
    const box = el("div");
    const made = entries.map((entry) => {
      const panel = el("div", { class: "panel", role: "tabpanel", id: freshId("panel"), tabindex: 0, hidden: true });
      const tab = el("button", { type: "button", role: "tab", id: freshId("tab"), "aria-controls": panel.id }, entry.label);
      panel.setAttribute("aria-labelledby", tab.id);
      list.append(tab); box.append(panel);
      return { tab, panel, isMade: false };
    });
    root.append(list, box);
    function show(index, focus) {
      made.forEach((one, at) => {
        const isShown = at === index;
        one.tab.setAttribute("aria-selected", String(isShown));
        one.tab.tabIndex = isShown ? 0 : -1;
        one.panel.hidden = !isShown;
      });
      const one = made[index];
      if (focus) one.tab.focus();
      if (!one.isMade) { one.isMade = true; entries[index].make(one.panel); }
    }
    made.forEach((one, at) => {
      one.tab.addEventListener("click", () => show(at, false));
      one.tab.addEventListener("keydown", (event) => {
        const to = { ArrowRight: (at + 1) % made.length, ArrowLeft: (at + made.length - 1) % made.length, Home: 0, End: made.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        show(to, true);
      });
    });
    show(options.first ?? 0, false);
  }

  // A tab for each run that shows(run); draw(panel, run) fills it. Runs of which shownOf(run) is the same share one.
  function runTabs(root, whole, shows, draw, shownOf) {
    const groups = new Map();
    whole.runs.filter(shows).forEach((run, at) => {
      const key = shownOf ? JSON.stringify(shownOf(run)) : at;
      if (groups.has(key)) groups.get(key).push(run); else groups.set(key, [run]);
    });
    tabs(root, [...groups.values()].map((runs) => ({
      label: runs.length > 1 ? `${runs[0].name} and ${runs.length - 1} more` : runs[0].name,
      make(panel) {
        if (runs.length > 1 && groups.size > 1) panel.append(el("p", { class: "note before" }, `The same of ${runs.map((run) => run.name).join("; ")}.`));
        draw(panel, runs[0]);
      },
    })), { label: "Runs" });
  }

  // ---- charts: what they share -------------------------------------------------------------------------------------
  // The frame of a chart: a figure with its title, a bar of controls, the drawing, a line that is said aloud, and the
  // numbers as a table. describe(figure, text) says what there is to see.
  function frame(root, options, drawTable) {
    const title = el("figcaption", { id: freshId("chart") }, options.title ?? "");
    const controls = el("div", { class: "controls" });
    const plot = el("div", { class: "plot" });
    const said = el("p", { class: "said", "aria-live": "polite" });
    const legend = el("div", { class: "legend" });
    const figure = el("figure", { class: "chart", "aria-labelledby": title.id },
      el("div", { class: "chart-head" }, title, controls), legend, plot, said,
      options.note ? el("p", { class: "note" }, options.note) : null,
      folded("Numbers as a table", drawTable, { class: "numbers" }));
    if (!options.title) title.classList.add("said");
    root.append(figure);
    return { figure, title, controls, plot, said, legend };
  }
  function describe(figure, text) {
    const drawing = figure.querySelector(".plot > svg");
    if (drawing) drawing.setAttribute("aria-label", text);
    else figure.setAttribute("aria-label", text);
    if (!figure.querySelector("figcaption").textContent) figure.querySelector("figcaption").textContent = text;
  }
  // draw(width) now and whenever the width changes.
  function onWidth(plot, draw) {
    let last = 0;
    const look = () => {
      const width = Math.floor(plot.clientWidth);
      if (width > 0 && width !== last) { last = width; draw(width); }
    };
    new ResizeObserver(look).observe(plot);
    look();
  }

  // Round steps that leave about `count` ticks.
  function ticks(low, high, count) {
    if (!(high > low)) return [low];
    const rough = (high - low) / Math.max(1, count), power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((times) => times * power).find((candidate) => candidate >= rough * 0.999) ?? 10 * power;
    const all = [];
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; ++at) all.push(Number((at * step).toPrecision(12)));
    return all;
  }
  function logTicks(low, high, count) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9), all = [];
    if (last - first >= 1) {
      const step = Math.max(1, Math.ceil((last - first) / count));
      for (let at = first; at <= last; at += step) all.push(10 ** at);
    }
    return all.length >= 2 ? all : ticks(low, high, count);
  }
  function tickText(value, all) {
    if (value === 0) return "0";
    const size = Math.abs(value), step = all.length > 1 ? Math.abs(all[1] - all[0]) : size;
    if (size >= 1e5 || size < 1e-4) return value.toExponential(0).replace("e+", "e").replace(/-/g, kMinus);
    const [mantissa, power] = step.toExponential(2).split("e").map(Number);
    const digits = Math.max(0, Math.min(8, -power + (mantissa === 2.5 ? 1 : 0)));
    return number(value, size < step * 0.999 ? Math.max(0, Math.min(6, -Math.floor(Math.log10(size)))) : digits);
  }
  function scale(from, to, isLog) {
    const f = isLog ? Math.log10 : (x) => x, low = f(from[0]), span = f(from[1]) - low || 1;
    const go = (value) => to[0] + ((f(value) - low) / span) * (to[1] - to[0]);
    go.back = (place) => { const at = low + ((place - to[0]) / (to[1] - to[0])) * span; return isLog ? 10 ** at : at; };
    return go;
  }
  function extent(values) {
    let low = Infinity, high = -Infinity;
    for (const value of values) if (isNumber(value)) { if (value < low) low = value; if (value > high) high = value; }
    return low <= high ? [low, high] : null;
  }
  function axes(area, x, y, xTicks, yTicks, options) {
    const { left, right, top, bottom } = area, group = svg("g", { class: "axes", "aria-hidden": "true" });
    for (const value of yTicks) {
      const at = y(value);
      group.append(svg("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }),
        svg("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, tickText(value, yTicks)));
    }
    for (const value of xTicks) {
      const at = x(value);
      group.append(svg("line", { class: "tick", x1: at, x2: at, y1: bottom, y2: bottom + 5 }),
        svg("text", { x: at, y: bottom + 18, "text-anchor": "middle" }, tickText(value, xTicks)));
    }
    group.append(svg("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
    if (options.xLabel) group.append(svg("text", { class: "axis-label", x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, options.xLabel));
    if (options.yLabel) group.append(svg("text", { class: "axis-label", x: -(top + bottom) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle" }, options.yLabel));
    return group;
  }
  // Legend whose entries switch what they name. A double click leaves that one alone.
  function legendOf(box, entries, changed) {
    const shown = entries.map(() => true);
    const buttons = entries.map((entry, at) => el("button", {
      type: "button", class: "key", "aria-pressed": "true", title: "Click: hide or show. Double click: this one alone.",
      onclick: () => { shown[at] = !shown[at]; update(); },
      ondblclick: () => { const isAlone = shown.every((is, other) => is === (other === at)); shown.fill(isAlone); shown[at] = true; update(); },
    }, el("span", { class: "swatch", style: { background: entry.color } }), entry.name));
    function update() {
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(shown[at])));
      changed(shown);
    }
    box.append(...buttons);
    return shown;
  }
  // What stands beside the pointer.
  function tooltip(plot) {
    const tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    plot.append(tip);
    return {
      show(x, y, ...children) {
        tip.hidden = false;
        tip.replaceChildren(...children.flat().filter(Boolean));
        const width = plot.clientWidth, own = tip.offsetWidth;
        tip.style.left = `${x + own + 18 > width ? Math.max(0, x - own - 14) : x + 14}px`;
        tip.style.top = `${Math.max(0, y - 12)}px`;
      },
      hide() { tip.hidden = true; },
    };
  }
  function button(text, action, attributes = {}) { return el("button", { type: "button", class: "plain", onclick: action, ...attributes }, text); }

  // ---- lines -------------------------------------------------------------------------------------------------------
  // The mean of a series that forgets: weight of the past 0 .. 0.99, corrected for its short beginning.
  function smoothed(points, weight) {
    if (weight <= 0) return points;
    let mean = 0, whole = 0;
    return points.map(([x, y]) => {
      if (!isNumber(y)) return [x, null];
      mean = weight * mean + (1 - weight) * y; whole = weight * whole + (1 - weight);
      return [x, mean / whole];
    });
  }
  function nearestIndex(points, x) {
    let low = 0, high = points.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (points[middle][0] < x) low = middle; else high = middle; }
    return high < 0 ? -1 : Math.abs(points[low][0] - x) <= Math.abs(points[high][0] - x) ? low : high;
  }

  // series: [{name, points: [[x, y]], band: [[x, low, high]], each: [{points}], color, dashed}], x ascending; y null: a
  // gap; each: what the line is the mean of, shown as thin lines where the reader asks for them. options: title,
  // xLabel, yLabel, wholeX (x counts something), log (begins so), smooth (weight at the beginning; null: no slider), height, note, text(value).
  // Drag to zoom, double click or 0 for all of it; arrow keys walk along the points.
  function lineChart(root, options) {
    const series = options.series.map((one, at) => ({ ...one, color: one.color ?? color(at, options.series.length) }));
    const text = options.text ?? ((value) => number(value));
    const all = series.flatMap((one) => [...one.points.map(([, y]) => y), ...(one.band ?? []).flatMap(([, low, high]) => [low, high])]).filter(isNumber), canLog = all.length > 0 && all.every((y) => y > 0);
    const canSmooth = options.smooth !== null && series.some((one) => one.points.length > 8);
    const hasEach = series.some((one) => (one.each ?? []).length > 1);
    let showsEach = false;
    let isLog = Boolean(options.log) && canLog, weight = canSmooth ? options.smooth ?? 0 : 0, zoom = null, cursor = null, width = 0;
    const parts = frame(root, options, () => {
      const xs = [...new Set(series.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
      const maps = series.map((one) => new Map(one.points.map(([x, y]) => [x, y])));
      return table([options.xLabel ?? "x", ...series.map((one) => ({ label: one.name, numeric: true }))],
        xs.map((x) => [x, ...maps.map((map) => map.get(x) ?? null)]),
        { caption: options.title ?? "numbers of the chart", quiet: true, limit: 60 });
    });
    const shown = series.length > 1 ? legendOf(parts.legend, series, () => draw()) : [true];
    const reset = button("Whole range", () => { zoom = null; draw(); }, { hidden: true });
    parts.controls.append(reset);
    if (canSmooth) {
      const slider = el("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: weight, "aria-label": "Smoothing",
        oninput: () => { weight = Number(slider.value); draw(); } });
      parts.controls.append(el("label", { class: "slider" }, "Smooth", slider));
    }
    if (canLog) {
      const toggle = button("Log", () => { isLog = !isLog; toggle.setAttribute("aria-pressed", String(isLog)); draw(); },
        { "aria-pressed": String(isLog), "aria-label": "Logarithmic scale" });
      parts.controls.append(toggle);
    }
    if (hasEach) {
      const toggle = button(options.eachLabel ?? "Each", () => { showsEach = !showsEach; toggle.setAttribute("aria-pressed", String(showsEach)); draw(); }, { "aria-pressed": "false" });
      parts.controls.append(toggle);
    }
    const drawing = svg("svg", { role: "img", tabindex: 0, "aria-roledescription": "chart" });
    parts.plot.append(drawing);
    const tip = tooltip(parts.plot);
    describe(parts.figure, options.description ?? `${options.title ?? "Chart"}: ${series.length} ${series.length === 1 ? "line" : "lines"}, `
      + series.map((one) => { const last = one.points.filter(([, y]) => isNumber(y)).at(-1); return last ? `${one.name} ends at ${text(last[1])}` : one.name; }).slice(0, 12).join("; ")
      + ". Arrow keys walk along the points; the table below has all of them.");
    let area, x, y, curves;
    function draw() {
      if (!width) return;
      const height = options.height ?? Math.max(220, Math.min(320, width * 0.45));
      area = { left: 58, right: width - 12, top: 12, bottom: height - (options.xLabel ? 46 : 28) };
      curves = series.map((one, at) => ({ ...one, isShown: shown[at], smooth: smoothed(one.points, weight), thin: showsEach ? (one.each ?? []).map((own) => smoothed(own.points, weight)) : [] })).filter((one) => one.isShown);
      const whole = extent(curves.flatMap((one) => one.points.map(([at]) => at))) ?? [0, 1];
      const xRange = zoom ?? (whole[0] === whole[1] ? [whole[0] - 0.5, whole[1] + 0.5] : whole);
      const isIn = ([at]) => at >= xRange[0] && at <= xRange[1];
      const isDrawn = (value) => isNumber(value) && (!isLog || value > 0);
      const values = curves.flatMap((one) => [
        ...[one.points, one.smooth, ...one.thin].flatMap((points) => points.filter(isIn).map(([, value]) => value)),
        ...(one.band ?? []).filter(isIn).flatMap(([, low, high]) => [low, high])]).filter(isDrawn);
      let yRange = extent(values) ?? extent(curves.flatMap((one) => one.points.map(([, value]) => value)).filter(isDrawn)) ?? (isLog ? [1, 10] : [0, 1]);
      if (isLog) yRange = yRange[0] === yRange[1] ? [yRange[0] / 2, yRange[1] * 2] : [yRange[0] * 0.93, yRange[1] * 1.07];
      else { const pad = (yRange[1] - yRange[0]) * 0.06 || Math.abs(yRange[0]) * 0.1 || 0.5; yRange = [yRange[0] - pad, yRange[1] + pad]; }
      x = scale(xRange, [area.left, area.right], false);
      y = scale(yRange, [area.bottom, area.top], isLog);
      const xTicks = ticks(xRange[0], xRange[1], Math.max(2, Math.floor((area.right - area.left) / 90))).filter((value) => !options.wholeX || Number.isInteger(value));
      const yTicks = (isLog ? logTicks : ticks)(yRange[0], yRange[1], Math.max(2, Math.floor((area.bottom - area.top) / 38)));
      drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
      drawing.setAttribute("height", height);
      const clip = freshId("clip");
      const lines = svg("g", { "clip-path": `url(#${clip})` });
      for (const one of curves) {
        if (one.band) {
          const edge = one.band.filter(([, low, high]) => isDrawn(low) && isDrawn(high));
          if (edge.length > 1) lines.append(svg("path", { class: "band", style: { fill: one.color },
            d: `M${edge.map(([at, , high]) => `${x(at).toFixed(1)},${y(high).toFixed(1)}`).join("L")}L${[...edge].reverse().map(([at, low]) => `${x(at).toFixed(1)},${y(low).toFixed(1)}`).join("L")}Z` }));
        }
        const path = (points) => {
          let d = "", isOn = false;
          for (const [at, value] of points) {
            if (!isDrawn(value)) { isOn = false; continue; }
            d += `${isOn ? "L" : "M"}${x(at).toFixed(1)},${y(value).toFixed(1)}`; isOn = true;
          }
          return d;
        };
        for (const points of one.thin) lines.append(svg("path", { class: "line thin", style: { stroke: one.color }, d: path(points) }));
        if (weight > 0) lines.append(svg("path", { class: "line raw", style: { stroke: one.color }, d: path(one.points) }));
        lines.append(svg("path", { class: "line", style: { stroke: one.color }, "stroke-dasharray": one.dashed ? "5 4" : null, d: path(one.smooth) }));
        const visible = one.points.filter((point) => isIn(point) && isDrawn(point[1]));
        if (visible.length <= 24) for (const [at, value] of visible) lines.append(svg("circle", { class: "dot", style: { fill: one.color }, cx: x(at), cy: y(value), r: 2.6 }));
      }
      drawing.replaceChildren(svg("defs", {}, svg("clipPath", { id: clip }, svg("rect", { x: area.left - 4, y: area.top - 6, width: Math.max(0, area.right - area.left + 8), height: Math.max(0, area.bottom - area.top + 12) }))),
        axes(area, x, y, xTicks, yTicks, options), lines, svg("g", { class: "cursor" }));
      reset.hidden = zoom === null;
      tip.hide();
    }
    // Shows the values at the points next to this x.
    function look(at, isSaid) {
      const marks = drawing.querySelector(".cursor");
      if (!marks || curves.length === 0) return;
      const found = curves.map((one) => { const index = nearestIndex(one.points, at); return index < 0 ? null : { one, at: one.points[index][0], value: one.smooth[index][1], raw: one.points[index][1] }; })
        .filter((hit) => hit && isNumber(hit.value));
      if (found.length === 0) return;
      const nearest = found.reduce((best, hit) => (Math.abs(hit.at - at) < Math.abs(best.at - at) ? hit : best)).at;
      cursor = nearest;
      const here = found.filter((hit) => Math.abs(hit.at - nearest) <= Math.max(1e-9, Math.abs(x.back(area.left + 12) - x.back(area.left)))).sort((a, b) => b.value - a.value);
      marks.replaceChildren(svg("line", { x1: x(nearest), x2: x(nearest), y1: area.top, y2: area.bottom }),
        ...here.filter((hit) => !isLog || hit.value > 0).map((hit) => svg("circle", { cx: x(hit.at), cy: y(hit.value), r: 4, style: { fill: hit.one.color } })));
      tip.show(x(nearest), area.top + 4, el("strong", {}, `${options.xLabel ?? "x"} ${number(nearest)}`),
        here.slice(0, 14).map((hit) => el("div", {}, el("span", { class: "swatch", style: { background: hit.one.color } }), el("span", { class: "tip-name" }, hit.one.name), el("b", {}, text(hit.value)),
          weight > 0 && isNumber(hit.raw) ? el("i", {}, ` (${text(hit.raw)})`) : null)),
        here.length > 14 ? el("div", {}, `and ${here.length - 14} more`) : null);
      if (isSaid) parts.said.textContent = `${options.xLabel ?? "x"} ${number(nearest)}: ` + here.slice(0, 6).map((hit) => `${hit.one.name} ${text(hit.value)}`).join(", ");
    }
    function leave() { tip.hide(); drawing.querySelector(".cursor")?.replaceChildren(); }
    let from = null;
    const place = (event) => { const box = drawing.getBoundingClientRect(); return ((event.clientX - box.left) / box.width) * width; };
    const within = (at) => Math.max(area.left, Math.min(area.right, at));
    drawing.addEventListener("pointerdown", (event) => { if (event.button === 0 && area) { from = within(place(event)); drawing.setPointerCapture(event.pointerId); } });
    drawing.addEventListener("pointermove", (event) => {
      if (!area) return;
      const at = within(place(event));
      look(x.back(at), false);
      if (from !== null && Math.abs(at - from) > 5)
        drawing.querySelector(".cursor").append(svg("rect", { class: "selected", x: Math.min(at, from), width: Math.abs(at - from), y: area.top, height: area.bottom - area.top }));
    });
    drawing.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const at = within(place(event)), begin = Math.min(at, from), end = Math.max(at, from);
      from = null;
      if (end - begin > 8) { zoom = [x.back(begin), x.back(end)]; draw(); }
    });
    drawing.addEventListener("pointercancel", () => { from = null; leave(); });
    drawing.addEventListener("pointerleave", () => { if (from === null) leave(); });
    drawing.addEventListener("dblclick", () => { zoom = null; draw(); });
    drawing.addEventListener("blur", leave);
    drawing.addEventListener("keydown", (event) => {
      if (!area) return;
      const xs = [...new Set(curves.flatMap((one) => one.points.map(([at]) => at)))].filter((at) => !zoom || (at >= zoom[0] && at <= zoom[1])).sort((a, b) => a - b);
      if (xs.length === 0) return;
      const index = cursor === null ? -1 : xs.findIndex((at) => at >= cursor);
      const far = Math.max(1, Math.round(xs.length / 10));
      const to = { ArrowRight: index + 1, ArrowLeft: index < 0 ? xs.length - 1 : index - 1, PageDown: index + far, PageUp: index - far, Home: 0, End: xs.length - 1 }[event.key];
      if (to !== undefined) { event.preventDefault(); look(xs[Math.max(0, Math.min(xs.length - 1, to))], true); }
      else if (event.key === "0" || event.key === "Escape") { zoom = null; draw(); leave(); }
      else if (event.key === "+" || event.key === "-") {
        const range = zoom ?? [xs[0], xs.at(-1)], middle = cursor ?? (range[0] + range[1]) / 2, half = ((range[1] - range[0]) / 2) * (event.key === "+" ? 0.5 : 2);
        const all = extent(curves.flatMap((one) => one.points.map(([at]) => at)));
        zoom = [Math.max(all[0], middle - half), Math.min(all[1], middle + half)];
        if (zoom[0] <= all[0] && zoom[1] >= all[1]) zoom = null;
        draw();
      }
    });
    onWidth(parts.plot, (now) => { width = now; draw(); });
    return parts.figure;
  }

  // ---- points ------------------------------------------------------------------------------------------------------
  // points: [{x, y, group, label, detail, size}]; group: an index into groups, which are names. options: title, xLabel,
  // yLabel, height, note, square (same scale on both axes), bare (no numbers on the axes), extent ({x, y}: so that maps
  // side by side have one scale; else that of the points). Drag a box to zoom, double
  // click or 0 for all; arrow keys go from point to point.
  function scatter(root, options) {
    const points = options.points, groups = (options.groups ?? []).map((group) => (typeof group === "object" ? group : { name: String(group) }));
    const tint = (group) => groups[group]?.color ?? color(group ?? 0, Math.max(groups.length, 1));
    let zoom = null, width = 0, area, x, y, cursor = -1;
    const parts = frame(root, options, () => table(["point", ...(groups.length ? [options.groupLabel ?? "group"] : []), { label: options.xLabel ?? "x", numeric: true }, { label: options.yLabel ?? "y", numeric: true }, "detail"],
      points.map((point) => [point.label ?? "", ...(groups.length ? [groups[point.group]?.name ?? ""] : []), point.x, point.y, point.detail ?? ""]),
      { caption: options.title ?? "points of the chart", quiet: true, limit: 50, sortable: true }));
    const isMany = groups.length > 12;
    const keys = isMany ? el("div", { class: "legend" }) : parts.legend;
    const shown = groups.length > 1 ? legendOf(keys, groups.map((group, at) => ({ name: group.name, color: tint(at) })), () => draw()) : null;
    if (isMany) parts.legend.append(folded(`${groups.length} ${options.groupLabel ?? "groups"}: colours`, () => keys));
    const isShown = (point) => !shown || shown[point.group] !== false;
    const reset = button("Whole map", () => { zoom = null; draw(); }, { hidden: true });
    parts.controls.append(reset);
    const drawing = svg("svg", { role: "img", tabindex: 0, "aria-roledescription": "map" });
    parts.plot.append(drawing);
    const tip = tooltip(parts.plot);
    describe(parts.figure, options.description ?? `${options.title ?? "Map"}: ${points.length} points${groups.length > 1 ? ` in ${groups.length} groups` : ""}. Arrow keys go from point to point; the table below has all of them.`);
    const whole = options.extent ?? { x: extent(points.map((point) => point.x)) ?? [0, 1], y: extent(points.map((point) => point.y)) ?? [0, 1] };
    const padded = ([low, high]) => { const pad = (high - low) * 0.05 || 0.5; return [low - pad, high + pad]; };
    function draw() {
      if (!width) return;
      const height = options.height ?? Math.max(280, Math.min(560, width * 0.72));
      area = options.bare ? { left: 6, right: width - 6, top: 6, bottom: height - 6 } : { left: 58, right: width - 12, top: 12, bottom: height - 46 };
      let xRange = zoom?.x ?? padded(whole.x), yRange = zoom?.y ?? padded(whole.y);
      if (options.square && !zoom) {
        const unit = Math.max((xRange[1] - xRange[0]) / (area.right - area.left), (yRange[1] - yRange[0]) / (area.bottom - area.top));
        const around = (range, pixels) => { const middle = (range[0] + range[1]) / 2; return [middle - (unit * pixels) / 2, middle + (unit * pixels) / 2]; };
        xRange = around(xRange, area.right - area.left); yRange = around(yRange, area.bottom - area.top);
      }
      x = scale(xRange, [area.left, area.right], false);
      y = scale(yRange, [area.bottom, area.top], false);
      drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
      drawing.setAttribute("height", height);
      const dots = svg("g", { class: "points" });
      const visible = points.filter((point) => isShown(point) && point.x >= xRange[0] && point.x <= xRange[1] && point.y >= yRange[0] && point.y <= yRange[1]);
      const radius = Math.max(2.2, Math.min(5, 60 / Math.sqrt(Math.max(visible.length, 1)) + 1.6));
      for (const point of visible) dots.append(svg("circle", { cx: x(point.x).toFixed(1), cy: y(point.y).toFixed(1), r: point.size ?? radius.toFixed(1), style: { fill: tint(point.group) } }));
      const count = (pixels, each) => Math.max(2, Math.floor(pixels / each));
      drawing.replaceChildren(...(options.bare ? [] : [axes(area, x, y, ticks(xRange[0], xRange[1], count(area.right - area.left, 90)), ticks(yRange[0], yRange[1], count(area.bottom - area.top, 50)), options)]), dots, svg("g", { class: "cursor" }));
      reset.hidden = zoom === null;
      tip.hide();
    }
    function show(index, isSaid) {
      const point = points[index];
      cursor = index;
      drawing.querySelector(".cursor").replaceChildren(svg("circle", { class: "ring", cx: x(point.x), cy: y(point.y), r: 8 }));
      tip.show(x(point.x), y(point.y), el("strong", {}, el("span", { class: "swatch", style: { background: tint(point.group) } }), point.label ?? ""),
        groups[point.group] ? el("div", { class: "tip-name" }, groups[point.group].name) : null, point.detail ? el("div", { class: "tip-detail" }, point.detail) : null);
      if (isSaid) parts.said.textContent = [point.label, groups[point.group]?.name, point.detail].filter(Boolean).join(", ");
    }
    function leave() { tip.hide(); drawing.querySelector(".cursor")?.replaceChildren(); }
    function nearest(px, py, reach) {
      let best = -1, least = reach * reach;
      points.forEach((point, index) => {
        if (!isShown(point)) return;
        const away = (x(point.x) - px) ** 2 + (y(point.y) - py) ** 2;
        if (away < least) { least = away; best = index; }
      });
      return best;
    }
    const place = (event) => { const box = drawing.getBoundingClientRect(), k = width / box.width; return [(event.clientX - box.left) * k, (event.clientY - box.top) * k]; };
    let from = null;
    drawing.addEventListener("pointerdown", (event) => { if (event.button === 0 && area && event.pointerType !== "touch") { from = place(event); drawing.setPointerCapture(event.pointerId); } });
    drawing.addEventListener("pointermove", (event) => {
      if (!area) return;
      const [px, py] = place(event);
      if (from) {
        tip.hide();
        drawing.querySelector(".cursor").replaceChildren(svg("rect", { class: "selected", x: Math.min(px, from[0]), y: Math.min(py, from[1]), width: Math.abs(px - from[0]), height: Math.abs(py - from[1]) }));
        return;
      }
      const index = nearest(px, py, 18);
      if (index >= 0) show(index, false); else leave();
    });
    drawing.addEventListener("pointerup", (event) => {
      if (!from) return;
      const [px, py] = place(event), begin = from;
      from = null;
      leave();
      if (Math.abs(px - begin[0]) < 8 || Math.abs(py - begin[1]) < 8) return;
      zoom = { x: [x.back(Math.min(px, begin[0])), x.back(Math.max(px, begin[0]))], y: [y.back(Math.max(py, begin[1])), y.back(Math.min(py, begin[1]))] };
      draw();
    });
    drawing.addEventListener("pointercancel", () => { from = null; leave(); });
    drawing.addEventListener("pointerleave", () => { if (!from) leave(); });
    drawing.addEventListener("blur", leave);
    drawing.addEventListener("dblclick", () => { zoom = null; draw(); });
    drawing.addEventListener("keydown", (event) => {
      if (event.key === "0" || event.key === "Escape") { zoom = null; draw(); return; }
      const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way || points.length === 0) return;
      event.preventDefault();
      if (cursor < 0 || !isShown(points[cursor])) { const index = nearest((area.left + area.right) / 2, (area.top + area.bottom) / 2, Infinity); if (index >= 0) show(index, true); return; }
      const here = [x(points[cursor].x), y(points[cursor].y)];
      let best = -1, least = Infinity;
      points.forEach((point, index) => {
        if (index === cursor || !isShown(point)) return;
        const dx = x(point.x) - here[0], dy = y(point.y) - here[1], along = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (along <= 0) return;
        const away = along + 2.5 * aside;
        if (away < least) { least = away; best = index; }
      });
      if (best >= 0) show(best, true);
    });
    onWidth(parts.plot, (now) => { width = now; draw(); });
    return parts.figure;
  }

  // ---- bars --------------------------------------------------------------------------------------------------------
  // bars: [{label, value, low, high, color, detail}], one below the other, with an interval where there is one. options:
  // title, xLabel, note, text(value), zero (default true: the axis has 0), marks ("bar" or "point").
  function bars(root, options) {
    const all = options.bars, text = options.text ?? ((value) => number(value));
    const hasInterval = all.some((bar) => isNumber(bar.low));
    const parts = frame(root, options, () => table(["", { label: options.xLabel ?? "value", numeric: true }, ...(hasInterval ? [{ label: "95 % interval", numeric: true }] : [])],
      all.map((bar) => [bar.label, bar.value, ...(hasInterval ? [isNumber(bar.low) ? range(bar.low, bar.high) : ""] : [])]), { caption: options.title ?? "numbers of the chart", quiet: true, limit: 60 }));
    const drawing = svg("svg", { role: "img" });
    parts.plot.append(drawing);
    const tip = tooltip(parts.plot);
    describe(parts.figure, options.description ?? `${options.title ?? "Bars"}: ` + all.slice(0, 12).map((bar) => `${bar.label} ${text(bar.value)}`).join("; ") + (all.length > 12 ? "; and more in the table below" : ""));
    onWidth(parts.plot, (width) => {
      const longest = Math.max(1, ...all.map((bar) => String(bar.label).length));
      const left = Math.min(width * 0.42, longest * 7 + 16), row = all.length > 40 ? 16 : 26, right = width - 66;
      const bottom = all.length * row + 8, height = bottom + (options.xLabel ? 42 : 26);
      const values = extent(all.flatMap((bar) => [bar.value, bar.low, bar.high])) ?? [0, 1];
      const isFromZero = options.zero !== false;
      let domain = isFromZero ? [Math.min(0, values[0]), Math.max(0, values[1])] : values;
      if (domain[0] === domain[1]) domain = [domain[0], domain[0] + 1];
      if (!isFromZero) { const pad = (domain[1] - domain[0]) * 0.06; domain = [domain[0] - pad, domain[1] + pad]; }
      const x = scale(domain, [left, right], false), xTicks = ticks(domain[0], domain[1], Math.max(2, Math.floor((right - left) / 90)));
      drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
      drawing.setAttribute("height", height);
      const group = svg("g", { "aria-hidden": "true", class: "axes" });
      for (const value of xTicks) group.append(svg("line", { class: "grid", x1: x(value), x2: x(value), y1: 4, y2: bottom }), svg("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, tickText(value, xTicks)));
      if (options.xLabel) group.append(svg("text", { class: "axis-label", x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, options.xLabel));
      if (domain[0] < 0 && domain[1] > 0) group.append(svg("line", { class: "axis", x1: x(0), x2: x(0), y1: 4, y2: bottom }));
      const marks = svg("g", { class: "bars" });
      all.forEach((bar, at) => {
        const middle = 8 + at * row + row / 2, tintOf = bar.color ?? "var(--c1)", zero = x(Math.max(domain[0], Math.min(domain[1], 0)));
        const most = Math.max(3, Math.floor((left - 14) / 6.6)), label = String(bar.label);
        marks.append(svg("text", { class: "bar-label", x: left - 10, y: middle + 4, "text-anchor": "end" }, svg("title", {}, label), label.length > most ? label.slice(0, most - 1) + "…" : label));
        if (!isNumber(bar.value)) return;
        if (options.marks === "point") marks.append(svg("circle", { cx: x(bar.value), cy: middle, r: 4.5, style: { fill: tintOf } }));
        else marks.append(svg("rect", { class: "bar", x: Math.min(zero, x(bar.value)), y: middle - row * 0.32, width: Math.max(1, Math.abs(x(bar.value) - zero)), height: row * 0.64, rx: 2, style: { fill: tintOf } }));
        if (isNumber(bar.low) && isNumber(bar.high)) marks.append(svg("path", { class: "whisker", d: `M${x(bar.low)},${middle}H${x(bar.high)}M${x(bar.low)},${middle - 4}V${middle + 4}M${x(bar.high)},${middle - 4}V${middle + 4}` }));
        marks.append(svg("text", { class: "bar-value", x: Math.max(x(bar.value), isNumber(bar.high) ? x(bar.high) : -Infinity, zero) + 8, y: middle + 4 }, text(bar.value)));
      });
      drawing.replaceChildren(group, marks);
      drawing.onpointermove = (event) => {
        const box = drawing.getBoundingClientRect(), at = Math.floor(((event.clientY - box.top) * (width / box.width) - 8) / row), bar = all[at];
        if (!bar) { tip.hide(); return; }
        tip.show(event.clientX - box.left, 8 + at * row, el("strong", {}, bar.label), el("div", {}, text(bar.value), isNumber(bar.low) ? ` (95 % ${range(bar.low, bar.high)})` : ""), bar.detail ? el("div", { class: "tip-detail" }, bar.detail) : null);
      };
      drawing.onpointerleave = () => tip.hide();
    });
    return parts.figure;
  }

  // A table whose cells are tinted by their value. values[row][column]; options: caption, corner, text(value), most.
  function heatTable(rowNames, columnNames, values, options = {}) {
    const most = options.most ?? Math.max(1e-300, ...values.flat().filter(isNumber));
    return table([options.corner ?? "", ...columnNames.map((name) => ({ label: name, numeric: true }))],
      values.map((row, at) => [rowNames[at], ...row.map((value, column) => {
        const strength = isNumber(value) ? Math.sqrt(Math.max(0, value) / most) : 0;
        return { value, text: (options.text ?? number)(value), class: `heat ${options.class ? options.class(at, column) : ""}`, style: { "--heat": strength.toFixed(3) } };
      })]), { caption: options.caption, class: "heat-table" });
  }

  return { el, svg, table, folded, tabs, runTabs, lineChart, scatter, bars, heatTable, describe, number, signed, range, signedRange, percent, pValue, corrector, bytes, seconds, spoken, mainNumber, color, freshId, button };
})();

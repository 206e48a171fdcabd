#!/usr/bin/env python3
"""page_test.py TSREC EXPERIMENT [--shots DIR]: opens the pages of one run, of two, of a comparison's cells and of a tuning
in a headless Chromium, at three sizes, in light and in dark. Looks for errors, for requests, for a page that is wider than its window; opens and presses
all there is; asks the keyboard; and compares what the page shows with numbers.json. Without a Chromium it is skipped
(exit code 77). Standard library only: the browser is driven over a pipe.
"""
import base64
import csv
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

SKIPPED = 77
SIZES = [("phone", 390, 844), ("tablet", 768, 1024), ("desk", 1280, 900)]


class Browser:
    """A Chromium at the other end of two pipes; messages are JSON, each ended by a zero byte."""

    def __init__(self, program, profile):
        to_read, self.out = os.pipe()
        self.into, to_write = os.pipe()
        os.set_inheritable(to_read, True)
        os.set_inheritable(to_write, True)

        def as_three_and_four():
            first, second = os.dup(to_read), os.dup(to_write)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            preexec_fn=as_three_and_four)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.last, self.session, self.heard = b"", 0, None, []
        target = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.buffer:
            more = os.read(self.into, 1 << 16)
            if not more:
                sys.exit("page_test: the browser has gone")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.last:
                if "error" in answer:
                    sys.exit(f"page_test: {method}: {answer['error']}")
                return answer["result"]
            self.heard.append(answer)

    def ask(self, script):
        """What the expression gives, in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            sys.exit(f"page_test: {script[:200]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def open(self, url, width, height, scheme):
        self.heard = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        while not any(one.get("method") == "Page.loadEventFired" for one in self.heard):
            self.heard.append(self.read())
        self.settle()

    def printed(self):
        """What is wrong with the page on paper, and its PDF."""
        self.call("Emulation.setEmulatedMedia", media="print")
        wrong = self.ask(PRINTED)
        pdf = base64.b64decode(self.call("Page.printToPDF")["data"])
        self.call("Emulation.setEmulatedMedia", media="")
        return wrong, pdf

    def settle(self):
        self.ask("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")

    def complaints(self, allowed=("file:", "data:")):
        """Errors, and requests of other addresses, that it has heard of since the page was opened."""
        found = []
        for one in self.heard:
            method, what = one.get("method"), one.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(what["exceptionDetails"].get("exception", {}).get("description", "an exception"))
            elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
                found.append("console: " + " ".join(str(word.get("value", word.get("description"))) for word in what["args"]))
            elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
                found.append("log: " + what["entry"]["text"])
            elif method == "Network.requestWillBeSent" and not what["request"]["url"].startswith(allowed):
                found.append("it asked for " + what["request"]["url"])
        return found

    def shot(self, file):
        height = self.ask("Math.ceil(document.documentElement.scrollHeight)")
        size = self.call("Page.getLayoutMetrics")["cssLayoutViewport"]["clientWidth"]
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size, "height": min(height, 12000), "scale": 1})["data"]
        file.write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()


# What every page must be, as sentences about what is wrong.
LOOK = """(() => {
  const wrong = [...tsrecReport.problems];
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) {
    const wide = [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > page.clientWidth + 1 && !one.closest(".table-box, .tabs, pre, svg"));
    wrong.push(`the page is ${page.scrollWidth} wide in a window of ${page.clientWidth}: ${wide.slice(0, 3).map((one) => one.tagName + "." + one.className).join(", ")}`);
  }
  const sections = document.querySelectorAll("main > section");
  if (sections.length === 0) wrong.push("there are no sections");
  for (const section of sections) {
    if (section.textContent.trim().length < 30) wrong.push(`${section.id} is empty`);
    if (section.querySelector(".section-body").textContent.includes("could not be drawn")) wrong.push(`${section.id} could not be drawn`);
    if (!document.querySelector(`#contents a[href="#${section.id}"]`)) wrong.push(`${section.id} is not in the list of sections`);
  }
  for (const figure of document.querySelectorAll("figure.chart")) {
    if (!figure.querySelector(".plot > svg")?.getAttribute("aria-label")) wrong.push("a chart says nothing to a screen reader");
    if (!figure.querySelector("details.numbers")) wrong.push("a chart has no table");
  }
  for (const button of document.querySelectorAll("button")) if (!(button.textContent.trim() || button.getAttribute("aria-label"))) wrong.push("a button has no name");
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id is there twice");
  if (/NaN|undefined|\\[object/.test(document.querySelector("main").innerText)) wrong.push("it shows what is no value: " + document.querySelector("main").innerText.match(/.{0,40}(NaN|undefined|\\[object).{0,40}/)[0]);
  return wrong;
})()"""

# Opens all that is folded, shows every tab, presses every switch.
PRESS = """(async () => {
  const pause = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  let pressed = 0;
  for (let round = 0; round < 3; ++round) {
    for (const tab of document.querySelectorAll("[role=tab]")) { tab.click(); ++pressed; }
    await pause();
    for (const one of document.querySelectorAll("main details:not([open]) > summary")) { one.click(); ++pressed; }
    await pause();
  }
  for (const button of document.querySelectorAll("main button.plain, main button.key, main button.sort")) { if (button.textContent !== "Copy") { button.click(); ++pressed; } }
  await pause();
  for (const button of document.querySelectorAll("main button.key[aria-pressed=false]")) button.click();
  for (const slider of document.querySelectorAll("input[type=range]")) { slider.value = 0.6; slider.dispatchEvent(new Event("input")); }
  await pause();
  return pressed;
})()"""

# Arrow keys walk along the first line chart, and what is there is said aloud.
KEYS = """(() => {
  const chart = document.querySelector("#curves figure.chart"), drawing = chart.querySelector(".plot > svg");
  drawing.focus();
  for (const key of ["ArrowRight", "ArrowRight", "+", "0"]) drawing.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  return chart.querySelector("[aria-live]").textContent;
})()"""

# {"sft": {"HR@10": "0.1234"}} of the first table of numbers.
SHOWN = """(() => {
  const table = document.querySelector("#numbers .table-box table"), heads = [...table.querySelectorAll("thead th")].map((one) => one.textContent);
  return Object.fromEntries([...table.querySelectorAll("tbody tr")].map((row) => [row.children[0].textContent,
    Object.fromEntries([...row.children].slice(1).map((cell, at) => [heads[at + 1], cell.querySelector("span")?.firstChild.textContent ?? cell.textContent]))]));
})()"""

# The chart of a mean over seeds draws the line of each where it is asked to.
SEEDS = """(() => {
  const button = [...document.querySelectorAll("#curves button.plain")].find((one) => one.textContent === "Seeds");
  if (!button) return 0;
  button.click();
  const drawn = button.closest("figure").querySelectorAll("path.thin").length;
  button.click();
  return button.closest("figure").querySelectorAll("path.thin").length === 0 ? drawn : 0;
})()"""

# The tree of SIDs by keys alone: the first code is opened and entered, left again, and closed.
TREE = """(() => {
  const tree = document.querySelector("#sid_tree [role=tree]"), press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const first = tree.querySelector("[role=treeitem]"), seen = [];
  first.focus();
  for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"]) {
    press(key);
    seen.push(`${first.getAttribute("aria-expanded")} ${document.activeElement === first ? "it" : first.contains(document.activeElement) ? "below" : "away"}`);
  }
  return [...seen, tree.querySelectorAll("[tabindex='0']").length].join(", ");
})()"""
TREE_WALKED = "true it, true below, true it, false it, 1"

# Arrow keys go from tab to tab, and one of them can be reached at a time.
TABS = """(() => {
  const list = [...document.querySelectorAll("[role=tablist]")].find((one) => one.querySelectorAll("[role=tab]").length > 1), tabs = [...list.querySelectorAll("[role=tab]")];
  const chosen = () => tabs.filter((one) => one.getAttribute("aria-selected") === "true" && one.tabIndex === 0 && !document.getElementById(one.getAttribute("aria-controls")).hidden);
  tabs[0].click();
  tabs[0].focus();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  return chosen().length === 1 && chosen()[0] === tabs[1] && document.activeElement === tabs[1];
})()"""

# Users whom all runs were asked about: a column for each of the cells, or of the runs.
SIDE_BY_SIDE = """[...document.querySelector("#examples table.lists")?.querySelectorAll("thead th") ?? []].slice(1).map((one) => one.textContent)"""

# What is printed is there before the printer looks: all that is folded, but no numbers of charts, and no switches.
PRINTED = """(() => {
  const wrong = [], before = document.querySelectorAll("main details[open]").length;
  dispatchEvent(new Event("beforeprint"));
  for (const one of document.querySelectorAll("main details:not(.numbers)"))
    if (!one.open || one.querySelector(".folded-body").childNodes.length === 0) wrong.push(`nothing is printed below "${one.querySelector("summary").textContent}"`);
  for (const one of document.querySelectorAll(".controls, #contents, .head-tools, details.numbers"))
    if (getComputedStyle(one).display !== "none") wrong.push(`${one.className || one.id} is printed`);
  dispatchEvent(new Event("afterprint"));
  if (document.querySelectorAll("main details[open]").length !== before) wrong.push("what was folded stays open behind a print");
  return wrong;
})()"""

CELLS = """
[report]
correction = "benjamini_hochberg"
[compare]
seeds = [17, 18]
against = { steps = "few" }
[compare.axis.steps]
few = { "stage.sft.max_steps" = 3 }
many = { "stage.sft.max_steps" = 12 }
"""
SPACE = """
[[stage]]
use = "grpo"
enabled = false
[tune]
search = "grid"
seeds = [17]
rows = 60
[tune.space.markov]
decay = [0.2, 0.8]
"""

THEME = """(() => { const seen = []; for (let i = 0; i < 3; ++i) { document.querySelector("button.theme").click(); seen.push(getComputedStyle(document.body).backgroundColor); } return seen; })()"""


def spoken(name):
    level, rest = name.split(".", 1)
    return rest.upper() + (" of SIDs" if level == "sid" else "")


def means_of(results):
    """{("few:sft", "item.hr@10"): 0.1234}: over the seeds, of the models of a comparison's results.csv."""
    values = {}
    with open(results, newline="") as lines:
        for line in csv.DictReader(lines):
            if line["of"] == "sft":
                values.setdefault((f"{line['cell']}:{line['of']}", line["number"]), []).append(float(line["value"]))
    assert len(values) > 2, f"{results} has too few numbers"
    return {key: statistics.mean(of) for key, of in values.items()}


def chromium():
    """The program, or None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def told(script, what, failures):
    """Says how it ended; the exit code."""
    for failure in failures:
        print(f"{script}:", failure)
    print(f"{script}: {what}, {len(failures)} failures")
    return 1 if failures else 0


def main():
    tsrec, experiment = sys.argv[1:3]
    shots = pathlib.Path(sys.argv[4]) if sys.argv[3:4] == ["--shots"] else None
    program = chromium()
    if program is None:
        print("page_test: skipped, no Chromium is installed")
        return SKIPPED
    failures = []
    with tempfile.TemporaryDirectory() as work:
        store = pathlib.Path(work) / "store"

        def call(*words):
            done = subprocess.run([tsrec, *map(str, words), "--store", str(store)], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"page_test: tsrec {' '.join(map(str, words))}: {done.stdout}{done.stderr}")

        call("run", experiment)
        call("run", experiment, "--set", "stage.sft.max_steps=12")
        runs = sorted((store / "runs").iterdir())
        call("report", runs[0])
        pages = {"one": runs[0] / "report.html", "two": pathlib.Path(work) / "two.html"}
        call("report", *runs, "--out", pages["two"])
        for name, command, text in (("cells", "compare", CELLS), ("tuned", "tune", SPACE)):
            document = pathlib.Path(work) / f"{name}.toml"
            document.write_text(text)
            call(command, experiment, "--with", document)
            pages[name] = max((store / "runs").iterdir()) / "report.html"
        numbers = json.loads((runs[0] / "numbers.json").read_text())
        means = means_of(pages["cells"].parent / "results.csv")
        browser = Browser(program, pathlib.Path(work) / "profile")
        try:
            for name, page in pages.items():
                for size, width, height in SIZES:
                    for scheme in ("light", "dark") if size != "tablet" else ("light",):
                        where = f"{name}, {size}, {scheme}"
                        browser.open(page.resolve().as_uri(), width, height, scheme)
                        if name == "one":
                            shown = browser.ask(SHOWN)
                            for of, values in numbers.items():
                                for number, value in values.items() if of in shown else ():
                                    if number.startswith("item.") and not number.endswith(".interval") and \
                                            abs(value) >= 0.001 and shown[of][spoken(number)] != f"{value:.4f}":
                                        failures.append(f"{where}: {of} {number} is {value}, shown {shown[of][spoken(number)]}")
                            if "sft" not in shown:
                                failures.append(f"{where}: no row for sft")
                            if "step" not in browser.ask(KEYS):
                                failures.append(f"{where}: arrow keys say nothing")
                        if name == "cells":
                            shown = browser.ask(SHOWN)
                            for (of, number), mean in means.items():
                                if number == "item.hr@10" and not shown[of][spoken(number)].startswith(f"{mean:.4f} ± "):
                                    failures.append(f"{where}: {of} {number} is {mean}, shown {shown[of][spoken(number)]}")
                        if name == "cells" and browser.ask(SEEDS) != 4:
                            failures.append(f"{where}: the seeds of two cells have no line each")
                        corrector = "Benjamini-Hochberg" if name == "cells" else "Holm"
                        if name != "tuned" and f"p ({corrector})" not in browser.ask("document.querySelector('#numbers').textContent"):
                            failures.append(f"{where}: no p is called {corrector}'s")
                        if (walked := browser.ask(TREE)) != TREE_WALKED:
                            failures.append(f"{where}: keys walk through the tree of SIDs like this: {walked}")
                        beside = {"two": [run.name for run in runs], "cells": ["few", "many"]}.get(name, [])
                        shown_beside = browser.ask(SIDE_BY_SIDE)
                        if beside and [label.rsplit(": ", 1)[0] for label in shown_beside] != beside:
                            failures.append(f"{where}: the lists of these stand side by side: {shown_beside}")
                        if name != "one" and not browser.ask(TABS):
                            failures.append(f"{where}: arrow keys do not go from tab to tab")
                        failures += [f"{where}: {wrong}" for wrong in browser.ask(LOOK)]
                        if size == "desk" and scheme == "light":
                            wrong, pdf = browser.printed()
                            failures += [f"{where}, printed: {one}" for one in wrong]
                            if not pdf.startswith(b"%PDF") or pdf.count(b"/Type /Page\n") < 2:
                                failures.append(f"{where}: it has no pages on paper")
                        if shots:
                            shots.mkdir(parents=True, exist_ok=True)
                            browser.shot(shots / f"{name}_{size}_{scheme}.png")
                        if browser.ask(PRESS) < 20:
                            failures.append(f"{where}: there is too little to press")
                        browser.settle()
                        failures += [f"{where}, all pressed: {wrong}" for wrong in browser.ask(LOOK)]
                        failures += [f"{where}: {complaint}" for complaint in browser.complaints()]
                    if len(set(browser.ask(THEME))) != 2:
                        failures.append(f"{name}, {size}: the switch of colours does not give light and dark")
                if page.stat().st_size > 10 << 20:
                    failures.append(f"{name}: the page has {page.stat().st_size} bytes")
        finally:
            browser.close()
    return told("page_test", f"{len(pages)} pages at three sizes", failures)


if __name__ == "__main__":
    sys.exit(main())

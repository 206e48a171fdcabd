#!/usr/bin/env python3
"""watch_test.py TSREC EXPERIMENT [--shots DIR]: runs EXPERIMENT, whose stages are done in steps, and watches it.

What is heard while it runs must be a run at work; what is heard last must be the numbers of numbers.json; watchers that are
ended, by SIGINT in the middle and by SIGTERM behind the end, leave the run alone, and all that it stores are the bytes of a
run that nobody watched. A run that is killed is said to wait, and goes on in the same page when the same command is run
again. The page is drawn in a headless Chromium where there is one. Standard library only.
"""
import hashlib
import http.client
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from page_test import LOOK, SIZES, Browser, chromium, told

INTERRUPTED = 5
failures = []


def expect(holds, sentence):
    if not holds:
        failures.append(sentence)
    return holds


def until(holds, sentence, seconds=300):
    """Waits for it; ends the test where it does not come."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"watch_test: waited {seconds} seconds: {sentence}; failures before: {failures}")
        time.sleep(0.02)


class Watcher:
    """A `tsrec watch`, with one reader of its events."""

    def __init__(self, tsrec, store, *words):
        self.process = subprocess.Popen([tsrec, "watch", *map(str, words), "--store", str(store)], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        first = self.process.stdout.readline()
        found = re.match(r"watching (.+): (http://127\.0\.0\.1:(\d+)/([0-9a-f]{32})/)$", first.strip())
        if not found:
            sys.exit(f"watch_test: it printed no address but: {first}{self.process.stdout.read()}")
        self.name, self.url, self.port, self.token = found[1], found[2], int(found[3]), found[4]
        self.events, self.beats, self.is_over = [], 0, False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def ask(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path)
        return connection, connection.getresponse()

    def status(self, path, method="GET"):
        connection, answer = self.ask(path, method)
        connection.close()
        return answer.status

    def read(self):
        """Server-sent events as a browser reads them: fields a line, a blank line ends an event."""
        _, answer = self.ask(f"/{self.token}/events")
        event = {}
        try:
            for line in answer:
                line = line.decode("ascii").rstrip("\n")
                if line.startswith(":"):
                    self.beats += 1
                elif line:
                    field, _, value = line.partition(": ")
                    event[field] = value
                elif event:
                    self.events.append((event["event"], json.loads(event["data"])))
                    event = {}
        except (OSError, http.client.HTTPException):
            pass
        self.is_over = True

    def last(self, name):
        if self.process.poll() is not None:
            sys.exit(f"watch_test: the watcher ended with code {self.process.returncode}: {self.process.stdout.read()}")
        return next((data for event, data in reversed(self.events) if event == name), None)

    def all(self, name):
        return [data for event, data in list(self.events) if event == name]

    def end(self, how):
        self.process.send_signal(how)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            sys.exit(f"watch_test: {how.name} did not end it within a minute")
        return code


def digests(store):
    return {str(file.relative_to(store)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted((store / "store").rglob("*")) if file.is_file()}


def begin(tsrec, experiment, store):
    run = subprocess.Popen([tsrec, "run", experiment, "--store", str(store)], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)
    threading.Thread(target=run.stderr.read, daemon=True).start()
    until(lambda: list(store.glob("runs/*/resolved.toml")), "a run's folder")
    return run, max(store.glob("runs/*"))


def at_work(live, stage):
    return live and any(one["stage"] == stage and one["steps"] and one["steps"]["done"] > 0 for one in live["runs"][0]["running"])


def watch_a_run(tsrec, experiment, store, plain, browser, shots):
    run, folder = begin(tsrec, experiment, store)
    watcher = Watcher(tsrec, store, folder)
    expect(watcher.name == folder.name, f"it watches {watcher.name}, not {folder.name}")
    for path, status in (("/", 403), (f"/{'0' * 32}/", 403), (f"/{watcher.token[:-1]}/", 403), ("/events", 403),
                         (f"/{watcher.token}/", 200), (f"/{watcher.token}/else", 404)):
        expect(watcher.status(path) == status, f"{path} gives {watcher.status(path)}, not {status}")
    expect(watcher.status(f"/{watcher.token}/", "POST") == 405, "it takes a POST")
    taken = subprocess.run([tsrec, "watch", folder, "--store", str(store), "--port", str(watcher.port)],
                           capture_output=True, text=True)
    expect(taken.returncode == 2 and f"port {watcher.port} of 127.0.0.1 cannot be had" in taken.stderr,
           f"a port that is taken: code {taken.returncode}, {taken.stderr}")

    # In the middle of a training; the experiment in the run's place shows the same.
    until(lambda: at_work(watcher.last("live"), "stage.sft"), "stage.sft at work")
    second = Watcher(tsrec, store, experiment)
    until(lambda: second.last("live"), "a second watcher's first event")
    expect(second.last("live")["runs"][0]["running"] or run.poll() is not None, "the experiment shows nobody at work")
    page = watch_in(browser, watcher, shots, "running") if browser else None
    code = second.end(signal.SIGINT)
    expect(code == INTERRUPTED, f"SIGINT ended a watcher with code {code}, not {INTERRUPTED}")
    until(lambda: second.is_over, "the end of the second watcher's stream")
    expect(run.poll() is None, "the run ended before its watcher did; give it more steps")

    code = run.wait(300)
    expect(code == 0, f"the run ended with code {code}")
    numbers = json.loads((folder / "numbers.json").read_text())
    until(lambda: watcher.last("live")["state"] == "ended", "the word that it has ended")
    # Maps wait for the end of the run; what it writes into its folder comes last.
    until(lambda: {"sid_map", "environment"} <= set(watcher.last("document")["runs"][0]), "the last document")
    last = watcher.last("document")["runs"][0]
    # Breakdowns and the audit have sections of their own in a page.
    shown = last["numbers"] | {name: last[name] for name in ("breakdowns", "audit")}
    expect(shown == numbers, "the last numbers are not those of numbers.json")
    expect(all(stage["digest"] for stage in last["stages"]), "the last document has stages that are not stored")
    first_end = next(at for at, (name, data) in enumerate(watcher.events) if name == "live" and data["state"] == "ended")
    expect(not any("sid_map" in data["runs"][0] for name, data in watcher.events[:first_end] if name == "document"), "a map was drawn while it ran")
    check_while_it_ran(watcher)
    if page:
        until(lambda: browser.ask("tsrecWatch.live?.state") == "ended" and browser.ask(
            "Boolean(tsrecReport.document?.runs[0].sid_map)"), "the page's end")
        check_page(browser, "ended", shots, last)
    expect(watcher.process.poll() is None, "it did not stay when the run had ended")
    beats = watcher.beats
    until(lambda: watcher.beats > beats, "a heartbeat", 60)
    code = watcher.end(signal.SIGTERM)
    expect(code == 0, f"SIGTERM behind the run's end gave code {code}, not 0")
    expect(digests(store) == plain, "what a watched run stores are other bytes")
    return len(watcher.events)


def check_while_it_ran(watcher):
    lives = watcher.all("live")
    made = [one for live in lives for one in live["runs"][0]["running"]]
    for stage in ("stage.sft", "stage.grpo"):
        expect(any(one["stage"] == stage for one in made), f"{stage} was never seen at work")
    training = [one for one in made if one["stage"] in ("stage.sft", "stage.grpo")]
    expect(any(one["curves"] and one["curves"][0]["steps"] for one in training), "no curve was seen while it trained")
    expect(any(one["validation"] and one["validation"]["numbers"] for one in training), "no validation was seen")
    expect(any(one["left"] is not None for one in training), "no time left was seen")
    steps = [one["steps"]["done"] for one in training if one["stage"] == "stage.sft" and one["steps"]]
    expect(steps == sorted(steps) and len(set(steps)) > 1, f"steps of stage.sft went {steps}")
    texts = [json.dumps(live) for live in lives]
    expect(all(one != other for one, other in zip(texts, texts[1:])), "an event said nothing new")
    stored = [sum(stage["state"] == "stored" for stage in live["runs"][0]["stages"]) for live in lives]
    expect(stored == sorted(stored), f"stored stages went {stored}")


def watch_a_killed_run(tsrec, experiment, store):
    run, folder = begin(tsrec, experiment, store)
    watcher = Watcher(tsrec, store, folder.name)
    until(lambda: at_work(watcher.last("live"), "stage.sft"), "stage.sft at work")
    run.kill()
    run.wait()
    until(lambda: watcher.last("live")["state"] == "idle", "the word that nobody is at work")
    again, _ = begin(tsrec, experiment, store)
    until(lambda: watcher.last("live")["state"] == "running", "the word that somebody is at work again")
    expect(again.wait(300) == 0, "the same command did not go on")
    until(lambda: watcher.last("live")["state"] == "ended", "the word that it has ended")
    expect(watcher.end(signal.SIGINT) == 0, "the run had ended, and the code is not 0")


# --- in a browser

def watch_in(browser, watcher, shots, name):
    browser.open(watcher.url, *SIZES[2][1:], "light")
    until(lambda: browser.ask("document.querySelectorAll('#live .live-stages li').length") > 5, "the stages in the page")
    until(lambda: browser.ask("Boolean(tsrecReport.document)"), "a document in the page")
    check_page(browser, name, shots)
    return True


def check_page(browser, name, shots, last=None):
    for size, width, height in SIZES:
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        browser.settle()
        for wrong in browser.ask(LOOK):
            expect(False, f"{name}, {size}: {wrong}")
        if shots:
            shots.mkdir(parents=True, exist_ok=True)
            browser.shot(shots / f"watch_{name}_{size}.png")
    state = browser.ask("document.querySelector('#live .live-state').className")
    expect(name in state, f"the page says '{state}' of a run that is {name}")
    expect(browser.ask("document.querySelector('#top .eyebrow').textContent") == "tsrec watch", "the head is the report's")
    if last:
        expect(browser.ask("tsrecReport.document.runs[0].numbers") == last["numbers"], "the page has other numbers")
        expect(browser.ask("document.querySelectorAll('#live .live-box').length") == 0, "a stage is still at work in the page")
    for complaint in browser.complaints(allowed=("data:", "http://127.0.0.1:")):
        expect(False, f"{name}: {complaint}")


def main():
    tsrec, experiment = sys.argv[1:3]
    shots = pathlib.Path(sys.argv[4]) if sys.argv[3:4] == ["--shots"] else None
    program = chromium()
    if program is None:
        print("watch_test: no Chromium is installed, so its page is not drawn")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        browser = Browser(program, work / "profile") if program else None
        try:
            subprocess.run([tsrec, "run", experiment, "--store", str(work / "plain")], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            events = watch_a_run(tsrec, experiment, work / "watched", digests(work / "plain"), browser, shots)
            watch_a_killed_run(tsrec, experiment, work / "killed")
        finally:
            if browser:
                browser.close()
    return told("watch_test", f"{events} events of one run", failures)


if __name__ == "__main__":
    sys.exit(main())

"""Opens report pages in headless Chromium, as a reader would, and looks for what a reader should never meet.

For each page, at desktop and phone width, in light and dark: console messages, requests other than for the page
itself, a page wider than the window, text of too little contrast, load time, and a screenshot. Then the filters,
the search, the pages and the keyboard are used.

    python -m venv venv && venv/bin/pip install websocket-client
    venv/bin/python Tests/Compare/report_browser.py --screenshots shots OUT/report.html …

Needs chromium. Exits 1 when something is wrong.
"""

import argparse
import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

import websocket

WIDTHS = {"desktop": (1280, 900, False), "phone": (390, 844, True)}

# Text and its nearest opaque background; the ratio of WCAG 2.
CONTRAST = """
(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((v) => {
      const s = v / 255;
      return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = (node) => {
    for (; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(node.tagName)) continue;
    const style = getComputedStyle(node);
    if (node.closest("[disabled]") || !node.getClientRects().length) continue;
    const [one, other] = [light(parse(node.namespaceURI.endsWith("svg") ? style.fill : style.color)), light(back(node))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) poor.add(`${node.tagName}.${node.className.baseVal ?? node.className}: ${ratio.toFixed(2)}`);
  }
  return [...poor].slice(0, 10);
})()
"""

USE = """
(async () => {
  const wrong = [];
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const times = {};
  for (const plot of document.querySelectorAll(".plot")) {
    plot.focus();
    plot.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
    const readout = plot.querySelector(".readout");
    if (!readout || readout.hidden || !/step/.test(readout.textContent)) wrong.push("no readout by keyboard");
    plot.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  }
  const toggle = document.querySelector(".legend button");
  if (toggle) { toggle.click(); toggle.click(); }
  const list = document.querySelector("#question-list");
  if (list) {
    const found = () => list.querySelector(".found").textContent;
    const all = found();
    const search = list.querySelector("input");
    const start = performance.now();
    search.value = report.questions.rows[report.questions.rows.length - 1][0];
    search.dispatchEvent(new Event("input"));
    await wait(0);
    while (found() === all && performance.now() - start < 3000) await wait(5);
    times.search = Math.round(performance.now() - start);
    search.value = "zzzz no such thing";
    search.dispatchEvent(new Event("input"));
    await wait(400);
    if (!/No question/.test(found())) wrong.push(`search finds ${found()}`);
    search.value = "";
    search.dispatchEvent(new Event("input"));
    await wait(400);
    if (found() !== all) wrong.push("a cleared search leaves " + found());
    for (const select of list.querySelectorAll("select")) {
      for (const option of select.options) {
        select.value = option.value;
        const before = performance.now();
        select.dispatchEvent(new Event("change"));
        times.filter = Math.max(times.filter ?? 0, Math.round(performance.now() - before));
        const expected = option.textContent.match(/\\(([\\d,]+)\\)$/);
        if (expected && !found().endsWith(` of ${expected[1]}`)) wrong.push(`${option.textContent}: ${found()}`);
      }
      select.selectedIndex = 0;
      select.dispatchEvent(new Event("change"));
    }
    for (const details of [...list.querySelectorAll("details")].slice(0, 5)) {
      details.open = true;
      await wait(30);
      if (!details.querySelector(".context")) wrong.push("a question without context");
    }
    const next = [...list.querySelectorAll("button")].find((button) => button.textContent === "Next");
    if (next && !next.disabled) { next.click(); if (!/page 2/.test(list.textContent)) wrong.push("no second page"); }
    times.questions = report.questions.rows.length;
  }
  return { wrong, times };
})()
"""


class Browser:
    """A headless Chromium and one tab of it."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={self.folder.name}",
             "--disable-background-networking", "--no-first-run", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = pathlib.Path(self.folder.name, "DevToolsActivePort")
        deadline = time.monotonic() + 60
        while not port_file.exists() or not port_file.read_text().strip():
            if time.monotonic() > deadline:
                raise SystemExit("chromium does not start")
            time.sleep(0.1)
        port = port_file.read_text().split()[0]
        tabs = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
        tab = next(tab for tab in tabs if tab["type"] == "page")
        self.socket = websocket.create_connection(tab["webSocketDebuggerUrl"], timeout=120)
        self.number = 0
        self.events = []

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(json.loads(self.socket.recv()))

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:500])
        return result["result"].get("value")

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait()


def troubles(events, address):
    found = []
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            found.append(f"console: {[argument.get('value') for argument in parameters['args']]}")
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            found.append(f"exception: {details.get('exception', {}).get('description', details['text'])}")
        elif method == "Log.entryAdded":
            found.append(f"log: {parameters['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if url.split("#")[0] != address:
                found.append(f"request: {url[:120]}")
    return found


def look(browser, path, name, scheme, screenshots):
    width, height, is_phone = WIDTHS[name]
    address = path.resolve().as_uri()
    browser.events.clear()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=is_phone)
    browser.call("Emulation.setEmulatedMedia", media="",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.call("Page.navigate", url=address)
    browser.wait_for("Page.loadEventFired")
    time.sleep(0.3)
    load = browser.evaluate("Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd)")
    overflow = browser.evaluate("document.documentElement.scrollWidth - innerWidth")
    contrast = browser.evaluate(CONTRAST)
    if screenshots:
        size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
        picture = browser.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": width, "height": min(size["height"], 9000), "scale": 1})
        target = screenshots / f"{path.parent.name}-{path.stem}-{name}-{scheme}.png"
        target.write_bytes(base64.b64decode(picture["data"]))
    used = browser.evaluate(USE)
    wrong = troubles(browser.events, address) + used["wrong"]
    if overflow > 0:
        wrong.append(f"{overflow} pixels wider than the window")
    if contrast:
        wrong.append(f"little contrast: {contrast}")
    print(f"{path} {name} {scheme}: loaded in {load} ms, {used['times']}, {'; '.join(wrong) or 'nothing wrong'}")
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--chromium", default="chromium")
    arguments = parser.parse_args()
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    for page in arguments.pages:
        if not page.is_file():
            parser.error(f"there is no {page}")
    browser = Browser(arguments.chromium)
    try:
        for domain in ["Page", "Runtime", "Network", "Log"]:
            browser.call(f"{domain}.enable")
        results = [
            look(browser, page, name, scheme, arguments.screenshots)
            for page in arguments.pages for name in WIDTHS for scheme in ["light", "dark"]
        ]
    finally:
        browser.close()
    for page in arguments.pages:
        print(f"{page}: {page.stat().st_size:,} bytes")
    sys.exit(0 if all(results) else 1)


main()

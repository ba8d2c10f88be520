"use strict";
// Draws the charts of the page from the data in it. Texts reach the page as text nodes only, never as markup.

const report = JSON.parse(document.getElementById("report-data").textContent);

/** An element of HTML; attributes that are null are left out. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An element of SVG. */
function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const dashes = [null, "7 4", "2 3", "10 3 2 3", null, "7 4", "2 3", "10 3 2 3"];

/** How curve `index` looks: told apart by colour, dashes and marker. */
function look(index) {
  return { class: `curve s${index % 8}`, "stroke-dasharray": dashes[index % dashes.length] };
}

function formatted(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
  const decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 4;
  return value.toLocaleString("en", { maximumFractionDigits: decimals });
}

/** Round numbers from `low` to `high`, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
  const places = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) {
    // Without the sign of a negative zero.
    places.push(index * step + 0);
  }
  return places;
}

/** A mean that follows the values with some delay, in the same places. */
function smoothed(values) {
  const share = 2 / (1 + Math.max(8, values.length / 25));
  let mean = null;
  return values.map((value) => {
    if (value === null) return null;
    mean = mean === null ? value : mean + share * (value - mean);
    return mean;
  });
}

/** The last step of all charts, so that they have the same scale. */
const last = Math.max(1, ...report.axes.map((steps) => steps[steps.length - 1] ?? 0));

/** One chart in its figure. */
class Chart {
  constructor(figure, description) {
    this.figure = figure;
    this.plot = figure.querySelector(".plot");
    this.description = description;
    this.series = description.series.map((series, index) => {
      const values = series.noisy ? smoothed(series.values) : series.values;
      return { ...series, index, steps: report.axes[series.axis], drawn: values, isShown: true };
    });
    this.readout = element("div", { class: "readout", hidden: "" });
    this.spoken = element("div", { class: "unseen", "aria-live": "polite" });
    this.cursor = null;
    if (this.series.length > 1) this.addLegend();
    this.plot.after(this.spoken);
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "img");
    this.plot.setAttribute("aria-label", this.summary());
    this.listen();
    this.draw();
  }

  summary() {
    const ends = this.series.map((series) => {
      const known = series.values.filter((value) => value !== null);
      return `${series.label} from ${formatted(known[0])} to ${formatted(known[known.length - 1])}`;
    });
    return `${this.description.title}: ${ends.join("; ")}. Arrow keys read values.`;
  }

  addLegend() {
    const list = element("ul", { class: "legend" });
    for (const series of this.series) {
      const line = shape("line", { x1: 1, x2: 25, y1: 6, y2: 6, ...look(series.index) });
      const button = element(
        "button", { type: "button", "aria-pressed": "true" },
        shape("svg", { "aria-hidden": "true" }, line, marker(series.index, 13, 6)), series.label);
      button.addEventListener("click", () => {
        series.isShown = !series.isShown;
        button.setAttribute("aria-pressed", String(series.isShown));
        this.draw();
      });
      list.append(element("li", {}, button));
    }
    this.plot.before(list);
  }

  /** Limits of both axes and the functions from values to places. */
  measure() {
    let { low, high } = this.limits();
    if (this.description.zero) low = Math.min(low, 0);
    if (high <= low) [low, high] = [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1 || 1];
    const marks = ticks(low, high, 4);
    const gap = marks.length > 1 ? marks[1] - marks[0] : high - low;
    low = Math.floor(low / gap + 1e-9) * gap;
    high = Math.ceil(high / gap - 1e-9) * gap;
    const width = Math.max(this.plot.clientWidth, 200);
    const box = { left: 50, right: width - 12, top: 10, bottom: 190, width, height: 216 };
    this.box = box;
    this.x = (step) => box.left + ((box.right - box.left) * step) / last;
    this.y = (value) => box.bottom - ((box.bottom - box.top) * (value - low)) / (high - low);
    this.last = last;
    this.high = high;
    return { yTicks: ticks(low, high, 4), xTicks: ticks(0, last, Math.min(6, width / 90)) };
  }

  /** Least and largest value to draw; single peaks far above the rest are cut off, or nothing else would show. */
  limits() {
    const shown = this.series.filter((series) => series.isShown);
    const values = shown.flatMap((series) => series.values.filter((value) => value !== null));
    if (values.length === 0) return { low: 0, high: 1, peak: null };
    values.sort((one, other) => one - other);
    const largest = values[values.length - 1];
    const usual = values[Math.floor((values.length - 1) * 0.98)];
    const isPeaked = values.length > 40 && largest > 3 * usual && usual > 0;
    return { low: values[0], high: isPeaked ? 1.3 * usual : largest, peak: isPeaked ? largest : null };
  }

  draw() {
    const { yTicks, xTicks } = this.measure();
    const { box } = this;
    const svg = shape("svg", { height: box.height, viewBox: `0 0 ${box.width} ${box.height}`, "aria-hidden": "true" });
    for (const value of yTicks) {
      const y = this.y(value);
      svg.append(
        shape("line", { class: "gridline", x1: box.left, x2: box.right, y1: y, y2: y }),
        shape("text", { x: box.left - 6, y: y + 4, "text-anchor": "end" }, formatted(value)));
    }
    for (const step of xTicks.filter(Number.isInteger)) {
      const anchor = this.x(step) > box.right - 12 ? "end" : "middle";
      svg.append(
        shape("line", { class: "axis", x1: this.x(step), x2: this.x(step), y1: box.bottom, y2: box.bottom + 4 }),
        shape("text", { x: this.x(step), y: box.bottom + 18, "text-anchor": anchor }, step.toLocaleString("en")));
    }
    svg.append(shape("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
    this.drawMarks(svg);
    const { peak } = this.limits();
    const name = `clip-${this.description.name}`;
    const curves = shape("g", { "clip-path": peak === null ? null : `url(#${name})` });
    if (peak !== null) {
      const inside = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
      svg.append(
        shape("clipPath", { id: name }, shape("rect", inside)),
        shape("text", { x: box.right, y: box.top + 9, "text-anchor": "end" }, `peak of ${formatted(peak)} cut off`));
    }
    for (const series of this.series.filter((series) => series.isShown)) this.drawSeries(curves, series);
    svg.append(curves);
    this.drawBest(svg);
    this.line = shape("line", { class: "cursor", y1: box.top, y2: box.bottom, visibility: "hidden" });
    svg.append(this.line);
    this.plot.replaceChildren(svg, this.readout);
  }

  /** Where the run went on from a checkpoint, and where it saved one. */
  drawMarks(svg) {
    const { box } = this;
    for (const step of report.resumes ?? []) {
      const x = this.x(step);
      svg.append(
        shape("line", { class: "resume", x1: x, x2: x, y1: box.top, y2: box.bottom },
          shape("title", {}, `resumed after step ${step}`)),
        shape("text", { x: x + 3, y: box.top + 6 }, "↻"));
    }
    const saves = report.saves ?? [];
    if (saves.length > 200) return;
    for (const step of saves) {
      const x = this.x(step);
      svg.append(
        shape("path", { class: "save", d: `M${x},${box.bottom} l-4,-7 h8 z` },
          shape("title", {}, `saved after step ${step}`)));
    }
  }

  drawSeries(svg, series) {
    if (series.noisy) {
      svg.append(shape("path", { ...look(series.index), class: `curve faint s${series.index % 8}`,
        "stroke-dasharray": null, d: this.path(series.steps, series.values) }));
    }
    svg.append(shape("path", { ...look(series.index), d: this.path(series.steps, series.drawn) }));
    if (series.steps.length > 40) return;
    series.steps.forEach((step, place) => {
      const value = series.values[place];
      if (value !== null) svg.append(marker(series.index, this.x(step), this.y(value)));
    });
  }

  /** With gaps where there is no value. */
  path(steps, values) {
    let isDown = false;
    let path = "";
    steps.forEach((step, place) => {
      const value = values[place];
      if (value !== null) path += `${isDown ? "L" : "M"}${this.x(step).toFixed(1)},${this.y(value).toFixed(1)}`;
      isDown = value !== null;
    });
    return path;
  }

  drawBest(svg) {
    const { best } = this.description;
    if (best === null) return;
    for (const series of this.series) {
      const place = series.steps.indexOf(best);
      if (!series.isShown || series.noisy || place < 0 || series.values[place] === null) continue;
      if (this.series.length > 1 && series.steps.length !== this.evaluations()) continue;
      const circle = { class: "best", cx: this.x(best), cy: this.y(series.values[place]), r: 7.5 };
      svg.append(shape("circle", circle, shape("title", {}, `best, after step ${best}`)));
    }
  }

  evaluations() {
    return Math.min(...this.series.map((series) => series.steps.length));
  }

  // Reading values

  listen() {
    this.plot.addEventListener("pointermove", (event) => {
      const x = event.clientX - this.plot.getBoundingClientRect().left;
      this.read(((x - this.box.left) / (this.box.right - this.box.left)) * this.last);
    });
    this.plot.addEventListener("pointerleave", () => this.hide());
    this.plot.addEventListener("blur", () => this.hide());
    this.plot.addEventListener("keydown", (event) => this.pressed(event));
  }

  pressed(event) {
    const steps = this.allSteps();
    const place = this.cursor === null ? -1 : steps.indexOf(this.cursor);
    const next = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: steps.length - 1 }[event.key];
    if (event.key === "Escape") this.hide();
    if (next === undefined) return;
    event.preventDefault();
    this.read(steps[Math.min(Math.max(next, 0), steps.length - 1)]);
    this.spoken.textContent = this.readout.innerText;
  }

  allSteps() {
    return [...new Set(this.series.flatMap((series) => series.steps))].sort((one, other) => one - other);
  }

  /** Shows the values nearest to `step`. */
  read(step) {
    const steps = this.allSteps();
    const nearest = steps.reduce((best, next) => (Math.abs(next - step) < Math.abs(best - step) ? next : best));
    if (nearest === this.cursor) return;
    this.cursor = nearest;
    const rows = this.series.filter((series) => series.isShown && series.steps.includes(nearest)).map((series) => {
      const value = series.values[series.steps.indexOf(nearest)];
      return element("div", {}, element("span", {}, series.label), element("b", {}, formatted(value)));
    });
    this.readout.replaceChildren(element("b", {}, `step ${nearest.toLocaleString("en")}`), ...rows);
    this.readout.hidden = false;
    const x = this.x(nearest);
    this.line.setAttribute("x1", x);
    this.line.setAttribute("x2", x);
    this.line.setAttribute("visibility", "visible");
    const isRight = x > (this.box.left + this.box.right) / 2;
    this.readout.style.left = isRight ? "auto" : `${x + 10}px`;
    this.readout.style.right = isRight ? `${this.box.width - x + 10}px` : "auto";
  }

  hide() {
    this.cursor = null;
    this.readout.hidden = true;
    this.line.setAttribute("visibility", "hidden");
  }
}

/** The form that stands for a curve's points. */
function marker(index, x, y) {
  const style = { class: `marker s${index % 8}` };
  switch (index % 4) {
    case 0: return shape("circle", { ...style, cx: x, cy: y, r: 3.2 });
    case 1: return shape("rect", { ...style, x: x - 3, y: y - 3, width: 6, height: 6 });
    case 2: return shape("path", { ...style, d: `M${x},${y - 4} l4,7 h-8 z` });
    default: return shape("path", { ...style, d: `M${x},${y - 4.5} l4.5,4.5 l-4.5,4.5 l-4.5,-4.5 z` });
  }
}

const charts = [...document.querySelectorAll("figure[data-chart]")].map((figure) => {
  const description = report.charts.find((chart) => chart.name === figure.dataset.chart);
  return new Chart(figure, description);
});

let redrawing = 0;
function redraw() {
  cancelAnimationFrame(redrawing);
  redrawing = requestAnimationFrame(() => charts.forEach((chart) => chart.draw()));
}
window.addEventListener("resize", redraw);
window.addEventListener("beforeprint", () => charts.forEach((chart) => chart.draw()));

"use strict";
// The list of questions: filters, search, pages, and each question's context with the answers marked in it.

/** A row of the page's data by names. */
class Question {
  constructor(row, data) {
    const [id, text, context, outcome, word, f1, golds, answer, places, probability, candidates] = row;
    this.id = id;
    this.text = text;
    this.context = data.contexts[context];
    [this.outcome, this.outcomeTitle, this.outcomeMeaning] = data.outcomes[outcome];
    this.word = data.words[word];
    this.f1 = f1;
    this.golds = golds.map((gold) => this.part(gold));
    this.answer = this.part(answer);
    this.places = places;
    this.probability = probability;
    this.candidates = candidates;
  }

  /** A part of the context, or a text that does not stand in it. */
  part(value) {
    if (typeof value === "string") return { text: value, start: null, end: null };
    const [start, length] = value;
    return { text: this.context.slice(start, start + length), start, end: start + length };
  }

  get isWrong() { return this.outcome !== "exact"; }

  /** All that a search looks at, in the form of searches. */
  get haystack() {
    this.searched ??= searchable(
      [this.id, this.text, this.answer.text, ...this.golds.map((gold) => gold.text), this.context].join("\n"));
    return this.searched;
  }
}

function searchable(text) { return text.normalize("NFKC").toLowerCase(); }

const badges = {
  exact: ["good", "✓"], too_long: ["middling", "↔"], too_short: ["middling", "→←"], overlap: ["middling", "≈"],
  elsewhere: ["bad", "✗"], missed: ["bad", "∅"], spurious: ["bad", "!"], unknown: ["neutral", "?"],
};

const orders = {
  wrong: ["Wrong first, surest first", (one, other) =>
    other.isWrong - one.isWrong || (other.probability ?? 0) - (one.probability ?? 0)],
  doubtful: ["Least sure first", (one, other) => (one.probability ?? 0) - (other.probability ?? 0)],
  score: ["Lowest KorQuAD F1 first", (one, other) => one.f1 - other.f1],
  dataset: ["As in the dataset", () => 0],
};

function percent(probability) {
  return probability === null ? "–" : `${(100 * probability).toFixed(probability < 0.0995 ? 1 : 0)} %`;
}

function shownText(text) {
  return text === "" ? element("i", {}, "no answer") : element("span", { lang: "ko" }, text);
}

class QuestionList {
  constructor(place, data) {
    this.questions = data.rows.map((row) => new Question(row, data));
    this.outcomes = data.outcomes;
    this.words = data.words;
    this.pageSize = 25;
    this.page = 0;
    this.filters = this.makeFilters();
    this.found = element("p", { class: "found", role: "status" });
    this.list = element("div", { class: "list" });
    this.pages = element("div", { class: "pages" });
    place.append(this.filters, this.found, this.list, this.pages);
    this.apply();
    this.list.querySelector("details")?.setAttribute("open", "");
  }

  makeFilters() {
    const counted = (values, name, title) => {
      const options = values
        .map((value) => [value, this.questions.filter((question) => question[name] === value).length])
        .filter(([, count]) => count > 0)
        .map(([value, count]) => [value, `${title(value)} (${count.toLocaleString("en")})`]);
      return [["", `all (${this.questions.length.toLocaleString("en")})`], ...options];
    };
    const wrong = this.questions.filter((question) => question.isWrong).length;
    const kinds = counted(this.outcomes.map(([name]) => name), "outcome", (name) => badgeTitle(name, this.outcomes));
    kinds.splice(1, 0, ["wrong", `all wrong ones (${wrong.toLocaleString("en")})`]);
    this.kind = this.select("Kind of answer", kinds);
    this.word = this.select("Question word", counted(this.words, "word", (word) => word));
    this.order = this.select("Order", Object.entries(orders).map(([name, [title]]) => [name, title]));
    this.search = element("input", { type: "search", placeholder: "question, answer, context", lang: "ko" });
    let waiting = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.apply(), 120);
    });
    const label = (text, control) => element("label", {}, text, control);
    return element(
      "div", { class: "filters", role: "search" },
      label("Search", this.search), this.kind.parentNode, this.word.parentNode, this.order.parentNode);
  }

  select(title, options) {
    const select = element(
      "select", {}, ...options.map(([value, text]) => element("option", { value }, text)));
    select.addEventListener("change", () => this.apply());
    element("label", {}, title, select);
    return select;
  }

  apply() {
    const needle = searchable(this.search.value.trim());
    const kind = this.kind.value;
    const word = this.word.value;
    this.matches = this.questions
      .filter((question) =>
        (kind === "" || (kind === "wrong" ? question.isWrong : question.outcome === kind))
        && (word === "" || question.word === word)
        && (needle === "" || question.haystack.includes(needle)))
      .sort(orders[this.order.value][1]);
    this.show(0);
  }

  show(page) {
    this.page = page;
    const first = page * this.pageSize;
    const shown = this.matches.slice(first, first + this.pageSize);
    this.list.replaceChildren(...shown.map((question) => questionNode(question)));
    const total = this.matches.length.toLocaleString("en");
    this.found.textContent = this.matches.length === 0
      ? "No question fits."
      : `${(first + 1).toLocaleString("en")}–${(first + shown.length).toLocaleString("en")} of ${total}`;
    const button = (title, target, isPossible) => {
      const node = element("button", { type: "button", disabled: isPossible ? null : "" }, title);
      node.addEventListener("click", () => {
        this.show(target);
        this.filters.scrollIntoView({ block: "start" });
        this.list.querySelector("summary")?.focus({ preventScroll: true });
      });
      return node;
    };
    const last = Math.max(0, Math.ceil(this.matches.length / this.pageSize) - 1);
    this.pages.replaceChildren(
      button("First", 0, page > 0), button("Back", page - 1, page > 0), `page ${page + 1} of ${last + 1}`,
      button("Next", page + 1, page < last), button("Last", last, page < last));
  }
}

function badgeTitle(name, outcomes) { return outcomes.find(([outcome]) => outcome === name)[1]; }

/** One question; its body is made when it is first opened. */
function questionNode(question) {
  const [style, sign] = badges[question.outcome];
  const answers = element("span", { class: "answers" });
  if (question.isWrong) {
    answers.append("predicted ", element("b", {}, shownText(question.answer.text)));
    const golds = [...new Set(question.golds.map((gold) => gold.text))];
    if (question.outcome !== "unknown") answers.append(" · right ", element("b", {}, shownText(golds.join(" / "))));
  } else {
    answers.append(element("b", {}, shownText(question.answer.text)));
  }
  const summary = element(
    "summary", {},
    element("span", { class: `badge ${style}`, title: question.outcomeMeaning }, `${sign} ${question.outcomeTitle}`),
    element("span", { class: "asked", lang: "ko" }, question.text),
    element("span", { class: "score" }, `F1 ${question.f1} · ${percent(question.probability)} sure`), answers);
  const details = element("details", { class: "question" }, summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(questionBody(question));
  });
  return details;
}

function questionBody(question) {
  const key = element(
    "p", { class: "key" },
    element("span", {}, element("mark", { class: "gold" }, "right")),
    element("span", {}, element("mark", { class: "mine" }, "predicted")),
    element("span", {}, element("mark", { class: "both" }, "both")));
  const remark = question.answer.start === null && question.answer.text !== ""
    ? "The predicted text does not stand in the context as it is."
    : question.places > 1
      ? `The predicted text stands in ${question.places} places; the one nearest to the right answer is marked.`
      : null;
  return element(
    "div", { class: "body" }, key,
    element("div", { class: "context", lang: "ko" }, ...markedContext(question)), candidateTable(question),
    remark === null ? null : element("p", { class: "identity" }, remark),
    element("p", { class: "identity" }, `id ${question.id} · question word ${question.word}`));
}

/** The context in pieces: those of a right answer, of the predicted one, and of both are marked. */
function markedContext(question) {
  const golds = question.golds.filter((gold) => gold.start !== null);
  const mine = question.answer.start === null ? [] : [question.answer];
  const borders = new Set([0, question.context.length]);
  for (const { start, end } of [...golds, ...mine]) borders.add(start).add(end);
  const places = [...borders].sort((one, other) => one - other);
  return places.slice(0, -1).map((start, index) => {
    const end = places[index + 1];
    const isIn = (parts) => parts.some((part) => part.start <= start && end <= part.end);
    const [gold, predicted] = [isIn(golds), isIn(mine)];
    const text = question.context.slice(start, end);
    if (!gold && !predicted) return text;
    const name = gold && predicted ? "both" : gold ? "gold" : "mine";
    const meaning = { both: "right and predicted", gold: "right answer", mine: "predicted answer" }[name];
    return element("mark", { class: name, title: meaning }, text);
  });
}

function candidateTable(question) {
  if (question.candidates.length === 0) return null;
  const rows = question.candidates.map(([value, probability]) => {
    const bar = shape("rect", { width: `${100 * (probability ?? 0)}%`, height: "100%", class: "part-compute" });
    return element(
      "tr", {}, element("td", {}, shownText(question.part(value).text)),
      element("td", {}, shape("svg", { class: "bar", "aria-hidden": "true" }, bar)),
      element("td", {}, percent(probability)));
  });
  const head = ["Candidate", "", "Probability"].map((title) => element("th", { scope: "col" }, title));
  return element(
    "div", { class: "scroll best-list" },
    element("table", { class: "candidates" },
      element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)));
}

const questionPlace = document.getElementById("question-list");
if (questionPlace && report.questions) new QuestionList(questionPlace, report.questions);

"""Writes answers to random logits as run_qa.py's postprocess_qa_predictions gives them.

    python3 generate.py OUTPUT_FOLDER

`postprocess` restates that function with numpy in float32 over features without padding. What it leaves
open is settled as this project documents it: equal logits by lower token, equal scores by lower start, then
shorter, then earlier; the null answer after its equals. Logits of half of the questions are rounded to
eighths so that equal ones occur. All text is made up here.

A question: [context, [window, ...]], a window: [length, first context token, [[start, end], ...] offsets of its
context tokens, start logits, end logits].
"""

import json
import pathlib
import random
import sys

import numpy as np

SYLLABLES = "가나다라마바사아자차카타파하각난달랄맘밥산앙 漢江🙂e\u0301 "
SETTINGS = [
    dict(n=20, length=30, version2=False, threshold=0.0),
    dict(n=20, length=30, version2=True, threshold=0.0),
    dict(n=5, length=4, version2=True, threshold=1.5),
    dict(n=1, length=30, version2=False, threshold=0.0),
    dict(n=3, length=2, version2=True, threshold=-2.0),
]


def tokens_of(context):
    spans, position = [], 0
    rng = random.Random(context)
    while position < len(context):
        length = min(rng.randint(1, 3), len(context) - position)
        spans.append([position, position + length])
        position += length + rng.choice([0, 0, 1])
    return spans


def make_question(rng, number):
    context = "".join(rng.choices(SYLLABLES, k=rng.randint(20, 90)))
    spans = tokens_of(context)
    question, size, overlap = rng.randint(1, 6), rng.randint(12, 28), rng.randint(0, 8)
    windows, start = [], 0
    while True:
        part = spans[start : start + size]
        length = question + len(part) + 3
        logits = [np.array([rng.gauss(0, 3) for _ in range(length)], np.float32) for _ in range(2)]
        if number % 2:
            logits = [np.round(values * 8) / np.float32(8) for values in logits]
        if number % 5 == 0:
            # The best of everything outside the context: candidates run out.
            for values in logits:
                values[question + 2 : question + 2 + len(part)] -= np.float32(30)
        windows.append([length, question + 2, part, *logits])
        if start + size >= len(spans):
            return context, windows
        start += size - overlap


def best(values, n):
    return sorted(range(len(values)), key=lambda index: (-values[index], index))[:n]


def postprocess(context, windows, n, length, version2, threshold):
    candidates, null = [], None
    for _, first, spans, starts, ends in windows:
        score = starts[0] + ends[0]
        if null is None or null["score"] > score:
            null = dict(offsets=(0, 0), score=score, start=starts[0], end=ends[0])
        for i in best(starts, n):
            for j in best(ends, n):
                if not (first <= i < first + len(spans) and first <= j < first + len(spans)):
                    continue
                if j < i or j - i + 1 > length:
                    continue
                offsets = (spans[i - first][0], spans[j - first][1])
                candidates.append(dict(offsets=offsets, score=starts[i] + ends[j], start=starts[i], end=ends[j]))
    candidates.sort(key=lambda c: (-c["score"], c["offsets"]))
    if version2:
        at = sum(c["score"] >= null["score"] for c in candidates)
        candidates.insert(at, null)
    kept = candidates[:n]
    if version2 and not any(c["offsets"] == (0, 0) for c in kept):
        kept.append(null)
    kept = [dict(c, text=context[c["offsets"][0] : c["offsets"][1]]) for c in kept]
    if not kept or (len(kept) == 1 and kept[0]["text"] == ""):
        zero = np.float32(0)
        kept.insert(0, dict(offsets=(0, 0), score=zero, start=zero, end=zero, text="empty"))
    scores = np.array([c["score"] for c in kept], np.float32)
    weights = np.exp(scores - scores.max())
    probabilities = weights / weights.sum()
    rows = [
        [c["text"], *c["offsets"], shortest(c["start"]), shortest(c["end"]), shortest(p)]
        for c, p in zip(kept, probabilities)
    ]
    if not version2:
        return [kept[0]["text"], None, rows]
    choice = next(c for c in kept if c["text"] != "")
    odds = null["score"] - choice["start"] - choice["end"]
    return ["" if odds > threshold else choice["text"], shortest(odds), rows]


def shortest(value):
    return float(np.format_float_scientific(value, unique=True)) if isinstance(value, np.float32) else value


def main():
    rng = random.Random(11)
    questions = [make_question(rng, number) for number in range(60)]
    folder = pathlib.Path(sys.argv[1])
    written = [
        [context, [[*w[:3], [shortest(x) for x in w[3]], [shortest(x) for x in w[4]]] for w in windows]]
        for context, windows in questions
    ]
    results = [dict(setting, answers=[postprocess(*q, **setting) for q in questions]) for setting in SETTINGS]
    for name, value in [("logits.json", written), ("answers.json", results)]:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        (folder / name).write_text(text + "\n", encoding="utf-8")
    version = f"python {sys.version.split()[0]}\nnumpy {np.__version__}\n"
    (folder / "versions.txt").write_text(version)


if __name__ == "__main__":
    main()

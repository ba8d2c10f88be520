"""Answers from logits as `run_qa.py` extracts them, and the metrics of SQuAD and KorQuAD.

Written from the project's definitions: ties break by lower start, then by the shorter answer.
"""

import math
import re
import string
from collections import Counter

import numpy

from datasets_and_features import Feature, Question


def candidates(feature: Feature, start, end, best: int, longest: int) -> list[dict]:
    def highest(logits) -> list[int]:
        return numpy.argsort(-numpy.asarray(logits), kind="stable")[:best].tolist()

    found = []
    for first in highest(start):
        for last in highest(end):
            outside = feature.offsets[first] is None or feature.offsets[last] is None
            if outside or last < first or last - first + 1 > longest:
                continue
            begin, finish = feature.offsets[first][0], feature.offsets[last][1]
            entry = {
                "start_logit": float(start[first]),
                "end_logit": float(end[last]),
                "begin": begin,
                "finish": finish,
            }
            found.append(entry)
    return found


def score(entry: dict) -> float:
    return entry["start_logit"] + entry["end_logit"]


def n_best(question: Question, windows: list[tuple], best: int = 20, longest: int = 30) -> list[dict]:
    """`windows` are (feature, start logits, end logits); the best first, each with its text and probability."""
    entries = [entry for feature, start, end in windows for entry in candidates(feature, start, end, best, longest)]
    entries.sort(key=lambda entry: (-score(entry), entry["begin"], entry["finish"] - entry["begin"]))
    entries = entries[:best]
    for entry in entries:
        entry["text"] = question.context[entry.pop("begin") : entry.pop("finish")]
    if not entries or (len(entries) == 1 and entries[0]["text"] == ""):
        entries.insert(0, {"text": "empty", "start_logit": 0.0, "end_logit": 0.0})
    highest = max(map(score, entries))
    total = sum(math.exp(score(entry) - highest) for entry in entries)
    for entry in entries:
        entry["probability"] = math.exp(score(entry) - highest) / total
    return entries


def prediction(best: list[dict]) -> str:
    """The text of the first, but nothing where that is the placeholder for having no candidate."""
    first = best[0]
    is_placeholder = first["text"] == "empty" and first["start_logit"] == first["end_logit"] == 0.0
    return "" if is_placeholder else first["text"]


# Metrics of one prediction and one gold answer


def squad_words(text: str) -> list[str]:
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def korquad_words(text: str) -> list[str]:
    spaced = "".join(" " if character in "'\"《》<>〈〉()‘’" else character for character in text)
    return "".join(character for character in spaced.lower() if character not in string.punctuation).split()


def overlap_f1(prediction: list[str], gold: list[str]) -> float:
    common = sum((Counter(prediction) & Counter(gold)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(prediction), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def edit_distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for index, character in enumerate(left, 1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(right, 1):
            change = diagonal + (character != other)
            diagonal, row[column] = row[column], min(change, row[column] + 1, row[column - 1] + 1)
    return row[-1]


def metrics_of(prediction: str, golds: list[str]) -> dict[str, float]:
    squad, korquad = squad_words(prediction), korquad_words(prediction)
    characters = list("".join(korquad))
    return {
        "exact_match": 100.0 * max(squad == squad_words(gold) for gold in golds),
        "f1": 100.0 * max(overlap_f1(squad, squad_words(gold)) for gold in golds),
        "korquad_exact_match": 100.0 * max(korquad == korquad_words(gold) for gold in golds),
        "korquad_f1": 100.0 * max(overlap_f1(characters, list("".join(korquad_words(gold)))) for gold in golds),
        "edit_distance": float(min(edit_distance(prediction, gold) for gold in golds)),
    }


def metrics(questions: list[Question], predictions: dict[str, str]) -> dict[str, float]:
    """Means over the questions; a missing prediction counts 0, its edit distance is that of the empty text."""
    rows = []
    for question in questions:
        row = metrics_of(predictions.get(question.identifier, ""), question.answers)
        if question.identifier not in predictions:
            row = {name: value if name == "edit_distance" else 0.0 for name, value in row.items()}
        rows.append(row)
    return {name: math.fsum(row[name] for row in rows) / len(rows) for name in rows[0]}

"""Writes null thresholds that the SQuAD 2.0 script's functions, as transformers has them, find on random data.

    python3 calibration.py OUTPUT_FOLDER

No two odds are the same. The script takes the first of several equally good thresholds, this project the one
nearest to 0: all of them are written. A set: {"rows": [[odds, prediction, [gold, ...]], ...],
"exact": [best score, [threshold, ...]], "f1": [best score, [threshold, ...]]}.
"""

import json
import pathlib
import random
import sys
import types

import numpy as np
import transformers
from transformers.data.metrics import squad_metrics

TEXTS = ["서울", "서울 한강", "한강 다리", "대한민국 서울 한강", "두레", "두레 마을", "Seoul River", "the river"]


def shortest(value):
    return float(np.format_float_scientific(np.float32(value), unique=True))


def make_set(rng):
    rows, seen = [], set()
    shift = rng.choice([-3, 0, 0, 3])
    size = rng.choice([1, 5, 60])
    while len(rows) < size:
        has_answer = rng.random() < 0.6
        odds = shortest(rng.gauss(-2 if has_answer else 2, 2) + shift)
        if odds in seen or odds == 0:
            continue
        seen.add(odds)
        golds = rng.sample(TEXTS, rng.choice([1, 1, 2])) if has_answer else []
        right = has_answer and rng.random() < 0.7
        rows.append([odds, rng.choice(golds) if right else rng.choice(TEXTS), golds])
    return rows


def best(scores, predictions, odds, has_answer):
    percent, threshold = squad_metrics.find_best_thresh(predictions, scores, odds, has_answer)
    running = sum(not has for has in has_answer.values())
    nothing = running
    equals = []
    for key in sorted(odds, key=odds.get):
        running += scores[key] if has_answer[key] else (-1 if predictions[key] else 0)
        if abs(100.0 * running / len(scores) - percent) < 1e-9:
            equals.append(odds[key])
    if abs(100.0 * nothing / len(scores) - percent) < 1e-9:
        equals.insert(0, shortest(np.nextafter(np.float32(min(odds.values())), np.float32(-np.inf))))
        assert threshold == 0.0 or threshold in equals
    else:
        assert threshold in equals
    return [percent, equals]


def main():
    rng = random.Random(17)
    sets = []
    for _ in range(24):
        rows = make_set(rng)
        examples = [
            types.SimpleNamespace(qas_id=str(i), answers=[{"text": g} for g in golds])
            for i, (_, _, golds) in enumerate(rows)
        ]
        predictions = {str(i): prediction for i, (_, prediction, _) in enumerate(rows)}
        odds = {str(i): value for i, (value, _, _) in enumerate(rows)}
        has_answer = {str(i): bool(golds) for i, (_, _, golds) in enumerate(rows)}
        exact, f1 = squad_metrics.get_raw_scores(examples, predictions)
        found = [best(scores, predictions, odds, has_answer) for scores in (exact, f1)]
        sets.append({"rows": rows, "exact": found[0], "f1": found[1]})
    folder = pathlib.Path(sys.argv[1])
    text = json.dumps(sets, ensure_ascii=False, separators=(",", ":"))
    (folder / "calibration.json").write_text(text + "\n", encoding="utf-8")
    version = f"python {sys.version.split()[0]}\ntransformers {transformers.__version__}\nnumpy {np.__version__}\n"
    (folder / "calibration-versions.txt").write_text(version)


if __name__ == "__main__":
    main()

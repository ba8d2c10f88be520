"""Compares scores.json with what the evaluation scripts themselves say of its predictions.

    python3 check.py SQUAD_1.1_SCRIPT KORQUAD_1.0_SCRIPT

takes the evaluation scripts as their authors publish them, and the SQuAD 2.0 script's functions and edit
distances from the packages transformers and rapidfuzz. The scripts of SQuAD 1.1 and KorQuAD 1.0 ask for a gold
answer, which every row has.
"""

import importlib.util
import json
import pathlib
import sys
import types

from rapidfuzz.distance import Levenshtein
from transformers.data.metrics import squad_metrics


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_version1(script, text, golds):
    best = script.metric_max_over_ground_truths
    return [float(best(f, text, golds)) for f in (script.exact_match_score, script.f1_score)]


def of_version2(text, golds):
    example = types.SimpleNamespace(qas_id="q", answers=[{"text": gold} for gold in golds])
    return [float(scores["q"]) for scores in squad_metrics.get_raw_scores([example], {"q": text})]


def main():
    squad, korquad = load(sys.argv[1], "squad"), load(sys.argv[2], "korquad")
    rows = json.loads((pathlib.Path(__file__).parent / "scores.json").read_text(encoding="utf-8"))["rows"]
    wrong = 0
    for prediction, golds, *scores in rows:
        text = prediction or ""
        expected = of_version1(squad, text, golds) + of_version2(text, golds) + of_version1(korquad, text, golds)
        if prediction is None:
            # The scripts ask none of their functions, and add nothing.
            expected = [0.0] * len(expected)
        expected.append(min(Levenshtein.distance(text, gold) for gold in golds))
        if expected != scores:
            wrong += 1
            print("differs:", json.dumps([prediction, golds], ensure_ascii=False), scores, expected)
    print(f"{len(rows)} predictions, {wrong} differ")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()

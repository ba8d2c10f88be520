"""Compares answers with those that run_qa.py's postprocessing gives for the same logits.

    python3 compare.py DATASET FEATURES_JSONL LOGITS_JSONL OUTPUT_FOLDER [--version-2-with-negative] ...

FEATURES_JSONL is what `dure prepare --format jsonl` writes; LOGITS_JSONL has in the same order one line a
feature, {"start_logits": [...], "end_logits": [...]}; OUTPUT_FOLDER holds eval_predictions.json,
eval_nbest_predictions.json and, for version 2, eval_null_odds.json. Exits with 1 when anything differs;
probabilities may differ by rounding.
"""

import argparse
import collections
import json
import pathlib
import sys

import numpy as np

from generate import postprocess


def contexts_of(path):
    with open(path, encoding="utf-8-sig") as file:
        data = json.load(file)["data"]
    paragraphs = [paragraph for article in data for paragraph in article["paragraphs"]]
    return {entry["id"]: paragraph["context"] for paragraph in paragraphs for entry in paragraph["qas"]}


def windows_by_question(features, logits):
    windows = collections.defaultdict(list)
    with open(features, encoding="utf-8") as left, open(logits, encoding="utf-8") as right:
        for feature, values in zip(map(json.loads, left), map(json.loads, right)):
            inside = [k for k, o in enumerate(feature["offsets"]) if o is not None]
            arrays = [np.array(values[k], np.float32) for k in ("start_logits", "end_logits")]
            first = inside[0] if inside else 0
            row = [len(feature["input_ids"]), first, [feature["offsets"][k] for k in inside], *arrays]
            windows[feature["example_id"]].append(row)
    return windows


def same_candidates(found, expected):
    rows = [[c["text"], np.float32(c["start_logit"]), np.float32(c["end_logit"])] for c in found]
    wanted = [[t, np.float32(s), np.float32(e)] for t, _, _, s, e, _ in expected]
    if len(rows) != len(wanted):
        return False
    near = np.allclose([c["probability"] for c in found], [r[5] for r in expected], rtol=1e-5, atol=1e-12)
    return rows == wanted and near


def main():
    parser = argparse.ArgumentParser()
    for name in ["dataset", "features", "logits", "output"]:
        parser.add_argument(name)
    parser.add_argument("--version-2-with-negative", action="store_true")
    parser.add_argument("--null-score-diff-threshold", type=float, default=0.0)
    parser.add_argument("--n-best-size", type=int, default=20)
    parser.add_argument("--max-answer-length", type=int, default=30)
    options = parser.parse_args()
    folder = pathlib.Path(options.output)

    def load(name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    predictions, candidates = load("eval_predictions.json"), load("eval_nbest_predictions.json")
    odds = load("eval_null_odds.json") if options.version_2_with_negative else {}
    contexts = contexts_of(options.dataset)
    windows = windows_by_question(options.features, options.logits)
    wrong = [identity for identity in predictions if identity not in windows]
    for identity, rows in windows.items():
        text, null, best = postprocess(
            contexts[identity], rows, n=options.n_best_size, length=options.max_answer_length,
            version2=options.version_2_with_negative, threshold=np.float32(options.null_score_diff_threshold))
        # The reference's word for having no candidate is no answer.
        if text == "empty" and best[0][:3] == ["empty", 0, 0]:
            text = ""
        same = predictions.get(identity) == text and same_candidates(candidates.get(identity, []), best)
        if null is not None:
            same = same and np.float32(odds.get(identity, np.nan)) == np.float32(null)
        if not same:
            wrong.append(identity)
    print(f"{len(windows)} questions compared, {len(wrong)} differ", *wrong[:10])
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

"""Compares features written by `dure prepare --format jsonl` with run_qa.py's preparation.

    python3 compare.py DATASET TOKENIZER_FOLDER FEATURES_JSONL [--max-seq-length 384] [--doc-stride 128]

TOKENIZER_FOLDER holds a fast tokenizer. Compares ids, token types, offsets, positions and the number of
windows of every question, window by window; exits with 1 when anything differs.
"""

import argparse
import json
import sys

import transformers

from generate import windows_of


def examples_of(path):
    with open(path, encoding="utf-8-sig") as file:
        data = json.load(file)["data"]
    for article in data:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                first = (entry.get("answers") or [None])[0]
                answer = (first["text"], first["answer_start"]) if first else None
                yield entry["id"], entry["question"], paragraph["context"], answer


def expected_features(tokenizer, dataset, max_length, stride):
    for identity, question, context, answer in examples_of(dataset):
        offsets_of = [
            [o if owner == 1 else None for o, owner in zip(offsets, owners)]
            for offsets, owners in window_offsets(tokenizer, question, context, max_length, stride)
        ]
        rows = windows_of(tokenizer, question, context, answer, max_length, stride)
        for window, ((ids, zeros, _, _, start, end), offsets) in enumerate(zip(rows, offsets_of)):
            feature = {
                "example_id": identity,
                "window": window,
                "input_ids": ids,
                "token_type_ids": [0] * zeros + [1] * (len(ids) - zeros),
                "offsets": [list(o) if o else None for o in offsets],
            }
            if answer:
                feature.update(start_position=start, end_position=end)
            yield feature


def window_offsets(tokenizer, question, context, max_length, stride):
    encoded = tokenizer(
        question.lstrip(),
        context,
        truncation="only_second",
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    return [(offsets, encoded.sequence_ids(i)) for i, offsets in enumerate(encoded["offset_mapping"])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset")
    parser.add_argument("tokenizer")
    parser.add_argument("features")
    parser.add_argument("--max-seq-length", type=int, default=384)
    parser.add_argument("--doc-stride", type=int, default=128)
    options = parser.parse_args()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.tokenizer, use_fast=True)
    expected = expected_features(tokenizer, options.dataset, options.max_seq_length, options.doc_stride)
    count = differences = 0
    with open(options.features, encoding="utf-8") as file:
        found = (json.loads(line) for line in file)
        while True:
            left, right = next(found, None), next(expected, None)
            if left is None and right is None:
                break
            count += 1
            keys = [] if left is None or right is None else [k for k in right if left.get(k) != right[k]]
            if left is None or right is None or keys:
                differences += 1
                if differences <= 10:
                    print("differs:", (right or left)["example_id"], (right or left)["window"], keys)
            if left is None or right is None:
                print("one side ends early")
                break
    print(f"{count} features compared, {differences} differ")
    sys.exit(differences > 0)


if __name__ == "__main__":
    main()

"""Writes features with the context before the question, in one window, as the KcBERT tutorial makes them.

    python3 single_window.py OUTPUT_FOLDER

The fast tokenizer cuts the context ("only_first") and frames both texts; where the answer is, is told by its
offsets here. Tokens of every text are written too, so that a test needs no tokenizer of its own.
"""

import json
import pathlib
import random
import sys

import tokenizers
import transformers

from generate import encode, make_question, make_tokenizer, sentence


def window_of(tokenizer, question, context, answer, max_length):
    encoded = tokenizer(
        context,
        question.lstrip(),
        truncation="only_first",
        max_length=max_length,
        return_offsets_mapping=True,
        return_token_type_ids=True,
        padding=False,
    )
    inside = [k for k, owner in enumerate(encoded.sequence_ids(0)) if owner == 0]
    offsets = encoded["offset_mapping"]
    start = end = 0
    if answer and inside:
        lower, upper = answer[1], answer[1] + len(answer[0])
        if offsets[inside[0]][0] <= lower and offsets[inside[-1]][1] >= upper:
            start = max(k for k in inside if offsets[k][0] <= lower)
            end = min(k for k in inside if offsets[k][1] >= upper)
    zeros = encoded["token_type_ids"].count(0)
    assert encoded["token_type_ids"] == [0] * zeros + [1] * (len(encoded["input_ids"]) - zeros)
    return [encoded["input_ids"], zeros, inside[0], len(inside), start, end]


def main():
    rng = random.Random(11)
    tokenizer = make_tokenizer()
    lengths = [32, 48, 300]
    examples, expected, texts = [], {str(length): [] for length in lengths}, {}
    for _ in range(30):
        context = "".join(sentence(rng) for _ in range(rng.randint(1, 6)))
        question, answer = make_question(rng, context)
        texts[context] = encode(tokenizer, context)
        texts[question.lstrip()] = encode(tokenizer, question.lstrip())
        examples.append([context, question, list(answer) if answer else None])
        for length in lengths:
            expected[str(length)].append(window_of(tokenizer, question, context, answer, length))
    result = {
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "special": [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id],
        "tokens": texts,
        "examples": examples,
        "features": expected,
    }
    path = pathlib.Path(sys.argv[1]) / "single_window.json"
    path.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

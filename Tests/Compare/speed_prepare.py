"""Makes what both sides of a speed comparison work on: random models, datasets, their features and texts."""

import argparse
import json
from pathlib import Path

import reference
from datasets_and_features import (
    Feature,
    Question,
    keep,
    placed_answer,
    questions_of,
    read_dataset,
    training_features,
    write_dataset,
)

BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
SMALL = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
TINY = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 12, "intermediate_size": 96}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--vocab", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--max-seq-length", type=int, required=True)
    parser.add_argument("--doc-stride", type=int, required=True)
    parser.add_argument("--training-features", type=int, required=True)
    parser.add_argument("--evaluation-features", type=int, required=True)
    parser.add_argument("--warmup-features", type=int, required=True)
    parser.add_argument("--long-features", type=int, required=True)
    parser.add_argument("--tiny", action="store_true")
    return parser.parse_args()


def spread(questions: list[Question], count: int) -> list[Question]:
    """As many questions as that from all over the dataset, for lengths as mixed as in shuffled training."""
    count = min(count, len(questions))
    return [questions[index * len(questions) // count] for index in range(count)]


def record(feature: Feature) -> dict:
    return {
        "ids": feature.input_ids,
        "types": feature.token_type_ids,
        "start": feature.start,
        "end": feature.end,
    }


def write(dataset: dict, questions: list[Question], tokenizer, length: int, stride: int, path: Path) -> list[int]:
    """The questions as a dataset, and their features in its order; returns the features' lengths."""
    chosen = {question.identifier for question in questions}
    part = keep(dataset, chosen.__contains__)
    write_dataset(path.with_suffix(".json"), part)
    features = training_features(tokenizer, questions_of(part), length, stride)
    path.with_suffix(".features.json").write_text(json.dumps([record(feature) for feature in features]))
    return [len(feature.input_ids) for feature in features]


def main() -> None:
    options = arguments()
    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    for name, sizes in (("base", BASE), ("small", SMALL)):
        sizes = TINY if options.tiny else sizes
        configuration = reference.small_configuration(options.vocab, max_position_embeddings=512, **sizes)
        reference.write_model_folder(folder / name, options.vocab, configuration, seed=1)
    tokenizer = reference.tokenizer_of(folder / "base")
    dataset = read_dataset(options.dataset)
    # Both sides leave out questions whose answer is misplaced; here they would only upset the counting.
    questions = [question for question in questions_of(dataset) if placed_answer(question) is not None]
    length, stride, warmup = options.max_seq_length, options.doc_stride, options.warmup_features

    training = spread(questions, options.training_features)
    evaluation = spread(questions, warmup + options.evaluation_features)
    longest = sorted(questions, key=lambda question: -len(question.context))[: options.long_features]
    lengths = {
        "training": write(dataset, training, tokenizer, length, stride, folder / "training"),
        "evaluation": write(dataset, evaluation, tokenizer, length, stride, folder / "evaluation"),
        "warmup": write(dataset, evaluation[:warmup], tokenizer, length, stride, folder / "warmup"),
        "long": write(dataset, longest, tokenizer, 512, stride, folder / "long"),
    }
    contexts = dict.fromkeys(question.context for question in questions)
    texts = [*contexts, *(question.text for question in questions)]
    # A text is a line, on both sides.
    lines = [" ".join(text.splitlines()) for text in texts]
    (folder / "texts.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "lengths.json").write_text(json.dumps(lengths))


if __name__ == "__main__":
    main()

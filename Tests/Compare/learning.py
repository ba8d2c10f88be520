"""Shows that training learns: a small random model comes to know 64 features by heart, and on the larger
part of a dataset its loss on articles it never saw falls below that of the untrained model."""

import argparse
import json
import random
import shlex
import sys
from pathlib import Path

import programs
import reference
from datasets_and_features import keep, questions_of, read_dataset, training_features, write_dataset


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased model")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--ranks", type=int, default=0, help="under mpirun on this many ranks; 0 without mpirun")
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--memory-steps", type=int, default=400)
    parser.add_argument("--memory-learning-rate", type=float, default=1e-3)
    parser.add_argument("--memory-limit", type=float, default=0.05)
    parser.add_argument("--steps", type=int, default=300, help="on the larger part of the dataset")
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--validation-questions", type=int, default=400, help="of the held-out articles")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-seq-length", type=int, default=256)
    parser.add_argument("--doc-stride", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def dure(options: argparse.Namespace, command: str, settings: dict, parallel: bool = True) -> str:
    words = [*shlex.split(options.dure), command, *programs.flags(settings)]
    return programs.run(programs.mpirun(options.ranks, words) if parallel and options.ranks else words)


def lengths(options: argparse.Namespace) -> dict:
    return {"max_seq_length": options.max_seq_length, "doc_stride": options.doc_stride}


def random_folder(options: argparse.Namespace) -> Path:
    configuration = reference.small_configuration(
        options.vocab,
        hidden_size=options.hidden,
        intermediate_size=4 * options.hidden,
        num_hidden_layers=options.layers,
        max_position_embeddings=max(300, options.max_seq_length),
    )
    path = options.workdir / "config.json"
    path.write_text(json.dumps(configuration, indent=2) + "\n")
    folder = programs.fresh(options.workdir / "model")
    dure(
        options,
        "init",
        {"config": path, "vocab": options.vocab, "output": folder, "seed": options.seed},
        parallel=False,
    )
    return folder


def split_by_article(dataset: dict, seed: int) -> tuple[dict, dict]:
    articles = list(range(len(dataset["data"])))
    random.Random(seed).shuffle(articles)
    held_out = set(articles[: max(1, len(articles) // 5)])
    parts = [
        dict(dataset, data=[article for index, article in enumerate(dataset["data"]) if (index in held_out) == flag])
        for flag in (False, True)
    ]
    print(
        f"{len(articles) - len(held_out)} articles, {len(questions_of(parts[0]))} questions to train on; "
        f"{len(held_out)} articles, {len(questions_of(parts[1]))} questions held out"
    )
    return parts[0], parts[1]


def some_questions(dataset: dict, count: int, seed: int) -> dict:
    identifiers = [question.identifier for question in questions_of(dataset)]
    chosen = set(random.Random(seed).sample(identifiers, min(count, len(identifiers))))
    return keep(dataset, chosen.__contains__)


def single_windows(options: argparse.Namespace, dataset: dict, folder: Path) -> dict:
    """As many questions as features are wanted, each with a single window, which holds its answer."""
    tokenizer = reference.tokenizer_of(folder)
    questions = questions_of(dataset)
    random.Random(options.seed).shuffle(questions)
    chosen = set()
    for question in questions:
        features = training_features(tokenizer, [question], options.max_seq_length, options.doc_stride)
        if len(features) == 1 and features[0].start > 0:
            chosen.add(question.identifier)
        if len(chosen) == options.features:
            return keep(dataset, chosen.__contains__)
    sys.exit(f"FAILED: the dataset has only {len(chosen)} questions with a single window")


def learn_by_heart(checks: programs.Checks, options: argparse.Namespace, folder: Path, dataset: dict) -> None:
    train = write_dataset(options.workdir / "memory.json", single_windows(options, dataset, folder))
    output = programs.fresh(options.workdir / "memory")
    dure(
        options,
        "train",
        {
            "model": folder,
            "train_file": train,
            "output_dir": output,
            "max_steps": options.memory_steps,
            "batch_size": options.batch_size,
            "learning_rate": options.memory_learning_rate,
            "warmup_steps": 40,
            "hidden_dropout_prob": 0,
            "attention_dropout_prob": 0,
            "logging_steps": 1,
            "eval_strategy": "no",
            "save_strategy": "no",
            "seed": options.seed,
            **lengths(options),
        },
    )
    losses = programs.step_losses(output, options.memory_steps)
    epoch = -(-options.features // options.batch_size)
    print(
        "  loss at every tenth of the run:",
        " ".join(f"{losses[step]:.3f}" for step in range(0, len(losses), max(1, len(losses) // 10))),
    )
    final = sum(losses[-epoch:]) / epoch
    checks.expect(
        final < options.memory_limit,
        f"training loss on {options.features} features from {losses[0]:.3f} to "
        f"{final:.4f} over the last epoch, limit {options.memory_limit}",
    )


def learn_the_task(
    checks: programs.Checks, options: argparse.Namespace, folder: Path, train: dict, validation: dict
) -> None:
    train_path = write_dataset(options.workdir / "train.json", train)
    held_out = some_questions(validation, options.validation_questions, options.seed)
    validation_path = write_dataset(options.workdir / "validation.json", held_out)

    def evaluated(model: Path, name: str) -> dict:
        output = programs.fresh(options.workdir / name)
        dure(
            options, "evaluate", {"model": model, "dataset": validation_path, "output_dir": output, **lengths(options)}
        )
        return programs.read_json(output / "eval_results.json")

    before = evaluated(folder, "evaluate-before")
    output = programs.fresh(options.workdir / "training")
    dure(
        options,
        "train",
        {
            "model": folder,
            "train_file": train_path,
            "validation_file": validation_path,
            "output_dir": output,
            "max_steps": options.steps,
            "batch_size": options.batch_size,
            "learning_rate": options.learning_rate,
            "warmup_steps": options.steps // 10,
            "weight_decay": 0.01,
            "logging_steps": 10,
            "eval_strategy": "steps",
            "eval_steps": max(1, options.steps // 5),
            "save_strategy": "no",
            "seed": options.seed,
            **lengths(options),
        },
    )
    evaluations = programs.read_events(output, "eval")
    for entry in [{"step": 0} | before, *evaluations]:
        print(
            f"  step {entry['step']:5}: loss {entry['loss']:.4f}, korquad_f1 {entry['korquad_f1']:.2f}, "
            f"korquad_exact_match {entry['korquad_exact_match']:.2f}, edit_distance {entry['edit_distance']:.2f}"
        )
    after = evaluated(output / "final.h5", "evaluate-after")
    checks.expect(
        after["loss"] < before["loss"],
        f"loss on articles never seen {before['loss']:.4f} untrained, "
        f"{after['loss']:.4f} after {options.steps} steps",
    )
    during = [entry["loss"] for entry in evaluations if entry["step"] == options.steps]
    checks.expect(
        bool(during) and programs.relative(during[-1], after["loss"]) < 1e-5,
        f"evaluation during training at the last step {during} agrees with dure evaluate",
    )


def main() -> int:
    options = arguments()
    options.workdir.mkdir(parents=True, exist_ok=True)
    folder = random_folder(options)
    train, validation = split_by_article(read_dataset(options.dataset), options.seed)
    checks = programs.Checks()
    learn_by_heart(checks, options, folder, train)
    learn_the_task(checks, options, folder, train, validation)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

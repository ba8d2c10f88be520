"""Trains one command on 1, 2, 3, 4 ranks with dropout on and compares the losses; then evaluates on each
and compares the files of predictions byte for byte."""

import argparse
import shlex
import sys
from pathlib import Path

import programs
import reference
from datasets_and_features import first_questions, questions_of, read_dataset, training_features, write_dataset

PREDICTIONS = ["eval_predictions.json", "eval_nbest_predictions.json"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased model")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--ranks", default="0,1,2,3,4", help="the first is the reference; 0 is without mpirun")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--evaluation-questions", type=int, default=150)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--max-seq-length", type=int, default=160)
    parser.add_argument("--doc-stride", type=int, default=48)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--limit", type=float, default=1e-5)
    return parser.parse_args()


def small_last_batch(options: argparse.Namespace, dataset: dict, folder: Path) -> dict:
    """As many questions as asked for or a few more, so that an epoch's last batch leaves ranks without work."""
    tokenizer = reference.tokenizer_of(folder)
    total = len(questions_of(dataset))
    for count in range(min(options.questions, total), total + 1):
        part = first_questions(dataset, count)
        features = training_features(tokenizer, questions_of(part), options.max_seq_length, options.doc_stride)
        if len(features) % options.batch_size in (1, 2):
            break
    print(f"{count} questions, {len(features)} features, {len(features) % options.batch_size} in an epoch's last batch")
    return part


def on_ranks(options: argparse.Namespace, ranks: int, command: str, settings: dict) -> None:
    words = [*shlex.split(options.dure), command, *programs.flags(settings | {"threads": options.threads})]
    programs.run(programs.mpirun(ranks, words) if ranks else words)


def compare_losses(
    checks: programs.Checks, options: argparse.Namespace, ranks: list[int], model: Path, train: Path
) -> None:
    reference_losses = None
    for count in ranks:
        output = programs.fresh(options.workdir / f"train-{count}")
        settings = {
            "model": model,
            "train_file": train,
            "output_dir": output,
            "max_steps": options.steps,
            "batch_size": options.batch_size,
            "learning_rate": options.learning_rate,
            "warmup_steps": 10,
            "weight_decay": 0.01,
            "max_seq_length": options.max_seq_length,
            "doc_stride": options.doc_stride,
            "hidden_dropout_prob": options.dropout,
            "attention_dropout_prob": options.dropout,
            "seed": options.seed,
            "logging_steps": 1,
            "eval_strategy": "no",
            "save_strategy": "no",
        }
        on_ranks(options, count, "train", settings)
        losses = programs.step_losses(output, options.steps)
        if reference_losses is None:
            reference_losses = losses
            print(f"loss {losses[0]:.4f} → {losses[-1]:.4f}")
            continue
        differences = [programs.relative(*pair) for pair in zip(losses, reference_losses)]
        worst = max(differences)
        same = sum(difference == 0 for difference in differences)
        what = (
            f"losses on {count} ranks against {ranks[0]}: largest relative difference {worst:.2e} at step "
            f"{differences.index(worst) + 1}, {same} of {options.steps} the same number; limit {options.limit:.0e}"
        )
        checks.expect(worst < options.limit, what)


def compare_predictions(checks: programs.Checks, options: argparse.Namespace, ranks: list[int], dataset: Path) -> None:
    checkpoint = options.workdir / f"train-{ranks[0]}" / "final.h5"
    expected = None
    for count in ranks:
        output = programs.fresh(options.workdir / f"evaluate-{count}")
        settings = {
            "model": checkpoint,
            "dataset": dataset,
            "output_dir": output,
            "max_seq_length": options.max_seq_length,
            "doc_stride": options.doc_stride,
        }
        on_ranks(options, count, "evaluate", settings)
        contents = {name: (output / name).read_bytes() for name in PREDICTIONS}
        if expected is None:
            expected = contents
            found = len(programs.read_json(output / PREDICTIONS[0]))
            checks.expect(found == options.evaluation_questions, f"{found} questions have a prediction")
            continue
        for name in PREDICTIONS:
            same = contents[name] == expected[name]
            checks.expect(same, f"{name} on {count} ranks {'equal' if same else 'differs from that'} on {ranks[0]}")


def main() -> int:
    options = arguments()
    ranks = [int(word) for word in options.ranks.split(",")]
    options.workdir.mkdir(parents=True, exist_ok=True)
    dataset = read_dataset(options.dataset)
    configuration = reference.small_configuration(options.vocab, hidden_size=64, intermediate_size=256)
    model = reference.write_model_folder(options.workdir / "model", options.vocab, configuration, options.seed)
    train = write_dataset(options.workdir / "train.json", small_last_batch(options, dataset, model))
    options.evaluation_questions = min(options.evaluation_questions, len(questions_of(dataset)))
    evaluation = first_questions(dataset, options.evaluation_questions)
    evaluation_path = write_dataset(options.workdir / "evaluation.json", evaluation)
    checks = programs.Checks()
    compare_losses(checks, options, ranks, model, train)
    compare_predictions(checks, options, ranks, evaluation_path)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

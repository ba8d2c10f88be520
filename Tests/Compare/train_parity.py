"""Trains the same random model with dure and with PyTorch, dropout 0 and the same order of features, and
compares the loss of every step and the final weights."""

import argparse
import shlex
import sys
from pathlib import Path

import numpy
import torch

import programs
import reference
from datasets_and_features import first_questions, questions_of, read_dataset, training_features, write_dataset


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure", help="the program, with a launcher before it if one is needed")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased model")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--ranks", type=int, default=0, help="under mpirun on this many ranks; 0 without mpirun")
    parser.add_argument("--questions", type=int, default=120, help="few enough that the steps pass an epoch's end")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--warmup-steps", type=int, default=5)
    parser.add_argument("--max-seq-length", type=int, default=192)
    parser.add_argument("--doc-stride", type=int, default=64)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--activation", choices=["gelu", "gelu_new", "relu"], default="gelu")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--double", action="store_true", help="PyTorch in float64")
    parser.add_argument("--torch-threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=1e-4, help="relative difference of a step's loss")
    return parser.parse_args()


def train_with_dure(options: argparse.Namespace, model: Path, dataset: Path, output: Path) -> None:
    settings = {
        "model": model,
        "train_file": dataset,
        "output_dir": output,
        "no_shuffle": True,
        "hidden_dropout_prob": 0,
        "attention_dropout_prob": 0,
        "max_steps": options.steps,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "weight_decay": options.weight_decay,
        "warmup_steps": options.warmup_steps,
        "max_seq_length": options.max_seq_length,
        "doc_stride": options.doc_stride,
        "logging_steps": 1,
        "eval_strategy": "no",
        "save_strategy": "no",
    }
    command = [*shlex.split(options.dure), "train", *programs.flags(settings)]
    programs.run(programs.mpirun(options.ranks, command) if options.ranks else command)


def train_with_torch(options: argparse.Namespace, folder: Path, dataset: dict):
    tokenizer = reference.tokenizer_of(folder)
    features = training_features(tokenizer, questions_of(dataset), options.max_seq_length, options.doc_stride)
    without = sum(feature.start == 0 for feature in features)
    epoch = -(-len(features) // options.batch_size)
    print(
        f"{len(features)} features, {without} without their answer; {epoch} steps an epoch, the last of "
        f"{len(features) % options.batch_size or options.batch_size} features"
    )
    model = reference.without_dropout(reference.load(folder, dtype=torch.float64 if options.double else torch.float32))
    steps = reference.train(
        model,
        features,
        options.steps,
        options.batch_size,
        options.learning_rate,
        options.warmup_steps,
        options.weight_decay,
    )
    return list(steps), {name: value.detach().double().numpy() for name, value in model.named_parameters()}


def compare_steps(checks: programs.Checks, options: argparse.Namespace, output: Path, expected: list) -> None:
    losses = programs.step_losses(output, options.steps)
    entries = programs.read_events(output, "train")
    print(f"{'step':>5} {'dure':>12} {'torch':>12} {'relative':>10} {'grad norm':>10} {'rate':>10}")
    differences, norms, rates = [], [], []
    for step, (loss, entry, (expected_loss, norm, rate)) in enumerate(zip(losses, entries, expected), 1):
        differences.append(programs.relative(loss, expected_loss))
        norms.append(programs.relative(entry["grad_norm"], norm))
        rates.append(abs(entry["learning_rate"] - rate) / options.learning_rate)
        print(
            f"{step:5} {loss:12.7f} {expected_loss:12.7f} {differences[-1]:10.2e} {norms[-1]:10.2e} {rates[-1]:10.2e}"
        )
    print(
        f"loss {expected[0][0]:.4f} → {expected[-1][0]:.4f}; gradient norms differ by at most {max(norms):.2e}, "
        f"learning rates by {max(rates):.2e} of the peak"
    )
    worst = max(differences)
    checks.expect(
        worst < options.limit, f"largest relative difference of a loss {worst:.2e}, limit {options.limit:.0e}"
    )


def compare_weights(
    checks: programs.Checks, options: argparse.Namespace, folder: Path, output: Path, expected: dict
) -> None:
    """‖dure − torch‖ over ‖torch‖, and over the distance that training moved the weights."""
    found = reference.read_checkpoint(output / "final.h5")
    initial = {name: value.detach().double().numpy() for name, value in reference.load(folder).named_parameters()}
    checks.expect(found.keys() == expected.keys(), f"final.h5 has the {len(expected)} parameters of the model")
    shared = [name for name in expected if name in found and found[name].shape == expected[name].shape]
    checks.expect(len(shared) == len(expected), f"{len(shared)} of them in the right shape")
    rows = []
    for name in shared:
        error = numpy.linalg.norm(found[name] - expected[name])
        rows.append((name, error, numpy.linalg.norm(expected[name]), numpy.linalg.norm(expected[name] - initial[name])))
    free = [row for row in rows if reference.moved_by_rounding_only(row[0], options.layers)]
    rows = [row for row in rows if row not in free]
    error, norm, movement = (numpy.linalg.norm([row[column] for row in rows]) for column in (1, 2, 3))
    name, *worst = max(rows, key=lambda row: row[1] / row[3])
    print(
        f"weights: difference / norm {error / norm:.2e}, difference / movement {error / movement:.2e}, "
        f"the most in {name} with {worst[0] / worst[2]:.2e}"
    )
    print(
        f"  apart from {len(free)} biases that no loss depends on, which move by rounding: at most "
        f"{max(row[1] for row in free):.2e}"
    )


def main() -> int:
    options = arguments()
    torch.set_num_threads(options.torch_threads)
    options.workdir.mkdir(parents=True, exist_ok=True)
    dataset = first_questions(read_dataset(options.dataset), options.questions)
    dataset_path = write_dataset(options.workdir / "train.json", dataset)
    configuration = reference.small_configuration(
        options.vocab,
        num_hidden_layers=options.layers,
        hidden_size=options.hidden,
        intermediate_size=4 * options.hidden,
        hidden_act=options.activation,
    )
    folder = reference.write_model_folder(options.workdir / "model", options.vocab, configuration, options.seed)
    output = programs.fresh(options.workdir / "dure")
    train_with_dure(options, folder, dataset_path, output)
    expected, weights = train_with_torch(options, folder, dataset)
    checks = programs.Checks()
    compare_steps(checks, options, output, expected)
    compare_weights(checks, options, folder, output, weights)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

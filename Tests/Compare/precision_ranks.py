"""Trains one command in bf16, with dropout, on 1, 2 and 4 ranks and compares the losses; then goes on from the
checkpoint in the middle of such a run and compares what is left behind with the run that never stopped, bit by bit."""

import argparse
import sys
from pathlib import Path

import h5py
import numpy

import programs
import rank_parity
import reference
from datasets_and_features import read_dataset, write_dataset


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased model")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--ranks", default="1,2,4", help="the first is the reference")
    parser.add_argument("--resume-ranks", default="1,2", help="numbers of ranks that stop and go on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--max-seq-length", type=int, default=160)
    parser.add_argument("--doc-stride", type=int, default=48)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=11)
    # A value of bf16 is off by up to 2^-9 of itself. Ranks change the order of sums, and so which of the values near
    # the middle of two go up or down: that moves a loss by a part of what one rounding does. The mean over the steps
    # may not pass half a unit in the last place, and no step 1 %, five of them.
    parser.add_argument("--limit", type=float, default=1e-2, help="relative difference of any step's loss")
    parser.add_argument("--mean-limit", type=float, default=2.0**-9, help="its mean over the steps")
    return parser.parse_args()


def train(
    options: argparse.Namespace, inputs: dict, name: str, ranks: int, precision: str, resume: Path | None = None
) -> Path:
    output = programs.fresh(options.workdir / name)
    settings = inputs | {
        "output_dir": output,
        "max_steps": options.steps,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "warmup_steps": options.steps // 10,
        "weight_decay": 0.01,
        "max_seq_length": options.max_seq_length,
        "doc_stride": options.doc_stride,
        "hidden_dropout_prob": options.dropout,
        "attention_dropout_prob": options.dropout,
        "seed": options.seed,
        "logging_steps": 1,
        "eval_strategy": "no",
        "save_strategy": "steps",
        "save_steps": options.steps // 2,
        "resume": resume,
    }
    rank_parity.on_ranks(options, ranks, "train", settings | programs.precision(precision))
    return output


# MARK: Ranks


def differences(losses: list[float], expected: list[float]) -> list[float]:
    return [programs.relative(*pair) for pair in zip(losses, expected)]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def compare_ranks(
    checks: programs.Checks, options: argparse.Namespace, outputs: dict[int, Path], single: list[float]
) -> None:
    losses = {count: programs.step_losses(output, options.steps) for count, output in outputs.items()}
    first, *others = losses
    print(f"loss {losses[first][0]:.4f} → {losses[first][-1]:.4f}")
    rounding = differences(losses[first], single)
    print(
        f"  fp32 on as many ranks is {mean(rounding):.2e} away in the mean, {max(rounding):.2e} at most, "
        f"{rounding[0]:.2e} at the first step"
    )
    if options.precision != "fp32":
        checks.expect(max(rounding) > 0, f"{options.precision} gives other losses than fp32")
    for count in others:
        found = differences(losses[count], losses[first])
        same = sum(value == 0 for value in found)
        worst = max(found)
        checks.expect(
            worst < options.limit and mean(found) < options.mean_limit,
            f"losses on {count} ranks against {first}: relative difference {mean(found):.2e} in the mean, {worst:.2e} "
            f"at most, in step {found.index(worst) + 1}, {same} of {options.steps} the same number; "
            f"limits {options.mean_limit:.1e} and {options.limit:.0e}",
        )


# MARK: Resuming


def tensors(path: Path) -> dict[str, numpy.ndarray]:
    found: dict[str, numpy.ndarray] = {}

    def visit(name: str, entry) -> None:
        if isinstance(entry, h5py.Dataset) and name.split("/")[0] in ("model", "optimizer"):
            found[name] = entry[()]

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def compare_files(checks: programs.Checks, path: Path, expected: Path, what: str) -> None:
    ours, theirs = tensors(path), tensors(expected)
    same = sum(name in ours and ours[name].tobytes() == values.tobytes() for name, values in theirs.items())
    checks.expect(
        ours.keys() == theirs.keys() and 0 < len(theirs) == same,
        f"{what}: {same} of {len(theirs)} tensors of {path.name} have the same bits",
    )


def compare_resumed(
    checks: programs.Checks, options: argparse.Namespace, inputs: dict, ranks: int, whole: Path
) -> None:
    """The checkpoint in the middle of `whole`, given to a new run in another folder."""
    middle = options.steps // 2
    checkpoint = whole / "checkpoints" / f"step-{middle:08}.h5"
    output = train(options, inputs, f"resumed-{ranks}", ranks, options.precision, checkpoint)
    losses = [entry["loss"] for entry in programs.read_events(output, "train")]
    expected = programs.step_losses(whole, options.steps)[middle:]
    what = f"resumed on {ranks} ranks"
    checks.expect(losses == expected, f"{what}: the losses of steps {middle + 1} to {options.steps} are the same")
    compare_files(checks, output / "final.h5", whole / "final.h5", what)
    last = Path("checkpoints") / f"step-{options.steps:08}.h5"
    compare_files(checks, output / last, whole / last, what)


def main() -> int:
    options = arguments()
    ranks = [int(word) for word in options.ranks.split(",")]
    resumed = [int(word) for word in options.resume_ranks.split(",")]
    if options.steps % 2 or not set(resumed) <= set(ranks):
        sys.exit("FAILED: an even number of steps is needed, and of --resume-ranks those among --ranks")
    options.workdir.mkdir(parents=True, exist_ok=True)
    configuration = reference.small_configuration(
        options.vocab,
        hidden_size=options.hidden,
        intermediate_size=4 * options.hidden,
        num_hidden_layers=options.layers,
    )
    model = reference.write_model_folder(options.workdir / "model", options.vocab, configuration, options.seed)
    dataset = rank_parity.small_last_batch(options, read_dataset(options.dataset), model)
    inputs = {"model": model, "train_file": write_dataset(options.workdir / "train.json", dataset)}
    checks = programs.Checks()
    outputs = {count: train(options, inputs, f"train-{count}", count, options.precision) for count in ranks}
    single = train(options, inputs, "train-fp32", ranks[0], "fp32")
    compare_ranks(checks, options, outputs, programs.step_losses(single, options.steps))
    for count in resumed:
        compare_resumed(checks, options, inputs, count, outputs[count])
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

"""Gradients of a random BERT, dropout 0: how far those in bf16 of dure and of PyTorch's autocast are from those of
PyTorch in fp32. dure's must not be farther, over all tensors together.

dure gives no gradients out. After a first step with beta1 = 0 and without clipping, Adam's first moments are the
gradients, bit by bit, and the checkpoint of that step holds them.
"""

import argparse
import json
import re
import shlex
import sys
from pathlib import Path

import h5py
import numpy
import torch

import programs
import reference
from datasets_and_features import (
    Feature,
    keep,
    placed_answer,
    questions_of,
    read_dataset,
    training_features,
    write_dataset,
)

OVERALL = "all tensors"
AUTOCAST, BRAIN, SINGLE = "torch bf16", "dure bf16", "dure fp32"

Gradients = dict[str, numpy.ndarray]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure", help="the program, with a launcher before it if one is needed")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased model")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--seeds", default="1,2,3", help="of the random weights; a model for each")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--features", type=int, default=8)
    parser.add_argument("--max-seq-length", type=int, default=384)
    parser.add_argument("--doc-stride", type=int, default=128)
    parser.add_argument("--initializer-range", type=float, default=0.02)
    parser.add_argument("--double", action="store_true", help="the reference in float64")
    parser.add_argument("--torch-threads", type=int, default=2)
    parser.add_argument("--single-limit", type=float, default=1e-4, help="of dure's fp32, which proves the method")
    parser.add_argument("--all", action="store_true", help="print every tensor, not only every kind")
    return parser.parse_args()


# MARK: Gradients


def torch_gradients(folder: Path, features: list[Feature], brain: bool = False, double: bool = False) -> Gradients:
    """Padded and masked as in training; dropout 0."""
    dtype = torch.float64 if double else torch.float32
    model = reference.without_dropout(reference.load(folder, dtype=dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=brain):
        loss = reference.batch_loss(model, features).mean()
    loss.backward()
    print(f"  torch {'bf16' if brain else dtype}: loss {loss.item():.6f}", flush=True)
    return {name: value.grad.numpy() for name, value in model.named_parameters()}


def dure_gradients(options: argparse.Namespace, folder: Path, dataset: Path, precision: str) -> Gradients:
    output = programs.fresh(options.workdir / f"dure-{precision}")
    settings = {
        "model": folder,
        "train_file": dataset,
        "output_dir": output,
        "no_shuffle": True,
        "hidden_dropout_prob": 0,
        "attention_dropout_prob": 0,
        "max_steps": 1,
        "batch_size": options.features,
        "adam_beta1": 0,
        "max_grad_norm": 0,
        "max_seq_length": options.max_seq_length,
        "doc_stride": options.doc_stride,
        "logging_steps": 1,
        "eval_strategy": "no",
        "save_strategy": "steps",
        "save_steps": 1,
    }
    command = [*shlex.split(options.dure), "train", *programs.flags(settings | programs.precision(precision))]
    programs.run(command, quiet=True)
    print(f"  dure {precision}: loss {programs.step_losses(output, 1)[0]:.6f}", flush=True)
    with h5py.File(output / "checkpoints" / "step-00000001.h5") as file:
        gradients = {name: values[()] for name, values in file["optimizer/exp_avg"].items()}
    # A model's checkpoint is more than a gigabyte.
    programs.fresh(output)
    return gradients


# MARK: Comparison


def kind_of(name: str) -> str:
    return re.sub(r"\.\d+\.", ".*.", name).removeprefix("bert.")


def squares(found: Gradients, expected: Gradients) -> dict[str, tuple[float, float]]:
    """‖found − expected‖² and ‖expected‖² of each tensor."""
    if found.keys() != expected.keys():
        sys.exit(f"FAILED: other tensors than the model's: {sorted(found.keys() ^ expected.keys())[:5]}")

    def square(values: numpy.ndarray) -> float:
        flat = values.ravel().astype(numpy.float64)
        return float(flat @ flat)

    return {
        name: (square(found[name].astype(numpy.float64) - values), square(values)) for name, values in expected.items()
    }


def difference(errors: dict[str, tuple[float, float]], names: list[str]) -> float:
    """Of the tensors together: ‖found − expected‖ / ‖expected‖."""
    error, norm = (sum(errors[name][column] for name in names) for column in (0, 1))
    return (error / norm) ** 0.5 if norm > 0 else float("inf")


def print_table(errors: dict[str, dict], rows: dict[str, list[str]]) -> None:
    """A row of the table for each group of tensors; the last column counts those where dure is no farther."""
    width = max(map(len, rows))
    print(f"{'':{width}} {AUTOCAST:>11} {BRAIN:>11} {SINGLE:>11}  {BRAIN} ≤ {AUTOCAST}")
    for title, names in rows.items():
        cells = " ".join(f"{difference(errors[side], names):11.2e}" for side in (AUTOCAST, BRAIN, SINGLE))
        better = sum(errors[BRAIN][name][0] <= errors[AUTOCAST][name][0] for name in names)
        print(f"{title:{width}} {cells}  {better} of {len(names)}")


def print_free(errors: dict[str, dict], free: list[str], every: list[str]) -> None:
    """Tensors whose gradient is 0 but for rounding have no relative difference: against the norm of all."""
    norm = sum(errors[SINGLE][name][1] for name in every)
    parts = [f"{side} {(sum(errors[side][name][0] for name in free) / norm) ** 0.5:.1e}" for side in errors]
    print(f"  {len(free)} biases whose gradient is 0 but for rounding, against the norm of all: {', '.join(parts)}")


def compare(checks: programs.Checks, options: argparse.Namespace, seed: int, errors: dict[str, dict]) -> dict:
    names = list(errors[SINGLE])
    free = [name for name in names if reference.moved_by_rounding_only(name, options.layers)]
    kinds: dict[str, list[str]] = {}
    for name in names:
        if name not in free:
            kinds.setdefault(name if options.all else kind_of(name), []).append(name)
    print_table(errors, kinds | {OVERALL: names})
    print_free(errors, free, names)
    overall = {side: difference(errors[side], names) for side in errors}
    checks.expect(
        overall[SINGLE] < options.single_limit,
        f"seed {seed}: fp32 of dure {overall[SINGLE]:.2e} from fp32 of torch, limit {options.single_limit:.0e}",
    )
    checks.expect(overall[SINGLE] < overall[BRAIN], f"seed {seed}: bf16 of dure is another computation than its fp32")
    checks.expect(
        overall[BRAIN] <= overall[AUTOCAST],
        f"seed {seed}: bf16 of dure {overall[BRAIN]:.2e} from fp32, bf16 of torch {overall[AUTOCAST]:.2e}",
    )
    each = {side: {name: difference(errors[side], [name]) for name in names if name not in free} for side in errors}
    return {"seed": seed, "overall": overall, "tensors": each}


def mixed_questions(dataset: dict, count: int) -> dict:
    """From all over the dataset, for lengths as mixed as in shuffled training."""
    questions = [question for question in questions_of(dataset) if placed_answer(question) is not None]
    chosen = {questions[index * len(questions) // count].identifier for index in range(count)}
    return keep(dataset, chosen.__contains__)


def features_of(options: argparse.Namespace, folder: Path, dataset: dict) -> list[Feature]:
    tokenizer = reference.tokenizer_of(folder)
    features = training_features(tokenizer, questions_of(dataset), options.max_seq_length, options.doc_stride)
    features = features[: options.features]
    print("lengths:", *(len(feature.input_ids) for feature in features))
    return features


def main() -> int:
    options = arguments()
    torch.set_num_threads(options.torch_threads)
    options.workdir.mkdir(parents=True, exist_ok=True)
    dataset = mixed_questions(read_dataset(options.dataset), options.features)
    dataset_path = write_dataset(options.workdir / "gradients.json", dataset)
    configuration = reference.small_configuration(
        options.vocab,
        hidden_size=options.hidden,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=4 * options.hidden,
        max_position_embeddings=512,
        initializer_range=options.initializer_range,
    )
    checks = programs.Checks()
    results = []
    for seed in map(int, options.seeds.split(",")):
        print(f"seed {seed}:", flush=True)
        folder = reference.write_model_folder(options.workdir / "model", options.vocab, configuration, seed)
        features = features_of(options, folder, dataset)
        expected = torch_gradients(folder, features, double=options.double)
        errors = {
            AUTOCAST: squares(torch_gradients(folder, features, brain=True), expected),
            BRAIN: squares(dure_gradients(options, folder, dataset_path, "bf16"), expected),
            SINGLE: squares(dure_gradients(options, folder, dataset_path, "fp32"), expected),
        }
        results.append(compare(checks, options, seed, errors))
    (options.workdir / "precision_gradients.json").write_text(json.dumps(results, indent=2) + "\n")
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

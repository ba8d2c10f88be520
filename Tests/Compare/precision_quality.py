"""Fine-tunes in fp32 and in bf16 over several seeds: a pretrained English model on a made-up English dataset, and a
small random one on part of a Korean dataset. The mean of bf16 must lie within the spread of fp32 over the seeds."""

import argparse
import json
import shlex
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import english_questions
import programs
import reference
from datasets_and_features import keep, questions_of, read_dataset, write_dataset
from learning import some_questions, split_by_article

PRECISIONS = ["fp32", "bf16"]
# Printed for each; those that are checked are the ones that the requirement names.
FIGURES = {"training_loss": "training loss at the end", "evaluation_loss": "evaluation loss", "f1": "F1"}
CHECKED = ["training_loss", "f1"]


@dataclass
class Case:
    """What is trained; `f1` is the name of its metric, `found` has the figures of the runs so far."""

    name: str
    f1: str
    inputs: dict
    steps: int
    found: dict[str, list[dict]] = field(default_factory=lambda: {precision: [] for precision in PRECISIONS})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased Korean model")
    parser.add_argument("--english-model", type=Path, help="folder of a small pretrained English BERT")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--cases", default="english,korean")
    parser.add_argument("--seeds", default="1,2,3,4,5", help="of the order, dropout and the head's weights")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--english-steps", type=int, default=120)
    parser.add_argument("--english-learning-rate", type=float, default=3e-4)
    parser.add_argument("--korean-steps", type=int, default=200)
    parser.add_argument("--korean-learning-rate", type=float, default=5e-4)
    parser.add_argument("--korean-layers", type=int, default=4)
    parser.add_argument("--korean-hidden", type=int, default=256)
    parser.add_argument("--longest", type=int, default=450, help="code points of a Korean context")
    parser.add_argument("--validation-questions", type=int, default=300, help="of the held-out Korean articles")
    options = parser.parse_args()
    if set(options.cases.split(",")) - {"english", "korean"}:
        parser.error("--cases are english and korean")
    if "english" in options.cases and options.english_model is None:
        parser.error("the English case needs --english-model; --cases korean goes without")
    return options


# MARK: Cases


def english(options: argparse.Namespace) -> Case:
    train, validation = english_questions.write(options.workdir, seed=0)
    inputs = {
        "model": options.english_model,
        "train_file": train,
        "validation_file": validation,
        "learning_rate": options.english_learning_rate,
        "max_seq_length": 256,
        "doc_stride": 64,
    }
    return Case(f"{options.english_model.name}, English", "f1", inputs, options.english_steps)


def korean_model(options: argparse.Namespace) -> Path:
    """With random weights, the same for all seeds, as a pretrained model would be."""
    configuration = reference.small_configuration(
        options.vocab,
        hidden_size=options.korean_hidden,
        num_hidden_layers=options.korean_layers,
        intermediate_size=4 * options.korean_hidden,
    )
    return reference.write_model_folder(options.workdir / "model", options.vocab, configuration, seed=0)


def short_contexts(dataset: dict, longest: int) -> dict:
    """Questions whose answer is in the only window, as good as always: the loss is about nothing but finding it."""
    chosen = {question.identifier for question in questions_of(dataset) if len(question.context) <= longest}
    return keep(dataset, chosen.__contains__)


def korean(options: argparse.Namespace) -> Case:
    train, validation = split_by_article(short_contexts(read_dataset(options.dataset), options.longest), seed=0)
    held_out = some_questions(validation, options.validation_questions, seed=0)
    inputs = {
        "model": korean_model(options),
        "train_file": write_dataset(options.workdir / "korean-train.json", train),
        "validation_file": write_dataset(options.workdir / "korean-validation.json", held_out),
        "learning_rate": options.korean_learning_rate,
        "max_seq_length": 256,
        "doc_stride": 64,
    }
    name = f"random, {options.korean_layers} layers of {options.korean_hidden}, Korean"
    return Case(name, "korquad_f1", inputs, options.korean_steps)


# MARK: Runs


def train(options: argparse.Namespace, case: Case, precision: str, seed: int) -> dict:
    output = programs.fresh(options.workdir / "run")
    settings = case.inputs | {
        "output_dir": output,
        # Kept for all runs: making features takes as long as training does.
        "feature_cache": options.workdir / "features",
        "max_steps": case.steps,
        "batch_size": options.batch_size,
        "warmup_steps": case.steps // 10,
        "weight_decay": 0.01,
        "seed": seed,
        "threads": options.threads,
        "logging_steps": 1,
        "eval_strategy": "steps",
        "eval_steps": case.steps,
        "save_strategy": "no",
    }
    words = [*shlex.split(options.dure), "train", *programs.flags(settings | programs.precision(precision))]
    begin = time.monotonic()
    programs.run(programs.mpirun(options.ranks, words), quiet=True)
    seconds = time.monotonic() - begin
    losses = programs.step_losses(output, case.steps)
    part = max(1, case.steps // 10)
    evaluation = programs.read_events(output, "eval")[-1]
    found = {
        "seed": seed,
        "seconds": seconds,
        "first_loss": statistics.mean(losses[: max(1, part // 3)]),
        "training_loss": statistics.mean(losses[-part:]),
        "evaluation_loss": evaluation["loss"],
        "f1": evaluation[case.f1],
    }
    print(
        f"  {precision}, seed {seed}: training loss {found['first_loss']:.3f} → {found['training_loss']:.4f}, "
        f"evaluation loss {found['evaluation_loss']:.4f}, {case.f1} {found['f1']:.2f}; {seconds:.0f} s",
        flush=True,
    )
    return found


def run(options: argparse.Namespace, case: Case) -> None:
    questions = [len(questions_of(read_dataset(case.inputs[key]))) for key in ("train_file", "validation_file")]
    print(f"{case.name}: {questions[0]} questions to train on, {questions[1]} held out, {case.steps} steps", flush=True)
    for seed in map(int, options.seeds.split(",")):
        for precision in PRECISIONS:
            case.found[precision].append(train(options, case, precision, seed))


# MARK: Report


def spread(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):8.4f} ({min(values):.4f} to {max(values):.4f}, sd {deviation:.4f})"


def report(checks: programs.Checks, case: Case) -> None:
    print(f"{case.name}:")
    for figure, words in FIGURES.items():
        single, brain = ([entry[figure] for entry in case.found[precision]] for precision in PRECISIONS)
        print(f"  {words:25} fp32 {spread(single)}, bf16 {spread(brain)}")
        mean = statistics.mean(brain)
        if figure in CHECKED:
            checks.expect(
                min(single) <= mean <= max(single),
                f"{words}: mean of bf16 {mean:.4f} within fp32's {min(single):.4f} to {max(single):.4f}",
            )
    everything = case.found["fp32"] + case.found["bf16"]
    least = max(entry["training_loss"] / entry["first_loss"] for entry in everything)
    checks.expect(least < 0.9, f"every run learned: the training loss fell to {least:.2f} of the first or below")
    means = {name: statistics.mean(entry["seconds"] for entry in case.found[name]) for name in PRECISIONS}
    print(f"  seconds of a run: {', '.join(f'{name} {value:.0f}' for name, value in means.items())}")


def main() -> int:
    options = arguments()
    options.workdir.mkdir(parents=True, exist_ok=True)
    makers = {"english": english, "korean": korean}
    cases = [makers[name](options) for name in options.cases.split(",")]
    checks = programs.Checks()
    for case in cases:
        run(options, case)
        report(checks, case)
    found = [{"name": case.name, "f1": case.f1, "found": case.found} for case in cases]
    (options.workdir / "precision_quality.json").write_text(json.dumps(found, indent=2) + "\n")
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

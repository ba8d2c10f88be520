"""Evaluates a model with dure and with transformers and compares answers, n-best lists and metrics; then
compares `dure score` with the formulas of the SQuAD and KorQuAD scripts on perturbed predictions."""

import argparse
import json
import random
import shlex
import sys
import unicodedata
from pathlib import Path

import torch

import answers
import programs
import reference
from datasets_and_features import Question, first_questions, keep, questions_of, read_dataset, windows, write_dataset


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="model folder with span head; without it, a random small one")
    parser.add_argument("--vocab", type=Path, help="vocab.txt of a cased model, for the random one")
    parser.add_argument("--checkpoint", type=Path, help="weights in HDF5 by dure, of the same model as --model")
    parser.add_argument("--ranks", type=int, default=0, help="under mpirun on this many ranks; 0 without mpirun")
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--skip", type=int, default=0, help="leave out this many questions from the beginning")
    parser.add_argument("--max-seq-length", type=int, default=256)
    parser.add_argument("--doc-stride", type=int, default=64)
    parser.add_argument("--n-best-size", type=int, default=20)
    parser.add_argument("--max-answer-length", type=int, default=30)
    parser.add_argument("--score-cases", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=16, help="of PyTorch")
    parser.add_argument("--torch-threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--limit",
        type=float,
        default=1e-4,
        help="difference of scores that rounding explains, relative to the largest logit",
    )
    options = parser.parse_args()
    if options.model is None and options.vocab is None:
        parser.error("--model or --vocab is needed")
    return options


def random_model(options: argparse.Namespace) -> Path:
    """Weights five times the usual, else all logits are alike and every answer is decided by rounding."""
    positions = max(300, options.max_seq_length)
    configuration = reference.small_configuration(
        options.vocab, initializer_range=0.1, max_position_embeddings=positions
    )
    return reference.write_model_folder(options.workdir / "model", options.vocab, configuration, options.seed)


def evaluate_with_dure(options: argparse.Namespace, model: Path, dataset: Path, output: Path) -> None:
    settings = {
        "model": model,
        "dataset": dataset,
        "output_dir": programs.fresh(output),
        "max_seq_length": options.max_seq_length,
        "doc_stride": options.doc_stride,
        "n_best_size": options.n_best_size,
        "max_answer_length": options.max_answer_length,
    }
    command = [*shlex.split(options.dure), "evaluate", *programs.flags(settings)]
    programs.run(programs.mpirun(options.ranks, command) if options.ranks else command)


def evaluate_with_torch(options: argparse.Namespace, folder: Path, questions: list[Question]) -> tuple[dict, float]:
    """The n-best list of each question, and the largest absolute logit."""
    tokenizer = reference.tokenizer_of(folder)
    model = reference.without_dropout(reference.load(folder, options.checkpoint))
    features = [
        feature
        for question in questions
        for feature in windows(tokenizer, question, options.max_seq_length, options.doc_stride)
    ]
    by_length = sorted(range(len(features)), key=lambda index: len(features[index].input_ids))
    rows, largest = [None] * len(features), 0.0
    for first in range(0, len(by_length), options.batch_size):
        chosen = by_length[first : first + options.batch_size]
        with torch.no_grad():
            batch = reference.logits(model, [features[index] for index in chosen])
        for index, start, end in zip(chosen, *batch):
            length = len(features[index].input_ids)
            rows[index] = (features[index], start[:length].numpy(), end[:length].numpy())
            largest = max(largest, float(start[:length].abs().max()), float(end[:length].abs().max()))
    by_question = {question.identifier: [] for question in questions}
    for row in rows:
        by_question[row[0].question.identifier].append(row)
    print(f"{len(questions)} questions, {len(features)} windows, largest logit {largest:.3f}")
    lists = {
        question.identifier: answers.n_best(
            question, by_question[question.identifier], options.n_best_size, options.max_answer_length
        )
        for question in questions
    }
    return lists, largest


def compare_answers(
    checks: programs.Checks, options: argparse.Namespace, output: Path, expected: dict, largest: float
) -> None:
    """An answer may differ where the reference holds both for equal but for rounding."""
    predictions = programs.read_json(output / "eval_predictions.json")
    lists = programs.read_json(output / "eval_nbest_predictions.json")
    checks.expect(list(predictions) == list(expected), f"{len(predictions)} predictions, in the order of the dataset")
    tolerance = options.limit * max(1.0, largest)
    unlike, lengths, explained, unexplained, order, worst_score, worst_probability = [], 0, 0, 0, 0, 0.0, 0.0
    for identifier, best in expected.items():
        found = lists.get(identifier, [])
        if not found or predictions.get(identifier) != answers.prediction(found):
            unlike.append(identifier)
            continue
        lengths += len(found) != len(best)
        order += [entry["text"] for entry in found] != [entry["text"] for entry in best]
        worst_score = max(
            worst_score, *(abs(answers.score(one) - answers.score(other)) for one, other in zip(found, best))
        )
        worst_probability = max(
            worst_probability, *(abs(one["probability"] - other["probability"]) for one, other in zip(found, best))
        )
        if predictions[identifier] != answers.prediction(best):
            gaps = [
                answers.score(best[0]) - answers.score(entry)
                for entry in best
                if entry["text"] == predictions[identifier]
            ]
            gap = min(gaps, default=float("inf"))
            explained += gap <= tolerance
            unexplained += gap > tolerance
            print(f"  {identifier}: dure {predictions[identifier]!r}, torch {answers.prediction(best)!r}, score gap {gap:.2e}")
    checks.expect(not unlike, f"the first of each n-best list is the prediction; not so: {unlike[:5]}")
    # The last of the best starts may change places with the next one by rounding.
    checks.expect(lengths <= len(expected) // 100, f"{lengths} n-best lists of another length than the reference's")
    equal = len(expected) - len(unlike) - explained - unexplained
    checks.expect(
        unexplained == 0,
        f"{equal} of {len(expected)} answers equal, {explained} decided by rounding, " f"{unexplained} different",
    )
    checks.expect(
        worst_score <= tolerance,
        f"scores of the n-best lists, place by place: at most {worst_score:.2e} apart, limit "
        f"{tolerance:.1e}; probabilities {worst_probability:.2e}; {order} lists ordered differently",
    )


def difference(found: dict, expected: dict) -> str | None:
    """The metric furthest from its expected value, None when all agree."""
    missing = [name for name in expected if name not in found]
    if missing:
        return f"lacks {missing}"
    worst = max(expected, key=lambda name: abs(found[name] - expected[name]))
    if abs(found[worst] - expected[worst]) <= 1e-6:
        return None
    return f"{worst} is {found[worst]}, not {expected[worst]}"


def perturbed(generator: random.Random, question: Question) -> str | None:
    """A prediction near an answer in one of the ways metrics treat specially; None is a missing one."""
    gold, context = generator.choice(question.answers), question.context
    first = generator.randrange(len(context))
    place = generator.randint(0, len(gold))
    ways = [
        lambda: gold,
        lambda: None,
        lambda: "",
        lambda: generator.choice(["...", "()", "the", "《》", " \t\u3000", "‘’", "a", "\u200b"]),
        lambda: context[first : first + generator.randint(1, 40)],
        lambda: gold[:place],
        lambda: gold[place:],
        lambda: gold[:place] + generator.choice([" ", "  ", "\n", "\u00a0", "\u3000", "\u2009", "\x1c"]) + gold[place:],
        lambda: gold[:place] + generator.choice("'\"《》<>〈〉()‘’.,-~_%·、「」“”！＋\\$|^`") + gold[place:],
        lambda: generator.choice(["the ", "A ", "an ", "The-", "a.", "theory "]) + gold,
        lambda: gold + generator.choice(["은", "는", "이", "가", "을", "를", "에서", "입니다", " the", " THE END"]),
        lambda: generator.choice(["the", "a", "An"]) + gold,
        lambda: gold.upper(),
        lambda: gold.swapcase() + generator.choice(["İ", "ß", "Σ", "ǅ", "Ⅷ", "Å"]),
        lambda: unicodedata.normalize("NFD", gold),
        lambda: " ".join(gold),
        lambda: "".join(generator.sample(gold, len(gold))),
        lambda: gold + " " + gold,
        lambda: "\U0001f468\u200d\U0001f469\u200d\U0001f467" + gold,
    ]
    return generator.choice(ways)()


def score_difference(options: argparse.Namespace, dataset: dict, predictions: dict, ascii_only: bool) -> str | None:
    folder = options.workdir / "score"
    dataset_path = write_dataset(folder / "dataset.json", dataset)
    predictions_path = folder / "predictions.json"
    predictions_path.write_text(json.dumps(predictions, ensure_ascii=ascii_only), encoding="utf-8")
    settings = {"dataset": dataset_path, "predictions": predictions_path}
    output = programs.run([*shlex.split(options.dure), "score", *programs.flags(settings)], quiet=True)
    return difference(json.loads(output), answers.metrics(questions_of(dataset), predictions))


def explain(options: argparse.Namespace, dataset: dict, predictions: dict) -> None:
    """Scores a file's questions one by one and shows the first that differ."""
    shown = 0
    for question in questions_of(dataset):
        one = keep(dataset, lambda identifier: identifier == question.identifier)
        prediction = {key: text for key, text in predictions.items() if key == question.identifier}
        found = score_difference(options, one, prediction, True)
        if found and shown < 5:
            print(f"    prediction {prediction.get(question.identifier)!r}, gold {question.answers!r}: {found}")
            shown += 1


def compare_score(checks: programs.Checks, options: argparse.Namespace, dataset: dict) -> None:
    """In parts of 100 questions, so that a difference is not lost in the mean."""
    generator = random.Random(options.seed)
    questions = questions_of(dataset)
    parts, size, equal = max(1, options.score_cases // 100), min(100, len(questions)), 0
    for part in range(parts):
        wanted = {question.identifier: question for question in generator.sample(questions, size)}
        part_dataset = keep(dataset, wanted.__contains__)
        predictions = {identifier: perturbed(generator, question) for identifier, question in wanted.items()}
        predictions = {identifier: text for identifier, text in predictions.items() if text is not None}
        found = score_difference(options, part_dataset, predictions, part % 2 == 0)
        equal += found is None
        if found:
            print(f"  file {part}: {found}")
            explain(options, part_dataset, predictions)
    checks.expect(
        equal == parts,
        f"dure score equal to the reference formulas on {equal} of {parts} files of {size} perturbed predictions",
    )


def main() -> int:
    options = arguments()
    torch.set_num_threads(options.torch_threads)
    options.workdir.mkdir(parents=True, exist_ok=True)
    checks = programs.Checks()
    whole = read_dataset(options.dataset)
    dataset = first_questions(whole, options.questions, options.skip)
    questions = questions_of(dataset)
    dataset_path = write_dataset(options.workdir / "evaluation.json", dataset)
    folder = options.model or random_model(options)
    output = options.workdir / "evaluate"
    if options.questions > 0:
        evaluate_with_dure(options, options.checkpoint or folder, dataset_path, output)
        expected, largest = evaluate_with_torch(options, folder, questions)
        compare_answers(checks, options, output, expected, largest)
        formulas = answers.metrics(questions, programs.read_json(output / "eval_predictions.json"))
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in formulas.items()))
        found = difference(programs.read_json(output / "eval_results.json"), formulas)
        checks.expect(found is None, f"eval_results.json against the reference formulas: {found or 'equal'}")
    if options.score_cases > 0:
        compare_score(checks, options, whole)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

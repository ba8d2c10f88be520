"""Questions of a SQuAD-format file, and their windows as `run_qa.py` of transformers cuts them.

Labels follow the project's definition: the answer is sought among the context tokens of the window only.
"""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable


@dataclass
class Question:
    identifier: str
    text: str
    context: str
    answers: list[str]
    starts: list[int]


@dataclass
class Feature:
    """One window. `offsets` are code points of the context, None outside it."""

    question: Question
    input_ids: list[int]
    token_type_ids: list[int]
    offsets: list[tuple[int, int] | None]
    start: int = 0
    end: int = 0


def read_dataset(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def write_dataset(path: Path, dataset: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dataset, ensure_ascii=False), encoding="utf-8")
    return path


def questions_of(dataset: dict) -> list[Question]:
    found = []
    for article in dataset["data"]:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                answers = entry.get("answers", [])
                texts = [answer["text"] for answer in answers]
                starts = [answer["answer_start"] for answer in answers]
                found.append(Question(entry["id"], entry["question"], paragraph["context"], texts, starts))
    return found


def keep(dataset: dict, wanted: Callable[[str], bool]) -> dict:
    """The dataset with only the questions whose id is wanted, and no empty paragraph or article."""
    result = copy.deepcopy(dataset)
    for article in result["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"] = [entry for entry in paragraph["qas"] if wanted(entry["id"])]
        article["paragraphs"] = [paragraph for paragraph in article["paragraphs"] if paragraph["qas"]]
    result["data"] = [article for article in result["data"] if article["paragraphs"]]
    return result


def first_questions(dataset: dict, count: int, skip: int = 0) -> dict:
    chosen = {question.identifier for question in questions_of(dataset)[skip : skip + count]}
    return keep(dataset, chosen.__contains__)


def placed_answer(question: Question) -> tuple[int, int] | None:
    """Code points of the first answer; where it is misplaced, its only occurrence, or None to skip."""
    text, start = question.answers[0], question.starts[0]
    if question.context[start : start + len(text)] != text:
        if question.context.count(text) != 1:
            return None
        start = question.context.index(text)
    return start, start + len(text)


def windows(tokenizer, question: Question, max_length: int, overlap: int) -> list[Feature]:
    encoded = tokenizer(
        question.text.lstrip(),
        question.context,
        truncation="only_second",
        max_length=max_length,
        stride=overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    features = []
    for index, ids in enumerate(encoded["input_ids"]):
        sequences = encoded.sequence_ids(index)
        spans = encoded["offset_mapping"][index]
        offsets = [tuple(span) if sequence == 1 else None for span, sequence in zip(spans, sequences)]
        features.append(Feature(question, ids, encoded["token_type_ids"][index], offsets))
    return features


def label(feature: Feature, answer: tuple[int, int]) -> None:
    """Sets start and end; both stay 0 when the answer is not wholly in the window."""
    context = [index for index, offset in enumerate(feature.offsets) if offset is not None]
    if not context or feature.offsets[context[0]][0] > answer[0] or feature.offsets[context[-1]][1] < answer[1]:
        return
    feature.start = max(index for index in context if feature.offsets[index][0] <= answer[0])
    feature.end = min(index for index in context if feature.offsets[index][1] >= answer[1])


def training_features(tokenizer, questions: list[Question], max_length: int, overlap: int) -> list[Feature]:
    features = []
    for question in questions:
        answer = placed_answer(question)
        if answer is None:
            continue
        for feature in windows(tokenizer, question, max_length, overlap):
            label(feature, answer)
            features.append(feature)
    return features

"""Checks the bundled sample: python Tests/Fixtures/sample/check.py launch/sample

Form (KorQuAD 1.0, unique ids, every answer where answer_start says), size, and that the sample holds the
cases it was written for. With `tokenizers` installed, also that the vocabulary covers every text.
Prints counts; exits 1 with the findings if anything is wrong.
"""

import json
import re
import sys
import unicodedata
from pathlib import Path

PARTICLES = ("은", "는", "이", "가", "을", "를", "에서", "에", "으로", "로", "와", "과", "의", "라", "으")
HANJA = re.compile("[\u4e00-\u9fff]")
LATIN = re.compile("[A-Za-z]{3}")
DATE = re.compile("[0-9]+월 [0-9]+일")


def load(path):
    """(title, context, questions) of every paragraph, after checking keys and types."""
    document = json.loads(path.read_text(encoding="utf-8"))
    assert set(document) == {"version", "data"}, f"{path.name}: keys {set(document)}"
    for article in document["data"]:
        assert set(article) == {"title", "paragraphs"}, f"{path.name}: keys {set(article)}"
        for paragraph in article["paragraphs"]:
            assert set(paragraph) == {"context", "qas"}, f"{path.name}: keys {set(paragraph)}"
            yield article["title"], paragraph["context"], paragraph["qas"]


def check(folder):
    parts = {name: list(load(folder / f"{name}.json")) for name in ("train", "validation")}
    paragraphs = [paragraph for part in parts.values() for paragraph in part]
    findings, ids, answers = [], set(), []

    def require(condition, finding):
        if not condition:
            findings.append(finding)

    for title, context, questions in paragraphs:
        require(80 <= len(context) <= 220, f"{title}: context of {len(context)} code points")
        require(2 <= len(questions) <= 4, f"{title}: {len(questions)} questions")
        require(context == context.strip() and "  " not in context, f"{title}: stray white space")
        require(unicodedata.is_normalized("NFC", context), f"{title}: not NFC")
        for question in questions:
            identity = question["id"]
            require(set(question) == {"id", "question", "answers"}, f"{identity}: keys {set(question)}")
            require(identity not in ids, f"{identity}: id used twice")
            ids.add(identity)
            require(question["question"].endswith("?"), f"{identity}: not a question")
            require(len(question["answers"]) == 1, f"{identity}: {len(question['answers'])} answers")
            for answer in question["answers"]:
                text, start = answer["text"], answer["answer_start"]
                require(text and context[start:start + len(text)] == text, f"{identity}: answer not at {start}")
                answers.append((text, start, context[start + len(text):]))

    titles = [{title for title, _, _ in part} for part in parts.values()]
    require(not titles[0] & titles[1], "an article stands in both files")
    contexts = [context for _, context, _ in paragraphs]
    require(len(set(contexts)) == len(contexts), "a context stands twice")
    counts = {
        "paragraphs": {name: len(part) for name, part in parts.items()},
        "questions": {name: sum(len(questions) for _, _, questions in part) for name, part in parts.items()},
        "answers at offset 0": sum(start == 0 for _, start, _ in answers),
        "answers with a particle glued on": sum(rest.startswith(PARTICLES) for _, _, rest in answers),
        "answers with a digit": sum(any(c.isdigit() for c in text) for text, _, _ in answers),
        "answers that stand twice in the context": sum(
            context.count(answer["text"]) > 1
            for _, context, questions in paragraphs for question in questions for answer in question["answers"]),
        "contexts with a date": sum(bool(DATE.search(context)) for context in contexts),
        "contexts with Hanja": sum(bool(HANJA.search(context)) for context in contexts),
        "contexts with English": sum(bool(LATIN.search(context)) for context in contexts),
        "contexts with 《》": sum("《" in context for context in contexts),
        "contexts with ‘’": sum("‘" in context for context in contexts),
    }
    require(sum(counts["paragraphs"].values()) in range(55, 66), "paragraphs: not about 60")
    require(sum(counts["questions"].values()) in range(160, 221), "questions: not about 180")
    for name, least in [
        ("answers at offset 0", 10), ("answers with a particle glued on", 100), ("answers with a digit", 30),
        ("answers that stand twice in the context", 3), ("contexts with a date", 5),
        ("contexts with Hanja", 8), ("contexts with English", 8), ("contexts with 《》", 5),
        ("contexts with ‘’", 3),
    ]:
        require(counts[name] >= least, f"{name}: {counts[name]}, want {least}")
    findings += check_vocabulary(folder, contexts + [
        question["question"] for _, _, questions in paragraphs for question in questions])
    return counts, findings


def check_vocabulary(folder, texts):
    entries = (folder / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    findings = []
    if len(set(entries)) != len(entries):
        findings.append("vocab.txt: an entry stands twice")
    if entries[:5] != ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]:
        findings.append("vocab.txt: special tokens do not come first")
    if configuration["vocab_size"] != len(entries):
        findings.append(f"config.json: vocab_size {configuration['vocab_size']}, vocab.txt has {len(entries)}")
    try:
        from tokenizers import BertWordPieceTokenizer
    except ImportError:
        print("tokenizers is not installed: coverage of vocab.txt not checked")
        return findings
    tokenizer = BertWordPieceTokenizer(
        vocab={entry: index for index, entry in enumerate(entries)}, lowercase=False, strip_accents=False)
    return findings + [f"[UNK] in: {text}" for text in texts if "[UNK]" in tokenizer.encode(text).tokens]


if __name__ == "__main__":
    counts, findings = check(Path(sys.argv[1]))
    for name, count in counts.items():
        print(f"{name}: {count}")
    if findings:
        sys.exit("\n".join(findings))

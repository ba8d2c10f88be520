#!/usr/bin/env python3
"""Compares `dure tokenize` with Hugging Face's fast tokenizer: tokens, ids and offsets.

    python compare.py DURE VOCAB [--dataset SQUAD_JSON] [--count 10000] [--seed 1] [--single] [--spell]

DURE is the built executable, VOCAB a vocab.txt. For every combination of do_lower_case, strip_accents (true, false,
unset) and tokenize_chinese_chars a model folder is made in a temporary place, and these texts are tokenized both
ways: every context, question and answer of the dataset; COUNT random strings; with --single every code point by
itself inside words. With --spell the vocabulary grows by every code point of the normalised texts, so that no word
is unknown and every code point shows. Line feeds, which separate texts on stdin, are given as carriage returns. Ends with 1 if any
text differs.
"""
import argparse
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

from reference import SETTINGS, encode_all, fast_tokenizer, random_texts, read_vocabulary


def dataset_texts(path):
    texts = []
    for article in json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["data"]:
        texts.append(article.get("title", ""))
        for paragraph in article["paragraphs"]:
            texts.append(paragraph["context"])
            for question in paragraph["qas"]:
                texts.append(question["question"])
                texts += [answer["text"] for answer in question.get("answers", [])]
    return texts


def single_texts():
    """Every code point inside a word, and on its own between marks; some dozens of them a text."""
    code_points = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and c != 0x0A]
    chunks = [code_points[i:i + 64] for i in range(0, len(code_points), 64)]
    return [" ".join("가" + c + "a" for c in chunk) for chunk in chunks] + [
        " ".join(c + "\u0301b" + c + "\u0316" for c in chunk) for chunk in chunks]


def tokenize(executable, folder, texts):
    lines = "".join(text + "\n" for text in texts).encode("utf-8")
    done = subprocess.run([executable, "tokenize", "--model", str(folder)], input=lines, stdout=subprocess.PIPE,
                          check=True)
    answers = [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]
    if len(answers) != len(texts):
        sys.exit(f"{len(texts)} lines in, {len(answers)} lines out")
    return answers


def spelling_vocabulary(path, texts):
    """The entries of a vocab.txt, then every code point that normalisation leaves, at and after a word's start."""
    given = sorted(set().union(*texts))
    found = set(given)
    for settings in SETTINGS:
        normalize = fast_tokenizer(path, **settings).normalizer.normalize_str
        found = found.union(*map(normalize, given))
    vocabulary = read_vocabulary(path)
    entries = sorted(vocabulary, key=vocabulary.get)
    known = set(entries)
    for character in sorted(found):
        # Trailing white space would be trimmed off the entry.
        if not character.isspace():
            entries += [entry for entry in (character, "##" + character) if entry not in known]
    return "".join(entry + "\n" for entry in entries).encode("utf-8")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("executable")
    arguments.add_argument("vocabulary", type=pathlib.Path)
    arguments.add_argument("--dataset")
    arguments.add_argument("--count", type=int, default=10000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--single", action="store_true")
    arguments.add_argument("--spell", action="store_true")
    options = arguments.parse_args()

    sets = {"random": random_texts(options.count, options.seed)}
    if options.dataset:
        sets["dataset"] = dataset_texts(options.dataset)
    if options.single:
        sets["code points"] = single_texts()
    sets = {name: [text.replace("\n", "\r") for text in texts] for name, texts in sets.items()}

    vocabulary = options.vocabulary.read_bytes()
    if options.spell:
        vocabulary = spelling_vocabulary(options.vocabulary, itertools.chain(*sets.values()))
    failed = False
    for settings in SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "vocab.txt").write_bytes(vocabulary)
            (folder / "tokenizer_config.json").write_text(json.dumps(settings))
            tokenizer = fast_tokenizer(folder / "vocab.txt", **settings)
            for name, texts in sets.items():
                ours = tokenize(options.executable, folder, texts)
                theirs = encode_all(tokenizer, texts)
                wrong = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]
                tokens = sum(len(answer["ids"]) for answer in theirs)
                print(f"{json.dumps(settings)} {name}: {len(texts)} texts, {tokens} tokens, {len(wrong)} differ",
                      flush=True)
                for i in wrong[:3]:
                    print(f"  text   {texts[i]!a}\n  ours   {ours[i]}\n  theirs {theirs[i]}")
                failed = failed or bool(wrong)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

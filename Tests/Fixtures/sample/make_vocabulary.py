"""Makes launch/sample/vocab.txt from the texts of the sample.

    python Tests/Fixtures/sample/make_vocabulary.py launch/sample

Needs `tokenizers` (see versions.txt). The same texts give the same file, byte for byte.

The vocabulary is WordPiece, cased: special tokens, printable ASCII, every character of the sample, the
same characters as continuations, then pieces learned from the sample. Pieces that would join an answer
with what is glued to it (the particle of `1446년에`) are left out, so that every answer of the sample
can be given exactly: a small model is to be seen learning, not losing to its vocabulary.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from tokenizers import BertWordPieceTokenizer

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LEARNED_LIMIT = 1300
CONTINUATION = "##"


def read_examples(folder):
    """(context, question, answer text, answer start) of every question, and all texts once."""
    examples, texts = [], []
    for name in ("train.json", "validation.json"):
        for article in json.loads((folder / name).read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                texts.append(paragraph["context"])
                for question in paragraph["qas"]:
                    texts.append(question["question"])
                    for answer in question["answers"]:
                        examples.append((paragraph["context"], answer["text"], answer["answer_start"]))
    return examples, texts


def new_tokenizer(vocabulary=None):
    return BertWordPieceTokenizer(vocab=vocabulary, lowercase=False, strip_accents=False)


def learned_pieces(texts):
    """Pieces by repeatedly joining the most frequent neighbours, ties by text.

    Written out because BertWordPieceTrainer breaks ties differently from run to run.
    """
    tokenizer = new_tokenizer()
    frequencies = Counter(
        word for text in texts
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)))
    words = {word: [word[0]] + [CONTINUATION + character for character in word[1:]] for word in frequencies}
    pieces = []
    while len(pieces) < LEARNED_LIMIT:
        pairs = Counter()
        for word, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += frequencies[word]
        pair, count = min(pairs.items(), key=lambda entry: (-entry[1], entry[0]))
        if count < 2:
            break
        joined = pair[0] + pair[1].removeprefix(CONTINUATION)
        pieces.append(joined)
        for parts in words.values():
            for index in range(len(parts) - 2, -1, -1):
                if tuple(parts[index:index + 2]) == pair:
                    parts[index:index + 2] = [joined]
    return list(dict.fromkeys(pieces))


def crossing_pieces(tokenizer, examples):
    """Pieces in use that lie across the beginning or the end of an answer."""
    crossing = set()
    for context, answer, start in examples:
        encoding = tokenizer.encode(context, add_special_tokens=False)
        for token, (first, last) in zip(encoding.tokens, encoding.offsets):
            if any(first < edge < last for edge in (start, start + len(answer))):
                crossing.add(token)
    return crossing


def main(folder):
    examples, texts = read_examples(folder)
    printable = {chr(code) for code in range(0x21, 0x7F)}
    alphabet = sorted(printable | {character for text in texts for character in text if not character.isspace()})
    singles = SPECIAL_TOKENS + alphabet + [CONTINUATION + character for character in alphabet]
    kept = set(singles)
    entries = singles + [piece for piece in learned_pieces(texts) if piece not in kept]
    while True:
        tokenizer = new_tokenizer({entry: index for index, entry in enumerate(entries)})
        crossing = crossing_pieces(tokenizer, examples)
        if not crossing:
            break
        entries = [entry for entry in entries if entry not in crossing]
    unknown = [text for text in texts if "[UNK]" in tokenizer.encode(text).tokens]
    if unknown:
        sys.exit(f"[UNK] in: {unknown[0]}")
    (folder / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    print(f"{len(entries)} entries, {len(alphabet)} characters")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

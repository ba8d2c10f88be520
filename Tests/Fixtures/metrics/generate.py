"""Writes scores of perturbed predictions as the reference evaluation scripts compute them; `check.py` compares
them with what the scripts themselves say.

    python3 generate.py OUTPUT_FOLDER

The functions below restate, in Python's own string semantics, what the evaluation scripts of SQuAD 1.1,
SQuAD 2.0 and KorQuAD 1.0 do with one prediction and its gold answers, and the Levenshtein distance. All text
is made up here. One row a prediction:
[prediction or null, [gold, ...], em1, f1_1, em2, f1_2, korquad_em, korquad_f1, distance]
"""

import collections
import json
import pathlib
import random
import re
import string
import sys
import unicodedata

KORQUAD_SYMBOLS = "'\"《》<>〈〉()‘’"
ARTICLE = re.compile(r"\b(a|an|the)\b")


def squad_words(text):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return ARTICLE.sub(" ", text).split()


def korquad_words(text):
    for symbol in KORQUAD_SYMBOLS:
        text = text.replace(symbol, " ")
    return "".join(c for c in text.lower() if c not in string.punctuation).split()


def overlap(prediction, gold):
    same = sum((collections.Counter(prediction) & collections.Counter(gold)).values())
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(prediction), 1.0 * same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def squad1(prediction, golds):
    pairs = [(squad_words(prediction), squad_words(gold)) for gold in golds]
    return max(float(p == g) for p, g in pairs), max(overlap(p, g) for p, g in pairs)


def squad2(prediction, golds):
    golds = [gold for gold in golds if squad_words(gold)] or [""]
    pairs = [(squad_words(prediction), squad_words(gold)) for gold in golds]
    f1 = [float(p == g) if not p or not g else overlap(p, g) for p, g in pairs]
    return max(float(p == g) for p, g in pairs), max(f1)


def korquad(prediction, golds):
    pairs = [(korquad_words(prediction), korquad_words(gold)) for gold in golds]
    exact = max(float(p == g) for p, g in pairs)
    return exact, max(overlap("".join(p), "".join(g)) for p, g in pairs)


def distance(left, right):
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row = row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
    return row[-1]


WORDS = (
    "the a an The A AN 한강 서울 대한민국 the한강 a서울 an 1988년 3월 15일 두레 마을 사람들 이순신은 거북선을 "
    "제주도의 한라산 김치 비빔밥 독립 운동가 《훈민정음》 〈아리랑〉 ‘세종대왕’ \"한글\" (서울) '부산' 세계 최초의 "
    "Seoul River İstanbul ΟΔΟΣ ΣΑΣ Σ ὈΔΥΣΣΕΎΣ STRASSE straße café café naïve Ångström x_y the_end a-b an. "
    "漢江 世宗大王 東海 ½ Ⅳ ٣ 3² a½ a١ ̈a 🙂 👩‍👩‍👧 12,345명 3.14% $100 A&B C++ U.S.A. 가 가 각"
).split(" ")
SPACES = [" ", "  ", "\t", "\n", "\u00a0", "\u3000", "\u2003", "\u200b", "\u0085", "\u001c", "\u1680", "\u2028"]
MARKS = list(string.punctuation) + list("《》〈〉‘’“”·…、。「」～") + ["ǅ", "ẞ", "Σ", "İ", "\u0307", "\u0301", "­"]
PARTICLES = ["은", "는", "이", "가", "을", "를", "의", "에서", "으로", "에게", "부터"]


def phrase(rng):
    words = rng.choices(WORDS, k=rng.randint(1, 5))
    text = words[0]
    for word in words[1:]:
        text += (" " if rng.random() < 0.8 else rng.choice(SPACES)) + word
    return text


def perturb(rng, original):
    text = original
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        kind = rng.randrange(13)
        at = rng.randint(0, len(text))
        if kind == 0:
            text += rng.choice(PARTICLES)
        elif kind == 1:
            text = text[:at] + rng.choice(MARKS) + text[at:]
        elif kind == 2:
            text = text[:at] + rng.choice(SPACES) + text[at:]
        elif kind == 3 and text:
            text = text[: at - 1] + text[at:] if at else text[1:]
        elif kind == 4:
            text = rng.choice(["the ", "a ", "An ", "THE "]) + text
        elif kind == 5:
            text = text.upper() if rng.random() < 0.5 else text.title()
        elif kind == 6:
            text = " ".join(reversed(text.split(" ")))
        elif kind == 7:
            text = text[: rng.randint(0, len(text))]
        elif kind == 8:
            text = text + " " + rng.choice(WORDS)
        elif kind == 9:
            text = unicodedata.normalize("NFD", text)
        elif kind == 10:
            particle = next((p for p in sorted(PARTICLES, key=len, reverse=True) if text.endswith(p)), "")
            text = text[: len(text) - len(particle)]
        elif kind == 11:
            text = rng.choice(["《》", "〈〉", "()", "‘’", "“”", '""', "''", "[]", "「」"])
            text = text[0] + original + text[1]
        else:
            text = original.replace(" ", "")
    return text


def case(rng):
    golds = [phrase(rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    if rng.random() < 0.06:
        golds = [rng.choice(["", "the", "a", "!?", "《》", " ", "()"])] + golds[1:]
    prediction = perturb(rng, rng.choice(golds)) if rng.random() < 0.85 else phrase(rng)
    if rng.random() < 0.06:
        prediction = rng.choice(["", "the", "An", "...", "〈〉", "\t", "Σ"])
    return (None if rng.random() < 0.01 else prediction), golds


def main():
    rng = random.Random(20240801)
    rows = []
    for _ in range(2000):
        prediction, golds = case(rng)
        text = prediction or ""
        # The scripts count a missing prediction as 0, whatever an empty one would earn; that of SQuAD 2.0 ends
        # without a figure.
        scores = [*squad1(text, golds), *squad2(text, golds), *korquad(text, golds)]
        rows.append(
            [prediction, golds, *(scores if prediction is not None else [0.0] * len(scores))]
            + [min(distance(text, gold) for gold in golds)]
        )
    names = ["squad1_em", "squad1_f1", "squad2_em", "squad2_f1", "korquad_em", "korquad_f1"]
    totals = {n: 100.0 * sum(r[i + 2] for r in rows) / len(rows) for i, n in enumerate(names)}
    totals["edit_distance"] = sum(r[8] for r in rows) / len(rows)
    totals["missing"] = sum(r[0] is None for r in rows)
    folder = pathlib.Path(sys.argv[1])
    with open(folder / "scores.json", "w", encoding="utf-8") as file:
        file.write('{"totals": ' + json.dumps(totals) + ',\n"rows": [\n')
        file.write(",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows))
        file.write("\n]}\n")
    lowered = ["ΑΣ", "ΑΣ ", "ΑΣΑ", "Α.Σ", "Α\u0301Σ\u0301", "Σ", "ΣΣ", "ΑΣ\u00adΑ", "1Σ", "İ", "ẞ", "ǅ", "K", "Å", "ΑΣ가", "aΣ'", "Ⓐ", "Ⅳ", "ᲀ", "Ა", "Ꭰ", "𐐀"]
    with open(folder / "lower.json", "w", encoding="utf-8") as file:
        json.dump([[text, text.lower()] for text in lowered], file, ensure_ascii=True, indent=0)
        file.write("\n")
    space = [c for c in range(0x110000) if chr(c).isspace()]
    pattern = re.compile(r"\w")
    word = [c for c in range(0x30000) if not 0xD800 <= c < 0xE000 and pattern.match(chr(c))]
    runs = []
    for c in word:
        if runs and runs[-1][1] == c - 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    with open(folder / "characters.json", "w", encoding="utf-8") as file:
        json.dump({"space": space, "word_ranges": runs}, file, separators=(",", ":"))
        file.write("\n")
    (folder / "versions.txt").write_text(f"python {sys.version.split()[0]}\nunicode {__import__('unicodedata').unidata_version}\n")


if __name__ == "__main__":
    main()

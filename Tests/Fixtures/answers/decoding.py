"""Writes random n-best lists with the answer of least expected edit distance, by trying everything.

    python3 decoding.py OUTPUT_FOLDER

Restates with plain tables and no shortcuts what this project documents: candidates are the texts, their trimmed
forms and the empty answer; candidates of the same text count together; of equal risks (to 1e-9) the more probable
text wins, then the first. All text is made up here. A row: [[[text, probability], ...], answer, risk].
"""

import json
import pathlib
import random
import sys
import unicodedata

import numpy as np

STEMS = ["강산물", "대한민국", "서울", "1988년", "Seoul", "사이", "거북선", "훈민정음", "3", "물", "제주도", "a-b", "독립 운동"]
ENDS = ["", "", "", "은", "는", "이", "가", "을", "를", "에서", "에서는", "으로", "로", "이라는", "라는", "의", "까지", "과", "와"]
WRAPS = ["", "", "", "《》", "()", "‘’", ". ", " \"", "%%"]
CONSONANT = "을 이 은 과 으로 으로는 으로도 으로의 으로서 으로써 으로부터 이나 이란 이랑 이라 이라는 이라고 이며".split()
VOWEL = "를 가 는 와 라는 라고".split()
RIEUL = "로 로는 로도 로의 로서 로써 로부터".split()
ANY = (
    "의 에 에는 에도 에서 에서는 에서도 에서의 에게 에게는 에게도 에게서 께서 께서는 한테 한테서 까지 까지는 까지도 까지의 부터 부터는 "
    "부터의 만 만은 만이 만을 도 보다 보다는 처럼 마다 조차 밖에 과의 와의 과는 와는 이다"
).split()
PARTICLES = sorted(
    [(p, c) for c, ps in (("c", CONSONANT), ("v", VOWEL), ("r", RIEUL), ("a", ANY)) for p in ps],
    key=lambda entry: -len(entry[0]),
)


def agrees(last, condition):
    if "가" <= last <= "힣":
        final = (ord(last) - 0xAC00) % 28
        return {"a": True, "c": final != 0, "v": final == 0, "r": final in (0, 8)}[condition]
    return last.isascii() and last.isalnum() or last in "'\">" or unicodedata.category(last) in ("Pe", "Pf")


def cuts(text):
    found = []
    for particle, condition in PARTICLES:
        rest = text[: -len(particle)]
        if not text.endswith(particle) or not rest or not agrees(rest[-1], condition):
            continue
        alone = len(rest) == 1 or rest[-2].isspace()
        if alone and not (rest[-1].isascii() and rest[-1].isalnum()):
            continue
        if rest[-1] in "으이" and rest[:-1] in found:
            continue
        found.append(rest)
    return found


def is_mark(c):
    if c in "%％‰′″#@&":
        return False
    return c.isspace() or c in "<>`~～" or unicodedata.category(c).startswith("P")


def bare(text):
    while text and is_mark(text[0]):
        text = text[1:]
    while text and is_mark(text[-1]):
        text = text[:-1]
    return text


def distance(left, right):
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row = row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
    return row[-1]


def decode(entries):
    mass, order = {}, []
    for text, probability in entries:
        mass[text] = mass.get(text, 0) + probability
        order.append(text)
    for text, _ in entries:
        for form in [text, bare(text)]:
            order += [bare(text)] + [bare(cut) for cut in cuts(form)]
    order = [text for text in dict.fromkeys(order) if text] + [""]
    risks = [sum(p * distance(text, other) for other, p in mass.items()) for text in order]
    least = min(risks)
    near = [i for i, risk in enumerate(risks) if risk <= least + 1e-9 * (1 + least)]
    best = max(near, key=lambda i: (mass.get(order[i], 0), -i))
    return order[best], risks[best]


def entries_of(rng):
    stems = rng.sample(STEMS, rng.choice([1, 1, 2, 3]))
    texts = []
    for _ in range(rng.randint(1, 12)):
        wrap = rng.choice(WRAPS)
        texts.append(wrap[: len(wrap) // 2] + rng.choice(stems) + rng.choice(ENDS) + wrap[len(wrap) // 2 :])
    if rng.random() < 0.4:
        texts.insert(rng.randint(0, len(texts)), "")
    scores = sorted((rng.gauss(0, rng.choice([0.01, 1, 3])) for _ in texts), reverse=True)
    if rng.random() < 0.2:
        scores = [0.0] * len(texts)
    weights = np.exp(np.array(scores, np.float32) - np.float32(scores[0]))
    return [[t, float(np.format_float_scientific(w))] for t, w in zip(texts, weights / weights.sum())]


def main():
    rng = random.Random(5)
    rows = []
    for _ in range(600):
        entries = entries_of(rng)
        rows.append([entries, *decode([(t, float(np.float32(p))) for t, p in entries])])
    folder = pathlib.Path(sys.argv[1])
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    (folder / "decoding.json").write_text("[\n" + lines + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

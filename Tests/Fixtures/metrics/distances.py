"""Writes edit distances of random pairs of texts as rapidfuzz computes them.

    python3 distances.py OUTPUT_FOLDER

The texts are not written: the tests make the same ones from the same numbers (SplitMix64), as `pair` does here.
Alphabets are small, so that texts have something in common. `distances.json` holds the seed and, in order, one
distance a pair.
"""

import json
import pathlib
import sys

import rapidfuzz
from rapidfuzz.distance import Levenshtein

MASK = 2**64 - 1
ALPHABETS = ["가나다라마바사", "ab c", "각ᄀ\u1161\u11a8가", "🙂👩\u200d👧가a", "한강서울은는이가에서 《》"]


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        value = self.state
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
        return (value ^ (value >> 31)) % bound


def pair(random):
    alphabet = ALPHABETS[random.below(len(ALPHABETS))]
    # Most are as short as answers; one in 16 needs more than one machine word, or many.
    length = random.below(13) if random.below(16) else random.below(300)
    left = [alphabet[random.below(len(alphabet))] for _ in range(length)]
    if random.below(4) == 0:
        return left, [alphabet[random.below(len(alphabet))] for _ in range(random.below(13))]
    right = list(left)
    for _ in range(random.below(8)):
        kind, at = random.below(3), random.below(len(right) + 1)
        letter = alphabet[random.below(len(alphabet))]
        if kind == 0:
            right.insert(at, letter)
        elif at < len(right):
            if kind == 1:
                del right[at]
            else:
                right[at] = letter
    return left, right


def main():
    seed = 20241126
    random = SplitMix64(seed)
    distances = []
    for _ in range(10_000):
        left, right = pair(random)
        distances.append(Levenshtein.distance("".join(left), "".join(right)))
    folder = pathlib.Path(sys.argv[1])
    text = json.dumps({"seed": seed, "distances": distances}, separators=(",", ":"))
    (folder / "distances.json").write_text(text + "\n")
    version = f"python {sys.version.split()[0]}\nrapidfuzz {rapidfuzz.__version__}\n"
    (folder / "distances-versions.txt").write_text(version)


if __name__ == "__main__":
    main()

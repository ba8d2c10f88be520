#!/usr/bin/env python3
"""Writes UnicodeTables+Generated.swift: the character data of Hugging Face `tokenizers`, read off its behaviour.

Its Rust crates carry three different Unicode versions (categories, decompositions, case), none of them that of
Swift, Foundation or this Python; so every code point is put through the reference, one at a time, and the outcome
is written down.

    python unicode_tables.py ../../../Sources/QuestionAnswering/UnicodeTables+Generated.swift
"""
import sys
import textwrap
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)


def bert(**options):
    """The normaliser with only the named steps on."""
    steps = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**steps, **options})


def through(normalizer):
    return {c: normalizer.normalize_str(chr(c)) for c in CODE_POINTS}


def ranges(code_points):
    """Sorted code points as `first-last` or `only`, in hexadecimal."""
    found = []
    for c in sorted(code_points):
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return [f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in found]


def valued_ranges(values):
    """Runs of code points of one value as `first-last=value`."""
    found = []
    for c, value in sorted(values.items()):
        if found and found[-1][1] == c - 1 and found[-1][2] == value:
            found[-1][1] = c
        else:
            found.append([c, c, value])
    return [f"{a:x}={v:x}" if a == b else f"{a:x}-{b:x}={v:x}" for a, b, v in found]


def mapping_runs(mapping):
    """Code points mapped to one other each: `first-last/step>target of first`, all at the same distance."""
    items = sorted(mapping.items())
    found, i = [], 0
    while i < len(items):
        first, target = items[i]
        best, best_step = 1, 1
        for step in (1, 2):
            n = 1
            while i + n < len(items) and items[i + n] == (first + n * step, target + n * step):
                n += 1
            if n > best:
                best, best_step = n, step
        found.append(f"{first:x}-{first + (best - 1) * best_step:x}/{best_step}>{target:x}")
        i += best
    return found


def combining_classes(nfd):
    """Canonical combining classes, found by which of two marks the reference puts first."""
    order = normalizers.NFD().normalize_str
    probes = {}
    for c in range(0x300, 0x3100):
        value = unicodedata.ucd_3_2_0.combining(chr(c))  # marks old enough for every table
        if nfd[c] == chr(c) and value:
            probes.setdefault(value, chr(c))
    low, high = probes[1], probes[240]
    classes = {}
    for c, text in nfd.items():
        if text != chr(c):
            continue
        behind_low = order("a" + text + low) == "a" + low + text
        before_high = order("a" + high + text) == "a" + text + high
        if not (behind_low or before_high):
            continue
        value = unicodedata.combining(text)
        for probe_class, probe in probes.items():
            if probe == text:
                continue
            if (order("a" + text + probe) == "a" + probe + text) != (value > probe_class):
                raise SystemExit(f"{c:x}: combining class is not {value}")
            if (order("a" + probe + text) == "a" + text + probe) != (value < probe_class):
                raise SystemExit(f"{c:x}: combining class is not {value}")
        classes[c] = value
    return classes


def collect():
    clean, marks = through(bert(clean_text=True)), through(bert(strip_accents=True))
    lower, nfd = through(bert(lowercase=True)), through(normalizers.NFD())
    split = pre_tokenizers.BertPreTokenizer()
    pieces = {c: [piece for piece, _ in split.pre_tokenize_str("a" + chr(c) + "b")] for c in CODE_POINTS}
    decompositions = {
        c: text for c, text in nfd.items() if text != chr(c) and c not in HANGUL_SYLLABLES
    }
    assert [c for c in CODE_POINTS if len(lower[c]) != 1] == [0x130] and lower[0x130] == "i\u0307"
    assert all(text in ("", " ", chr(c)) for c, text in clean.items())
    whitespace = [c for c in CODE_POINTS if clean[c] == " "]
    assert set(whitespace) <= {c for c in CODE_POINTS if pieces[c] == ["a", "b"]}
    lower_map = {c: ord(text) for c, text in lower.items() if len(text) == 1 and text != chr(c)}
    return [
        ("removed", "Removed by cleaning.", ranges(c for c in CODE_POINTS if clean[c] == "")),
        ("whitespace", "Turned into a space by cleaning.", ranges(whitespace)),
        ("punctuation", "A word of its own.", ranges(c for c in CODE_POINTS if len(pieces[c]) == 3)),
        ("nonspacingMarks", "Category Mn, removed with accents.",
         ranges(c for c in CODE_POINTS if nfd[c] == chr(c) and marks[c] == "")),
        ("lowerCase", "Lower-case forms of one code point, as `first-last/step>lower of first`.",
         mapping_runs(lower_map)),
        ("combiningClasses", "Canonical combining classes other than 0, as `first-last=class`.",
         valued_ranges(combining_classes(nfd))),
        ("decompositions", "Full canonical decompositions other than of Hangul syllables.",
         [f"{c:x}=" + ",".join(f"{ord(x):x}" for x in text) for c, text in sorted(decompositions.items())]),
    ]


def main():
    version = tokenizers.__version__
    lines = [
        "// Generated by Tests/Fixtures/tokenizer/unicode_tables.py; do not edit.",
        "",
        f"/// What `tokenizers` {version} knows of each code point, in hexadecimal, separated by white space.",
        "enum UnicodeData {",
    ]
    for index, (name, comment, items) in enumerate(collect()):
        if index:
            lines.append("")
        lines += [f"    /// {comment}", f'    static let {name} = """']
        lines += textwrap.wrap(" ".join(items), 100, initial_indent=" " * 8, subsequent_indent=" " * 8,
                               break_long_words=False, break_on_hyphens=False)
        lines.append('        """')
    lines.append("}")
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

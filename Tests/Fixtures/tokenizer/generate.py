#!/usr/bin/env python3
"""Makes tokens.json: a small vocabulary, adversarial texts, and what Hugging Face's fast tokenizer makes of them under
every combination of settings.

    python generate.py

A text has its distinct outcomes (ids, and offsets one after the other) once each; `outcome` says which of them belongs
to each of the settings. `flagged` holds the same for added tokens with flags.
"""
import json
import pathlib

import tokenizers
from tokenizers import AddedToken

from reference import COMPOSED, MARKS, PUNCTUATION, SETTINGS, SPECIAL_TOKENS, encode_all, fast_tokenizer, random_texts

HERE = pathlib.Path(__file__).parent

ENTRIES = """
대한 대한민국 민국 서울 ##서울 ##은 ##는 ##이 ##가 ##을 ##를 ##에서 ##이다 한국 ##국 ##어 ㅋ ##ㅋ ㅋㅋ ##ㅋㅋ ㅠ ##ㅠ
the The se ##oul Seoul seoul na ##ive naive na\u0308 caf ##e ##e\u0301 ##\u0301 ber ##t BE ##RT 19 ##88 1988 un ##used ##unused
i\u0307 ##i\u0307 ##stanbul İ ##İ ##σ ##ς σ ς Σ ##Σ ##\u0307 漢 字 ##字 東京 豈 一 ##一 \U00020000 \U0001f600 ##\U0001f600
##\u200d ##\ufe0f [unused1] ##] ##[ ##- ##- <S> \u302e ##\u302e ##\U0001d165 \U0001d157 ##\u0f71 ##\u1b44 a\u0301 ##1
""".split()

HAND_WRITTEN = [
    "", " ", "\n", "\x00", "\u200b", "a", "가", "각", "각", "가\u1100\u1161각", "[CLS]", "[CLS][SEP]", " [CLS] [SEP] ", "[cls]",
    "[ CLS ]", "[CLS", "[[CLS]]", "대한민국[MASK]은", "[MASK", "[UNK]s", "a[PAD]b", "\u0301[CLS]\u0301", "[SEP\u200b]",
    "대한민국의 서울은 한국의 서울이다.", "서울에서\u3000서울을", "Seoul, SEOUL; seoul", "THE the The", "naïve nai\u0308ve NAÏVE",
    "café cafe\u0301 CAFÉ", "é" * 100, "e\u0301" * 100, "e\u0301" * 51, "a" * 100, "a" * 101, "가" * 100, "가" * 101, "한" * 34, "ㅋ" * 101,
    "1988년", "19-88", "a\u200db", "a\x00b", "a\ufffdb", "\ufeffa", "a\xadb", "a\u2028b\u2029c\x85d\x0be\x0cf", "a\x1cb\x1fc",
    "漢字", "a漢b字c", "大韓民國", "豈", "a豈b", "\U00020000\U0002f800", "㈜", "İstanbul", "ISTANBUL", "ı", "ΟΔΥΣΣΕΥΣ", "ΑΣ ΑΣΑ", "ẞ ß", "ǅ",
    "≠", "a≠b", "a\u0338=\u0338", "Å Å", "\u037e", "\u1fef", "`\u0300", "가\u302e나\u302f", "\u302e\u0301", "a\u302e\u0316\u0301b",
    "\u302f\u0334\u302e", "\U0001d15e\U0001d16d\U0001d165", "a\U0001d15f", "\u0f73\u0f71", "\u1b44\u0301\u1b44", "\U00016ff0\u0301a",
    "👨\u200d👩\u200d👧", "❤\ufe0f", "🇰🇷", "😀😀", "#", "##", "##은", "##서울", "# # #", "《서울》", "‘서울’", "“서울”", "서울(Seoul)", "$1,988.00",
    "a+b=c<d>e^f`g|h~i", "¿서울?", "a_b", "a\u00b7b", "[unused1]", "<S>", "\u0903a", "क\u094d\u093c", "\u0344", "a\u0344\u0316b",
    "한\u0301국", "한국\u0301어", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "\u11ab", "\u1161", "ᄒᆞᆫ", "ힰ", "ㅎㅏㄴ", "ﾡﾢ", "ＳＥＯＵＬ", "１９８８",
]

# Added tokens with flags: what `tokenizers` is told, and texts that show it.
FLAGGED = [
    dict(content="[MASK]", lstrip=True, rstrip=True, normalized=False, special=True),
    dict(content="서울", single_word=True, normalized=False, special=True),
    dict(content="NAÏVE", normalized=True, special=False),
    dict(content="한국", normalized=False, special=False),
    dict(content="한국 대한", normalized=False, special=False),
]
FLAGGED_ENTRIES = ["NAÏVE", "한국 대한"]
FLAGGED_TEXTS = [
    "a [MASK] b", "a\u3000\n[MASK]\t [MASK] ", "서울 서울은 은서울 (서울) 서울", "서울서울 서울", "naïve NAÏVE nai\u0308ve naivete", "한국 대한 한국대한 한국  대한",
    "[MASK] 서울 [MASK]", "xNAÏVEx 한국은", "서울_ _서울 서울\u0301", " [MASK]한국 대한[MASK] ",
]


def vocabulary():
    entries = list(SPECIAL_TOKENS)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    jamo = [chr(c) for block in (range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3)) for c in block]
    for character in [*letters, *jamo, *"가각한국은는서울에년é", *PUNCTUATION]:
        entries += [character, "##" + character]
    entries += ENTRIES
    entries += ["##" + c for c in MARKS[:20]] + [c for c in COMPOSED[:24]]
    return [e for e in dict.fromkeys(entries) if not e.isspace()]


def outcomes(encodings):
    """Distinct outcomes, and the index of each encoding's."""
    distinct, index = [], []
    for encoding in encodings:
        outcome = {"ids": encoding["ids"], "offsets": [end for offset in encoding["offsets"] for end in offset]}
        if outcome not in distinct:
            distinct.append(outcome)
        index.append(distinct.index(outcome))
    return {"outcomes": distinct, "outcome": index}


def main():
    entries = vocabulary()
    path = HERE / "vocabulary.txt"
    path.write_text("".join(e + "\n" for e in entries), encoding="utf-8")
    texts = HAND_WRITTEN + random_texts(480, 20, pieces=12)
    by_settings = [encode_all(fast_tokenizer(path, **settings), texts) for settings in SETTINGS]
    cases = [{"text": text, **outcomes(per_text)} for text, *per_text in zip(texts, *by_settings)]

    # Entries with inner spaces or that only an added token reaches stand at the end.
    path.write_text("".join(e + "\n" for e in entries + FLAGGED_ENTRIES), encoding="utf-8")
    flagged = []
    for settings in SETTINGS[::2]:
        tokenizer = fast_tokenizer(path, **settings)
        tokenizer.add_tokens([AddedToken(**flags) for flags in FLAGGED])
        flagged.append(encode_all(tokenizer, FLAGGED_TEXTS))
    path.unlink()
    content = {
        "versions": {"tokenizers": tokenizers.__version__},
        "vocabulary": entries,
        "settings": SETTINGS,
        "cases": cases,
        "flagged": {
            "entries": FLAGGED_ENTRIES,
            "tokens": FLAGGED,
            "settings": SETTINGS[::2],
            "cases": [{"text": text, **outcomes(per_text)} for text, *per_text in zip(FLAGGED_TEXTS, *flagged)],
        },
    }
    (HERE / "tokens.json").write_text(json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

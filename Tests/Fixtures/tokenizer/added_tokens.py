#!/usr/bin/env python3
"""Makes added.json: model folders whose tokenizer has tokens that vocab.txt lacks, and what transformers' AutoTokenizer
makes of some texts with them: ids, and offsets one after the other.

    python added_tokens.py
"""
import json
import os
import pathlib
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import transformers  # noqa: E402

HERE = pathlib.Path(__file__).parent

VOCABULARY = """[PAD] [UNK] [CLS] [SEP] [MASK] 표 ##의 항 ##목 항목 [ ] table TABLE < > li LI / new NEW a ##b""".split()
NEXT = len(VOCABULARY)

TEXTS = [
    "[TABLE] 표의 <li>항목</li>", "[table]<LI> <li>", "a [NEW] b", "a [NEW][NEW]  항목", "ab<li>ab", "[TABLE", "  <li>  [TABLE]  ",
    "표<li>의", "\u3000[NEW]\n항목", "table new [NEW]",
]


def token(content, **flags):
    plain = dict(lstrip=False, rstrip=False, normalized=True, single_word=False, special=False)
    return {"content": content, **plain, **flags}


def configuration(lower=False, **more):
    return {"do_lower_case": lower, "tokenizer_class": "BertTokenizer", **more}


ADDED = {"<li>": NEXT + 1, "[TABLE]": NEXT}
DECODER = {str(NEXT): token("[TABLE]"), str(NEXT + 1): token("<li>", normalized=False), str(NEXT + 2): token("[NEW]", special=True, normalized=False)}
FLAGS = {
    str(NEXT): token("[NEW]", lstrip=True, rstrip=True, normalized=False),
    str(NEXT + 1): token("<li>", single_word=True),
    str(NEXT + 2): token("[TABLE]", rstrip=True),
}
FOLDERS = {
    "added_tokens": {"tokenizer_config.json": configuration(), "added_tokens.json": ADDED},
    "added_tokens_lower": {"tokenizer_config.json": configuration(lower=True), "added_tokens.json": ADDED},
    "decoder": {"tokenizer_config.json": configuration(added_tokens_decoder=DECODER)},
    "decoder_lower": {"tokenizer_config.json": configuration(lower=True, added_tokens_decoder=DECODER)},
    "decoder_wins": {
        "tokenizer_config.json": configuration(added_tokens_decoder={str(NEXT): token("<li>")}), "added_tokens.json": ADDED},
    "flags": {"tokenizer_config.json": configuration(added_tokens_decoder=FLAGS)},
    "additional": {"tokenizer_config.json": configuration(additional_special_tokens=["[NEW]", "[TABLE]"])},
    "map": {
        "tokenizer_config.json": configuration(), "special_tokens_map.json": {"additional_special_tokens": ["[NEW]", "[TABLE]"]}},
    "added_and_map": {
        "tokenizer_config.json": configuration(), "added_tokens.json": {"<li>": NEXT},
        "special_tokens_map.json": {"additional_special_tokens": ["[NEW]"]}},
}


def outcomes(files):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "vocab.txt").write_text("".join(e + "\n" for e in VOCABULARY), encoding="utf-8")
        (path / "config.json").write_text(json.dumps({"model_type": "bert"}))
        for name, content in files.items():
            (path / name).write_text(json.dumps(content), encoding="utf-8")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        for text in TEXTS:
            encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            yield {"ids": encoding["input_ids"], "offsets": [end for offset in encoding["offset_mapping"] for end in offset]}


def main():
    content = {
        "versions": {"transformers": transformers.__version__},
        "vocabulary": VOCABULARY,
        "texts": TEXTS,
        "folders": [
            {"name": name, "files": {key: json.dumps(value) for key, value in files.items()}, "outcomes": list(outcomes(files))}
            for name, files in FOLDERS.items()
        ],
    }
    (HERE / "added.json").write_text(json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

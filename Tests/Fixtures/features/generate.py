"""Writes features as Hugging Face's fast tokenizer and run_qa.py's preparation give them.

    python3 generate.py OUTPUT_FOLDER

The tokens of every question and context are written too, so that a test needs no tokenizer of its own. All
text is made up here. `windows_of` restates prepare_train_features and prepare_validation_features; the one
difference is that the search for the start stays inside the context.
"""

import json
import pathlib
import random
import string
import sys

import tokenizers
import transformers

NAMES = "한강 서울 두레 마을 김치 비빔밥 거북선 한라산 제주도 훈민정음 세종대왕 부산 경주 불국사 첨성대 漢江 Seoul KTX 1988년 3월".split()
VERBS = "있다 없다 먹는다 흐른다 세웠다 만들었다 시작되었다 알려졌다 유명하다 높다".split()
PARTICLES = "은 는 이 가 을 를 의 에서 으로 까지".split()


def sentence(rng):
    words = [rng.choice(NAMES) + rng.choice(PARTICLES) for _ in range(rng.randint(2, 6))]
    if rng.random() < 0.2:
        words.insert(1, rng.choice(["(동해)", "'한글'", "12,345명", "🙂", "뷁", "a\u0301", "  "]))
    return " ".join(words) + " " + rng.choice(VERBS) + rng.choice([". ", ". ", "! ", ".\n"])


def make_tokenizer():
    letters = sorted(set("".join(NAMES + VERBS + PARTICLES) + "동해글명" + string.digits) - set(string.whitespace))
    pieces = ["한강", "서울", "두레", "마을", "김", "비빔", "거북", "##선", "제주", "##도", "훈민", "##정음", "세종", "19", "##88"]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    entries = special + letters + ["##" + letter for letter in letters] + list(".,!?'()~") + pieces
    vocabulary = {entry: index for index, entry in enumerate(dict.fromkeys(entries))}
    backend = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    backend.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    backend.add_special_tokens(special)
    cls, sep = vocabulary["[CLS]"], vocabulary["[SEP]"]
    backend.post_processor = tokenizers.processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    names = dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **names)


def windows_of(tokenizer, question, context, answer, max_length, stride):
    encoded = tokenizer(
        question.lstrip(),
        context,
        truncation="only_second",
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
        padding=False,
    )
    rows = []
    for index, ids in enumerate(encoded["input_ids"]):
        owners = encoded.sequence_ids(index)
        offsets = encoded["offset_mapping"][index]
        inside = [k for k, owner in enumerate(owners) if owner == 1]
        start = end = 0
        if answer and inside:
            lower, upper = answer[1], answer[1] + len(answer[0])
            if offsets[inside[0]][0] <= lower and offsets[inside[-1]][1] >= upper:
                start = [k for k in inside if offsets[k][0] <= lower][-1]
                end = [k for k in inside if offsets[k][1] >= upper][0]
        types = encoded["token_type_ids"][index]
        first = inside[0] if inside else None
        rows.append([ids, sum(1 for t in types if t == 0), first, len(inside), start, end])
    return rows


def encode(tokenizer, text):
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [[i, s, e] for i, (s, e) in zip(encoded["input_ids"], encoded["offset_mapping"])]


def make_question(rng, context):
    question = rng.choice(["", " ", "\t\u3000", "\u001c\n"]) + " ".join(rng.choices(NAMES, k=rng.randint(1, 5))) + "?"
    if rng.random() < 0.1:
        return question, None
    if rng.random() < 0.15:
        length = rng.randint(1, 6)
        return question, (context[:length], 0)
    start = rng.randrange(len(context) - 1)
    length = min(rng.randint(1, 12), len(context) - start)
    return question, (context[start : start + length], start)


def main():
    rng = random.Random(7)
    tokenizer = make_tokenizer()
    settings = [(32, 8), (32, 0), (40, 20), (64, 16), (384, 128)]
    examples, expected, texts = [], {f"{m}/{s}": [] for m, s in settings}, {}
    for number in range(40):
        context = "".join(sentence(rng) for _ in range(rng.randint(1, 9)))
        question, answer = make_question(rng, context)
        if number < 12:
            # Contexts around the size of a window, for the edges.
            question, answer = "서울 마을?", None
            room = 32 - 3 - len(encode(tokenizer, question))
            want = [room - 1, room, room + 1, 2 * room - 8, 2 * room - 7, 2 * room - 9, 2 * room, 2 * room + 1,
                    room - 8, 1, 3 * room, 3 * room - 16][number]
            context = " ".join(["서울"] * want)
            answer = ("서울", 3 * (want // 2)) if number % 2 else ("서울", 0)
        texts[context] = encode(tokenizer, context)
        texts[question.lstrip()] = encode(tokenizer, question.lstrip())
        examples.append([context, question, list(answer) if answer else None])
        for m, s in settings:
            expected[f"{m}/{s}"].append(windows_of(tokenizer, question, context, answer, m, s))
    result = {
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "special": [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id],
        "tokens": texts,
        "examples": examples,
        "features": expected,
    }
    path = pathlib.Path(sys.argv[1]) / "features.json"
    path.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

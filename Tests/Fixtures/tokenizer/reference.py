"""The reference side of the tokenizer's checks: Hugging Face's fast tokenizer, and texts to try it on."""
import itertools
import random

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

SPECIAL_TOKENS = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]

SETTINGS = [
    {"do_lower_case": lower, "strip_accents": strip, "tokenize_chinese_chars": chinese}
    for lower, strip, chinese in itertools.product((False, True), (None, True, False), (True, False))
]


def read_vocabulary(path):
    """Entries with their ids, as `tokenizers` reads a vocab.txt."""
    return models.WordPiece.read_file(str(path))


def fast_tokenizer(vocabulary, do_lower_case=True, strip_accents=None, tokenize_chinese_chars=True):
    """What BertTokenizerFast builds, without special tokens added around the text."""
    tokenizer = Tokenizer(models.WordPiece(read_vocabulary(vocabulary), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=tokenize_chinese_chars, strip_accents=strip_accents,
        lowercase=do_lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    return tokenizer


def encode_all(tokenizer, texts):
    return [
        {"tokens": e.tokens, "ids": e.ids, "offsets": [list(o) for o in e.offsets]}
        for e in tokenizer.encode_batch(texts, add_special_tokens=False)
    ]


WHITE_SPACE = "\t\n\x0b\x0c\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2007\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
CONTROLS = "\x00\x01\x07\x08\x0e\x1b\x7f\x80\x9f\xad\u061c\u180e\u200b\u200c\u200d\u200e\u2060\ufeff\ufff9\ufffd\ue000\U000e0001\U000f0000"
MARKS = ("\u0300\u0301\u0308\u030a\u0316\u0323\u0327\u0334\u0338\u0345\u0344\u05b0\u0651\u093c\u094d\u0f71\u0f72"
         "\u302a\u302e\u302f\u3099\u309a\u1b44\ua953\ufe0f\u20dd\u20e3\U0001d165\U0001d166\U0001d16d\U00016ff0\U000e0100"
         "\U000111c0\u0903\u0bd7\u1dfa\u0898\U00011938")
EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🇰🇷", "❤️", "1️⃣", "🏴\U000e0067\U000e007f", "🫨"]
COMPOSED = "éÉñÅåÖüßſİIıǅǆΑΣσςΐﬁﬀＡａ½①㈀㎏㏂ÀẤạᾳᾼЁйגּאָকোৌേಠ≠≤Åℵ豈更﨎カガｶﾞぱ𝅗𝅥"
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~。、「」《》〈〉‘’“”…·—–§¶¡¿°±×÷₩€£￥＂＃（）［］～；`"
WORDS = ["대한민국", "서울", "한국어", "을", "에서", "이다", "The", "Seoul", "BERT", "Korea", "1988", "년", "##은", "##", "unused",
         "漢字", "大韓民國", "東京", "İstanbul", "ΟΔΥΣΣΕΥΣ", "naïve", "cafe\u0301", "ㄱㄴㄷ", "ㅋㅋㅋㅋ", "ㅠㅠ"]


def random_piece(generator):
    """A short piece of one of the kinds of text that go wrong."""
    choose = generator.choice
    kind = generator.randrange(16)
    if kind == 0:
        return "".join(chr(generator.randrange(0xAC00, 0xD7A4)) for _ in range(generator.randint(1, 4)))
    if kind == 1:
        return "".join(chr(generator.randrange(0x1100, 0x1200)) for _ in range(generator.randint(1, 3)))
    if kind == 2:
        return chr(0x1100 + generator.randrange(19)) + chr(0x1161 + generator.randrange(21)) + choose(
            ["", chr(0x11A8 + generator.randrange(27))])
    if kind == 3:
        return chr(choose([generator.randrange(0x4E00, 0xA000), generator.randrange(0x3400, 0x4DC0),
                           generator.randrange(0xF900, 0xFB00), generator.randrange(0x20000, 0x2A700),
                           generator.randrange(0x2F800, 0x2FA20), generator.randrange(0x30000, 0x31350)]))
    if kind == 4:
        return choose(EMOJI)
    if kind == 5:
        return "".join(choose(MARKS) for _ in range(generator.randint(1, 3)))
    if kind == 6:
        return choose(WHITE_SPACE)
    if kind == 7:
        return choose(CONTROLS)
    if kind == 8:
        return choose(SPECIAL_TOKENS + ["[unused1]", "[cls]", "[ CLS]", "[CLS", "[[MASK]]", "CLS]", "[UNK][SEP]"])
    if kind == 9:
        return choose(PUNCTUATION)
    if kind in (10, 11, 12):
        return choose(WORDS)
    if kind == 13:
        return choose(COMPOSED)
    if kind == 14:
        code_point = generator.randrange(0x110000)
        return "" if 0xD800 <= code_point <= 0xDFFF else chr(code_point)
    return choose(["가", "a", "É", "1", "ㅋ"]) * generator.choice([2, 5, 98, 99, 100, 101, 130])


def random_texts(count, seed, pieces=30):
    """Strings of up to so many pieces, some joined, some spaced; runs of marks on composed letters among them."""
    generator = random.Random(seed)
    texts = []
    for _ in range(count):
        spaced = generator.random() < 0.3
        parts = [random_piece(generator) for _ in range(generator.randint(1, pieces))]
        texts.append((" " if spaced else "").join(parts))
    return texts

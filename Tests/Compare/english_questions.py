"""Writes a small English dataset in SQuAD 1.1 format, the same for the same seed.

Each context tells of a few made-up people, and each question asks for one fact about one of them. The others' facts of
the same kind, towns asked for in two ways and years in two ways are there to be taken for the answer, many sentences
say "he" or "she" instead of the name, and questions use other words than contexts: a model has to learn to read.
"""

import random
from pathlib import Path
from typing import NamedTuple

from datasets_and_features import write_dataset

NAMES = {
    "he": "Adam Bruno Caspar David Edwin Felix Gustav Hector Isaac Julian Kenneth Leonard Martin Oscar Paul".split(),
    "she": "Anna Beatrice Clara Dora Edith Flora Grace Helen Irene Julia Karen Laura Martha Nora Olga".split(),
}
SURNAMES = (
    "Abbott Barlow Carver Dalton Elwood Fenwick Garner Hadley Ingram Jarvis Keller Lambert Mercer Norwood Osborn "
    "Parrish Quincy Redmond Sawyer Thorne Underhill Vance Whitaker Yardley Ashby Bramwell Colby Draper Emery Forster "
    "Gresham Holloway Irving Kendrick Langley Marlow Newton Oakley Prescott Ramsey Stanton Tilley Vernon Winslow"
).split()
TOWNS = (
    "Avignon Bergen Bristol Cordoba Dresden Dublin Florence Geneva Ghent Hamburg Krakow Leiden Lisbon Lyon Malmo Naples "
    "Odessa Oxford Palermo Porto Prague Riga Rouen Salzburg Seville Tartu Toledo Turin Utrecht Verona Vilnius York"
).split()
YEARS = [str(year) for year in range(1820, 1960)]
PROFESSIONS = (
    "a painter;a botanist;a violin maker;a bridge engineer;a country doctor;a court judge;a clock maker;a geologist;"
    "a printer;a school teacher;a naval officer;a chemist;an astronomer;a wine merchant;an architect;a translator"
).split(";")
SUBJECTS = (
    "river fish;old maps;church organs;steam engines;wild orchids;rare beetles;folk songs;glass making;comets;"
    "tidal currents;medieval law;mountain glaciers;early printing;bird migration;sea shells;ancient coins"
).split(";")
PRIZES = (
    "Halden Medal;Corwin Prize;Silver Compass;Linden Award;Marston Cup;Royal Ribbon;Golden Quill;Aster Prize"
).split(";")


class Fact(NamedTuple):
    """Texts of a context, which a name or pronoun begins, and questions."""

    values: list[str]
    sentences: list[str]
    questions: list[str]


FACTS = {
    "birthplace": Fact(
        TOWNS,
        ["{who} was born in {value}", "{who} grew up in the old town of {value}"],
        ["Where did {name} spend childhood?", "What is the home town of {name}?"],
    ),
    "residence": Fact(
        TOWNS,
        ["{who} later settled in {value}", "{who} spent the last years in a house in {value}"],
        ["Where did {name} live at the end?", "Which city did {name} move to in old age?"],
    ),
    "birth": Fact(
        YEARS,
        ["{who} first saw the light of day in {value}", "{who} came into the world in the winter of {value}"],
        ["In which year was {name} born?", "When was the birth of {name}?"],
    ),
    "appointment": Fact(
        YEARS,
        ["{who} was called to the academy in {value}", "{who} became a member of the academy in {value}"],
        ["When did {name} join the academy?", "What year brought {name} into the academy?"],
    ),
    "profession": Fact(
        PROFESSIONS,
        ["{who} worked as {value} for many years", "{who} earned a living as {value}"],
        ["What was the job of {name}?", "What did {name} do for work?"],
    ),
    "subject": Fact(
        SUBJECTS,
        ["{who} wrote a long book about {value}", "{who} published three papers on {value}"],
        ["What did {name} write about?", "Which topic did the publications of {name} treat?"],
    ),
    "prize": Fact(
        PRIZES,
        ["{who} received the {value}", "{who} was honoured with the {value}"],
        ["Which award did {name} win?", "What was {name} given as a distinction?"],
    ),
}
TIMES = ["", "", "", " after the war", " against the wishes of the family", " together with a friend"]


def person(generator: random.Random, surname: str, used: set[str]) -> dict:
    """Name, pronoun and three facts; nobody in a context shares a value."""
    pronoun = generator.choice(list(NAMES))
    facts = {}
    for kind in generator.sample(list(FACTS), 3):
        facts[kind] = generator.choice([value for value in FACTS[kind].values if value not in used])
        used.add(facts[kind])
    return {"name": f"{generator.choice(NAMES[pronoun])} {surname}", "pronoun": pronoun, "facts": facts}


def paragraph(generator: random.Random, surnames: list[str], identifier: str, question_count: int) -> dict:
    used: set[str] = set()
    people = [person(generator, surname, used) for surname in surnames]
    context, asked = "", []
    for one in people:
        for number, (kind, value) in enumerate(one["facts"].items()):
            who = one["name"] if number == 0 or generator.random() < 0.6 else one["pronoun"].capitalize()
            before, after = generator.choice(FACTS[kind].sentences).format(who=who, value="\0").split("\0")
            start = len(context) + len(before)
            context += f"{before}{value}{after}{generator.choice(TIMES)}. "
            text = generator.choice(FACTS[kind].questions).format(name=one["name"])
            asked.append({"question": text, "answers": [{"text": value, "answer_start": start}]})
    questions = [
        {"id": f"{identifier}-{number}"} | entry for number, entry in enumerate(generator.sample(asked, question_count))
    ]
    return {"context": context.rstrip(), "qas": questions}


def dataset(generator: random.Random, surnames: list[str], name: str, contexts: int, questions: int) -> dict:
    paragraphs = [
        paragraph(generator, generator.sample(surnames, 3), f"{name}-{number}", questions) for number in range(contexts)
    ]
    return {"version": "1.1", "data": [{"title": name, "paragraphs": paragraphs}]}


def write(folder: Path, seed: int, contexts: int = 240, held_out: int = 60, questions: int = 5) -> tuple[Path, Path]:
    """Files to train on and to validate on. Nobody is in both, as far as surnames go."""
    generator = random.Random(seed)
    surnames = SURNAMES.copy()
    generator.shuffle(surnames)
    training = dataset(generator, surnames[: len(surnames) * 2 // 3], "training", contexts, questions)
    validation = dataset(generator, surnames[len(surnames) * 2 // 3 :], "validation", held_out, questions)
    return (
        write_dataset(folder / "english-train.json", training),
        write_dataset(folder / "english-validation.json", validation),
    )

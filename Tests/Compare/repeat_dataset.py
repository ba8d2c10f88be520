"""Repeats a dataset in the form of SQuAD with new ids, to measure how much memory and time a large one takes.

    python repeat_dataset.py KorQuAD_v1.0_dev.json 300248 OUT.json
"""

import copy
import json
import sys


def repeated(articles, wanted):
    """Yields articles with ids of their own until they have `wanted` questions."""
    count = 0
    for round_number in range(wanted):
        for article in articles:
            article = copy.deepcopy(article)
            for paragraph in article["paragraphs"]:
                paragraph["qas"] = paragraph["qas"][: wanted - count]
                count += len(paragraph["qas"])
                for question in paragraph["qas"]:
                    question["id"] = f"{question['id']}-{round_number}"
            yield article
            if count == wanted:
                return


def main():
    source, wanted, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(source, encoding="utf-8") as file:
        data = json.load(file)
    with open(target, "w", encoding="utf-8") as file:
        file.write('{"version": ' + json.dumps(data.get("version")) + ', "data": [')
        for index, article in enumerate(repeated(data["data"], wanted)):
            file.write(", " if index else "")
            json.dump(article, file, ensure_ascii=False)
        file.write("]}\n")


if __name__ == "__main__":
    main()

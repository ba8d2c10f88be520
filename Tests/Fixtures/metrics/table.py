"""Writes predictions.json, ids and answers made up here, and predictions.csv, the same as Python's csv writes them.

    python3 table.py OUTPUT_FOLDER
"""

import csv
import io
import json
import pathlib
import sys

ROWS = [
    ["1", "서울"], ["2", ""], ["쉼표,id", "12,345명"], ["4", '"한글"'], ["5", "한 줄\n두 줄"], ["6", "a\r\nb"],
    ["7", "c\rd"], ["8", " 앞뒤 "], ["9", "🙂 e\u0301"], ["10", "''"], ["11", '"'], ["12", "#;\t|"], ["13", '《"》,\n'],
]


def main():
    folder = pathlib.Path(sys.argv[1])
    text = ""
    for row in [["Id", "Predicted"], *ROWS]:
        line = io.StringIO(newline="")
        # With this line end the writer sees to it that both of its characters are quoted within fields.
        csv.writer(line, lineterminator="\r\n").writerow(row)
        text += line.getvalue().removesuffix("\r\n") + "\n"
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == ROWS
    (folder / "predictions.csv").write_bytes(text.encode())
    (folder / "predictions.json").write_text(json.dumps(ROWS, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

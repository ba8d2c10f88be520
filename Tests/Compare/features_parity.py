"""Features of `dure prepare` in each of its forms, beside those of `run_qa.py`'s preparation.

    python features_parity.py DURE --dataset F --vocab V [--vocab V2 …] --workdir W

Ids, token types, answer positions, the number of windows and offsets must all be equal. Files are read as their
users read them: JSON lines by json, TFRecord by tf.data.TFRecordDataset, HDF5 by h5py. It needs the environment of
requirements-tensorflow.txt.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import tensorflow as tf
from transformers import BertTokenizerFast

import datasets_and_features as reference

SETTINGS = [(384, 128), (512, 256), (300, 100)]


def make_model(dure, vocabulary, folder):
    entries = sum(1 for _ in vocabulary.open(encoding="utf-8"))
    configuration = {
        "model_type": "bert", "vocab_size": entries, "hidden_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 512, "type_vocab_size": 2,
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    config = folder.with_suffix(".json")
    config.write_text(json.dumps(configuration))
    run(dure, "init", "--config", config, "--vocab", vocabulary, "--output", folder)
    return folder


def run(dure, *arguments):
    result = subprocess.run([*dure, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout


def row(feature, labelled):
    offsets = None if feature.offsets is None else [list(o) if o is not None else None for o in feature.offsets]
    row = [feature.question.identifier, feature.input_ids, feature.token_type_ids, offsets]
    return row + ([feature.start, feature.end] if labelled else [None, None])


def of_lines(path):
    for line in path.open(encoding="utf-8"):
        record = json.loads(line)
        yield [
            record["example_id"], record["input_ids"], record["token_type_ids"], record["offsets"],
            record.get("start_position"), record.get("end_position"),
        ]


def of_hdf5(path):
    with h5py.File(path) as file:
        names = json.loads(file["example_ids"][0].decode())
        index, offsets = file["index"][:], file["offsets"][:].reshape(-1, 2).tolist()
        ids, types = file["input_ids"][:].tolist(), file["token_type_ids"][:].tolist()
        columns = [file[name][:].tolist() for name in ("example", "start_position", "end_position")]
    for number, (example, start, end) in enumerate(zip(*columns)):
        part = slice(index[number], index[number + 1])
        spans = [None if offset[0] < 0 else offset for offset in offsets[part]]
        label = [None, None] if start < 0 else [start, end]
        yield [names[example], ids[part], types[part], spans, *label]


def of_records(path, labelled):
    lists = {name: tf.io.RaggedFeature(tf.int64) for name in ("input_ids", "token_type_ids", "attention_mask")}
    numbers = {name: tf.io.FixedLenFeature([], tf.int64) for name in ("start_positions", "end_positions")}
    features = {**lists, **(numbers if labelled else {})}
    for record in tf.data.TFRecordDataset(str(path)).map(lambda text: tf.io.parse_single_example(text, features)):
        if not all(record["attention_mask"].numpy() == 1):
            sys.exit("an attention mask is not all ones")
        label = [int(record[name]) for name in numbers] if labelled else [None, None]
        yield [None, record["input_ids"].numpy().tolist(), record["token_type_ids"].numpy().tolist(), None, *label]


def differences(found, expected):
    """Of each column, where both have one; windows that only one side has count as different."""
    names = ("example", "ids", "types", "offsets", "start", "end")
    counts = dict.fromkeys(names, 0)
    for one, other in zip(found, expected):
        for name, left, right in zip(names, one, other):
            counts[name] += left is not None and left != right
    counts["windows"] = abs(len(found) - len(expected))
    return counts


def compare(name, found, expected):
    counts = differences(list(found), expected)
    total = sum(counts.values())
    print(f"  {name}: {len(expected)} windows, {total} differences" + (f" {counts}" if total else ""), flush=True)
    return total


def without_answers(path, output):
    dataset = reference.read_dataset(path)
    for article in dataset["data"]:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                del entry["answers"]
    return reference.write_dataset(output, dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--vocab", type=Path, required=True, action="append")
    parser.add_argument("--workdir", type=Path, required=True)
    options = parser.parse_args()
    dure = shlex.split(options.dure)
    options.workdir.mkdir(parents=True, exist_ok=True)
    questions = reference.questions_of(reference.read_dataset(options.dataset))
    unlabelled = without_answers(options.dataset, options.workdir / "unanswered.json")
    total = 0
    for vocabulary in options.vocab:
        tokenizer = BertTokenizerFast(vocab_file=str(vocabulary), do_lower_case=False)
        model = make_model(dure, vocabulary, options.workdir / f"model-{vocabulary.stem}")
        for length, overlap in SETTINGS:
            print(f"{vocabulary.name} {length}/{overlap}")
            training = reference.training_features(tokenizer, questions, length, overlap)
            windows = [w for q in questions for w in reference.windows(tokenizer, q, length, overlap)]
            for dataset, expected, labelled in [
                (options.dataset, [row(feature, True) for feature in training], True),
                (unlabelled, [row(feature, False) for feature in windows], False),
            ]:
                for ending, read in [
                    ("jsonl", of_lines), ("h5", of_hdf5), ("tfrecord", lambda path: of_records(path, labelled)),
                ]:
                    output = options.workdir / f"features.{ending}"
                    run(
                        dure, "prepare", "--model", model, "--dataset", dataset, "--output", output,
                        "--max-seq-length", length, "--doc-stride", overlap, "--no-do-lower-case",
                    )
                    purpose = "training" if labelled else "evaluation"
                    total += compare(f"{purpose} {ending}", read(output), expected)
    print(f"{total} differences in all")
    sys.exit(0 if total == 0 else 1)


if __name__ == "__main__":
    main()

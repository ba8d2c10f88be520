"""Exports a model with dure in every form and opens each with the program it is for: transformers with PyTorch and
with TensorFlow, h5py and h5dump. Logits, tokens and weights must be those of dure."""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import numpy
import tensorflow
import torch
import transformers

import answers
import programs
from datasets_and_features import Feature, Question, first_questions, questions_of, read_dataset, windows, write_dataset

transformers.logging.set_verbosity_error()

CONFIGURATIONS = {
    "bert": transformers.BertConfig, "electra": transformers.ElectraConfig, "roberta": transformers.RobertaConfig,
}
SIZES = {
    "small": {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 512},
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased model")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--model-type", choices=CONFIGURATIONS, default="bert")
    parser.add_argument("--size", choices=SIZES, default="small", help="small ELECTRA projects its embeddings")
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--steps", type=int, default=4, help="of training before the export")
    parser.add_argument("--max-seq-length", type=int, default=384)
    parser.add_argument("--limit", type=float, default=1e-5, help="largest difference of a logit")
    return parser.parse_args()


def configured(options: argparse.Namespace) -> tuple[transformers.PretrainedConfig, list[str]]:
    """Configuration and vocabulary. Weights are larger than usual, so that logits are."""
    tokens = options.vocab.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    settings = {"max_position_embeddings": 512} | SIZES[options.size]
    if options.model_type == "electra":
        settings["embedding_size"] = settings["hidden_size"] // (2 if options.size == "small" else 1)
    if options.model_type == "roberta":
        # As klue/roberta-base.
        special = ["[CLS]", "[PAD]", "[SEP]", "[UNK]"]
        tokens = special + [token for token in tokens if token not in special]
        settings |= {"max_position_embeddings": 514, "type_vocab_size": 1, "pad_token_id": 1, "layer_norm_eps": 1e-5}
        settings |= {"bos_token_id": 0, "eos_token_id": 2, "tokenizer_class": "BertTokenizer"}
    kind = CONFIGURATIONS[options.model_type]
    return kind(vocab_size=len(tokens), initializer_range=0.05, **settings), tokens


def trained_checkpoint(options: argparse.Namespace, questions: Path) -> Path:
    """A checkpoint of training, with the state of the optimizer."""
    configuration, tokens = configured(options)
    (options.workdir / "config.json").write_text(configuration.to_json_string(), encoding="utf-8")
    (options.workdir / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    shared = {"config": options.workdir / "config.json", "vocab": options.workdir / "vocab.txt"}
    model, output = programs.fresh(options.workdir / "model"), programs.fresh(options.workdir / "run")
    dure = shlex.split(options.dure)
    programs.run([*dure, "init", *programs.flags(shared | {"output": model})])
    settings = {
        "model": model, "train_file": questions, "output_dir": output, "max_steps": options.steps, "batch_size": 4,
        "max_seq_length": 128, "doc_stride": 32, "save_strategy": "steps", "save_steps": options.steps,
        "no_feature_cache": True,
    }
    programs.run([*dure, "train", *programs.flags(settings)])
    return next((output / "checkpoints").glob("step-*.h5"))


def export(options: argparse.Namespace, checkpoint: Path) -> dict[str, Path]:
    outputs = {"hf": options.workdir / "hf", "tf": options.workdir / "tf", "hdf5": options.workdir / "weights.h5"}
    for form, output in outputs.items():
        if output.is_file():
            output.unlink()
        programs.fresh(output)
        settings = {"checkpoint": checkpoint, "format": form, "output": output}
        programs.run([*shlex.split(options.dure), "export", *programs.flags(settings)])
    return outputs


def checksums(options: argparse.Namespace, path: Path) -> dict[str, str]:
    """Of the weights alone, by PyTorch's names."""
    text = programs.run([*shlex.split(options.dure), "inspect", "--json", "--verify", str(path)], quiet=True)
    tensors = {tensor["name"]: tensor["checksum"] for tensor in json.loads(text)["tensors"]}
    return {name.removeprefix("model/"): sum for name, sum in tensors.items() if not name.startswith("optimizer/")}


def features_of_one_window(tokenizer, questions: list[Question], options: argparse.Namespace) -> list[Feature]:
    found = []
    for question in questions:
        cut = windows(tokenizer, question, options.max_seq_length, 64)
        if len(cut) == 1:
            found += cut
        if len(found) == options.features:
            return found
    sys.exit(f"FAILED: only {len(found)} questions with a single window")


def inputs(feature: Feature, configuration: transformers.PretrainedConfig) -> dict[str, numpy.ndarray]:
    count = len(feature.input_ids)
    types = feature.token_type_ids if configuration.type_vocab_size > 1 else [0] * count
    rows = {"input_ids": feature.input_ids, "token_type_ids": types, "attention_mask": [1] * count}
    return {name: numpy.array([row], dtype="int32") for name, row in rows.items()}


def logits_of_torch(folder: Path, features: list[Feature]) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    kind = transformers.AutoModelForQuestionAnswering
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    if any(report.values()):
        sys.exit(f"FAILED: PyTorch reads the folder only in part: {report}")
    model.eval()
    found = []
    with torch.no_grad():
        for feature in features:
            output = model(**{name: torch.from_numpy(row).long() for name, row in inputs(feature, model.config).items()})
            found.append((output.start_logits[0].numpy(), output.end_logits[0].numpy()))
    return found


def logits_of_tensorflow(folder: Path, features: list[Feature]) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    kind = transformers.TFAutoModelForQuestionAnswering
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    if any(report.values()):
        sys.exit(f"FAILED: TensorFlow reads the folder only in part: {report}")
    found = []
    for feature in features:
        rows = {name: tensorflow.constant(row) for name, row in inputs(feature, model.config).items()}
        output = model(**rows, training=False)
        found.append((output.start_logits[0].numpy(), output.end_logits[0].numpy()))
    return found


def largest_difference(left: list[tuple], right: list[tuple]) -> float:
    return max(float(numpy.abs(a - b).max()) for first, second in zip(left, right) for a, b in zip(first, second))


def largest_difference_of_dure(options, checkpoint: Path, features: list[Feature], logits: list[tuple]) -> float:
    """Between the logits in dure's n-best lists, best first, and those that the logits of transformers give."""
    wanted = {feature.question.identifier for feature in features}
    dataset = read_dataset(options.dataset)
    for article in dataset["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"] = [entry for entry in paragraph["qas"] if entry["id"] in wanted]
    # As many as there are tokens, or equal logits at the end of the starts and ends looked at decide who is in.
    best, output = options.max_seq_length, programs.fresh(options.workdir / "answers")
    settings = {
        "model": checkpoint, "dataset": write_dataset(options.workdir / "wanted.json", dataset), "output_dir": output,
        "max_seq_length": options.max_seq_length, "doc_stride": 64, "n_best_size": best, "max_answer_length": 30,
        "no_feature_cache": True,
    }
    programs.run([*shlex.split(options.dure), "evaluate", *programs.flags(settings)])
    lists = programs.read_json(output / "eval_nbest_predictions.json")
    largest = 0.0
    for feature, (start, end) in zip(features, logits):
        expected = answers.n_best(feature.question, [(feature, start, end)], best, 30)
        found = lists[feature.question.identifier]
        if len(found) != len(expected):
            return float("inf")
        pairs = [numpy.array([[entry["start_logit"], entry["end_logit"]] for entry in each]) for each in (found, expected)]
        # Candidates whose scores are equal but for rounding may stand in another order, so each of the better half of
        # dure's is held against the nearest.
        distances = numpy.abs(pairs[0][: (len(found) + 1) // 2, None] - pairs[1][None]).max(axis=2).min(axis=1)
        largest = max(largest, float(distances.max()))
    return largest


def compare_tokens(checks: programs.Checks, options, checkpoint: Path, folders: list[Path], questions: list[Question]):
    lines = [question.text.replace("\n", " ") for question in questions]
    lines += [line for question in questions[::7] for line in question.context.split("\n") if line.strip()]
    lines += ["[CLS] 한글 [MASK] ÀÉ ABC abc 漢字 café \u0301", "e\u0301\u200d 各\u3000x"]
    command = [*shlex.split(options.dure), "tokenize", "--model", str(checkpoint)]
    result = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    own = [json.loads(line)["ids"] for line in result.stdout.split("\n") if line]
    for folder in folders:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        different = sum(
            tokenizer(line, add_special_tokens=False)["input_ids"] != ids for line, ids in zip(lines, own, strict=True)
        )
        what = f"{type(tokenizer).__name__} of {folder.name}: {different} of {len(lines)} lines have other ids"
        checks.expect(different == 0, what)


def compare_classes(checks: programs.Checks, options: argparse.Namespace, folders: list[Path]) -> None:
    """config.json says which class the weights are for, and what else it said."""
    given = programs.read_json(options.workdir / "config.json")
    wanted = {"architectures": [f"{options.model_type.capitalize()}ForQuestionAnswering"]}
    for folder in folders:
        found = programs.read_json(folder / "config.json")
        checks.expect(found == given | wanted, f"config.json of {folder.name}: {found['architectures'][0]}")


def compare_structure(checks: programs.Checks, files: list[Path]) -> None:
    """h5py and h5dump open the files; every weight of Keras is where its name says."""
    for path in files:
        with h5py.File(path) as file:
            count = 0
            file.visititems(lambda name, item: None if isinstance(item, h5py.Group) else item[()])
            for layer in file.attrs.get("layer_names", []):
                for name in file[layer.decode()].attrs["weight_names"]:
                    count += file[layer.decode()][name.decode()].size
        checks.expect(True, f"h5py reads {path.name}" + (f": {count} parameters" if count else ""))
        if shutil.which("h5dump"):
            passed = subprocess.run(["h5dump", "-H", path], capture_output=True).returncode == 0
            checks.expect(passed, f"h5dump -H reads {path.name}")


def main() -> int:
    options = arguments()
    options.workdir.mkdir(parents=True, exist_ok=True)
    checks = programs.Checks()
    dataset = read_dataset(options.dataset)
    few = write_dataset(options.workdir / "few.json", first_questions(dataset, 40))
    checkpoint = trained_checkpoint(options, few)
    outputs = export(options, checkpoint)
    weights = checksums(options, checkpoint)
    for form, output in outputs.items():
        checks.expect(checksums(options, output) == weights, f"{form}: {len(weights)} tensors read back the same")
    again = programs.fresh(options.workdir / "again")
    settings = {"checkpoint": outputs["tf"], "format": "hf", "output": again}
    programs.run([*shlex.split(options.dure), "export", *programs.flags(settings)])
    checks.expect(
        (again / "model.safetensors").read_bytes() == (outputs["hf"] / "model.safetensors").read_bytes(),
        "hf exported from tf is, byte for byte, hf exported from the checkpoint",
    )
    compare_classes(checks, options, [outputs["hf"], outputs["tf"]])
    questions = questions_of(dataset)
    compare_tokens(checks, options, checkpoint, [outputs["hf"], outputs["tf"]], questions[:700])
    features = features_of_one_window(
        transformers.AutoTokenizer.from_pretrained(outputs["hf"]), questions[40:], options
    )
    from_torch = logits_of_torch(outputs["hf"], features)
    from_tensorflow = logits_of_tensorflow(outputs["tf"], features)
    size = max(float(numpy.abs(row).max()) for pair in from_torch for row in pair)
    print(f"{len(features)} features of {sum(len(feature.input_ids) for feature in features)} tokens, logits to {size:.2f}")
    difference = largest_difference_of_dure(options, checkpoint, features, from_torch)
    checks.expect(difference <= options.limit, f"PyTorch of hf and dure: logits within {difference:.1e}")
    difference = largest_difference(from_tensorflow, from_torch)
    checks.expect(difference <= options.limit, f"TensorFlow of tf and PyTorch of hf: logits within {difference:.1e}")
    difference = largest_difference_of_dure(options, checkpoint, features, from_tensorflow)
    checks.expect(difference <= options.limit, f"TensorFlow of tf and dure: logits within {difference:.1e}")
    compare_structure(checks, [checkpoint, outputs["tf"] / "tf_model.h5", outputs["hdf5"]])
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

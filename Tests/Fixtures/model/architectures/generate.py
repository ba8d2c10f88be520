"""Writes the reference values of ELECTRA and RoBERTa for the tests of Model, as ../generate.py does for BERT.

Everything is computed by PyTorch and transformers in float64, one feature at a time, from weights that float32 holds
exactly. Run again only to change a case:

    python generate.py [--output FOLDER]
"""

import argparse
import importlib.metadata
import json
import platform
from pathlib import Path

import numpy
import torch
import transformers
from safetensors.torch import save_file

PACKAGES = ["torch", "transformers", "safetensors", "numpy"]
SEED = 20240301
SIZES = {
    "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40,
    "max_position_embeddings": 48, "attn_implementation": "eager",
}
BERT = {"type": "bert", "special": {"pad": 0, "cls": 2, "sep": 3}, "first_word": 5}
ELECTRA = BERT | {"type": "electra"}
# The order of KLUE's vocabulary: [CLS] [PAD] [SEP] [UNK].
ROBERTA = {"type": "roberta", "special": {"pad": 1, "cls": 0, "sep": 2}, "first_word": 5}
MODELS = {
    "electra": ELECTRA | {"configuration": transformers.ElectraConfig(embedding_size=24, **SIZES)},
    "electra-projected": ELECTRA | {"configuration": transformers.ElectraConfig(embedding_size=12, **SIZES)},
    "electra-narrowed": ELECTRA | {"configuration": transformers.ElectraConfig(embedding_size=31, **SIZES)},
    "roberta": ROBERTA | {
        "configuration": transformers.RobertaConfig(
            type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2, **SIZES
        )
    },
}
CLASSES = {
    "bert": transformers.BertForQuestionAnswering, "electra": transformers.ElectraForQuestionAnswering,
    "roberta": transformers.RobertaForQuestionAnswering,
}


def versions() -> dict:
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}


def write_json(path: Path, content: dict) -> None:
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def weights(network, generator: numpy.random.Generator) -> dict[str, torch.Tensor]:
    """Wide random values, so that no gradient is lost in rounding but those that are zero by nature."""
    tensors = {}
    for name, tensor in network.state_dict().items():
        values = generator.standard_normal(tuple(tensor.shape))
        if "LayerNorm.weight" in name:
            values = 1 + 0.2 * values
        elif name.endswith("bias"):
            values = 0.1 * values
        else:
            # Sums are as large whatever the width.
            width = 1 if "_embeddings.weight" in name else (24 / network.config.hidden_size) ** 0.5
            values = (0.3 if name == "qa_outputs.weight" else 0.2) * width * values
        tensors[name] = torch.tensor(values, dtype=torch.float32)
    return tensors


def features(model: dict, generator: numpy.random.Generator) -> list[dict]:
    """`[CLS] question [SEP] context [SEP]`; in the third, padding tokens stand in the question and the context."""
    special, items = model["special"], []
    # RoBERTa's rows for padding and before it are not for tokens.
    longest = model["configuration"].max_position_embeddings
    longest -= special["pad"] + 1 if model["type"] == "roberta" else 0
    for index, length in enumerate([4, 9, 23, 34, longest]):
        question = max(1, length // 4) if length > 4 else 0
        words = generator.integers(model["first_word"], model["configuration"].vocab_size, size=length - 3).tolist()
        if index == 2:
            words[question - 1] = words[question + 3] = special["pad"]
        first = question + 2
        answer = sorted(generator.integers(first, length - 1, size=2).tolist())
        ids = [special["cls"]] + words[:question] + [special["sep"]] + words[question:] + [special["sep"]]
        types = [0] * length if model["type"] == "roberta" else [0] * first + [1] * (length - first)
        items.append({
            "input_ids": ids, "token_type_ids": types, "start_position": answer[0], "end_position": answer[1],
        })
    return items


def outputs(network, item: dict) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Start and end logits `[length]` and the loss of one feature."""
    output = network(
        input_ids=torch.tensor([item["input_ids"]]), token_type_ids=torch.tensor([item["token_type_ids"]]),
        start_positions=torch.tensor([item["start_position"]]), end_positions=torch.tensor([item["end_position"]]),
    )
    return output.start_logits[0], output.end_logits[0], output.loss


def zero_by_nature(name: str) -> bool:
    """A constant added to all scores of a softmax changes nothing: these gradients are exactly 0."""
    shifts = ["attention.self.key.bias", "encoder.layer.1.output.LayerNorm.bias", "qa_outputs.bias"]
    return any(name.endswith(shift) for shift in shifts)


def write_model(folder: Path, model: dict, generator: numpy.random.Generator) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    network = CLASSES[model["type"]](model["configuration"])
    tensors = weights(network, generator)
    network.load_state_dict(tensors)
    network.save_pretrained(folder)
    network = network.double().eval()
    items = features(model, generator)
    found = [outputs(network, item) for item in items]
    loss = sum(loss for _, _, loss in found) / len(found)
    loss.backward()
    gradients = {name: parameter.grad.float() for name, parameter in network.named_parameters()}
    save_file(gradients, folder / "gradients.safetensors")
    write_json(folder / "expected.json", {
        "about": "loss = mean over features of (CE(start) + CE(end)) / 2; float64, dropout off. Gradients of "
        "zero_gradients are 0 in exact arithmetic: compare them absolutely.",
        "versions": versions(),
        "loss": loss.item(),
        "zero_gradients": [name for name in gradients if zero_by_nature(name)],
        "start_logits": [start.tolist() for start, _, _ in found],
        "end_logits": [end.tolist() for _, end, _ in found],
        "features": items,
    })


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    output = parser.parse_args().output
    torch.set_num_threads(1)
    generator = numpy.random.default_rng(SEED)
    for name, model in MODELS.items():
        write_model(output / name, model, generator)
    lines = [f"{package}=={version}" for package, version in versions().items()]
    (output / "versions.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Makes the files of this folder: small BERT weights in every form that Dure reads, by the programs users have.

Usage: generate.py OUTPUT_FOLDER    (needs torch, transformers, safetensors, h5py)
"""

import json
import os
import sys

import h5py
import numpy
import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import BertConfig, BertForQuestionAnswering

out = sys.argv[1]
vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "가", "나", "##다", "A", "日"]
torch.manual_seed(7)
config = BertConfig(
    vocab_size=len(vocabulary), hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
    max_position_embeddings=11, initializer_range=0.5,
)
model = BertForQuestionAnswering(config).eval()
for parameter in model.parameters():  # biases and LayerNorm as well, so that no two tensors are alike
    torch.nn.init.normal_(parameter, std=0.5)
weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def folder(name):
    path = os.path.join(out, name)
    os.makedirs(path, exist_ok=True)
    return path


def expected(name, tensors):
    """The values as float32, by their bits: JSON has no infinity."""
    with open(os.path.join(out, name), "w") as file:
        json.dump({key: value.float().flatten().view(torch.int32).tolist() for key, value in sorted(tensors.items())}, file)


# As save_pretrained writes it.
path = folder("bert")
model.save_pretrained(path)
for extra in ["generation_config.json"]:
    if os.path.exists(os.path.join(path, extra)):
        os.remove(os.path.join(path, extra))
with open(os.path.join(path, "vocab.txt"), "w", encoding="utf-8") as file:
    file.write("\n".join(vocabulary) + "\n")
with open(os.path.join(path, "tokenizer_config.json"), "w") as file:
    json.dump({"do_lower_case": False, "strip_accents": None}, file)
expected("bert.json", weights)

# Half precisions, with extremes: zero, subnormal, largest, infinite.
special = torch.tensor([0.0, -0.0, 6e-8, -6.1e-5, 65504.0, float("inf"), -float("inf"), 1 / 3])
for name, type in [("half", torch.float16), ("bfloat", torch.bfloat16), ("double", torch.float64)]:
    tensors = {key: value.to(type) for key, value in weights.items()}
    tensors["bert.embeddings.LayerNorm.weight"] = special.to(type)
    save_file(tensors, os.path.join(out, f"{name}.safetensors"), metadata={"format": "pt"})
    expected(f"{name}.json", tensors)

# A pretraining checkpoint of old: no prefix, gamma and beta, pooler, position ids, pretraining head, no span head.
old = {}
for name, tensor in weights.items():
    if name.startswith("qa_outputs"):
        continue
    name = name.removeprefix("bert.")
    old[name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")] = tensor
old["pooler.dense.weight"] = torch.zeros(8, 8)
old["embeddings.position_ids"] = torch.arange(11).unsqueeze(0)
old["cls.predictions.bias"] = torch.zeros(len(vocabulary))
save_file(old, os.path.join(out, "old-names.safetensors"), metadata={"format": "pt"})

# The checkpoint layout, put together with h5py alone in its default (old) file format.
with h5py.File(os.path.join(out, "by-h5py.h5"), "w") as file:
    file.attrs["dure_format_version"] = 1
    file.attrs["dure_version"] = "by hand"
    file.attrs["kind"] = "weights"
    file.attrs["step"] = 12
    file.attrs["epoch"] = 0.25
    file.attrs["created"] = "2024-01-02T03:04:05Z"
    for name, tensor in weights.items():
        file.create_dataset(f"model/{name}", data=tensor.numpy(), fletcher32=True)
    for name, text in [("config", config.to_json_string()), ("vocabulary", "\n".join(vocabulary) + "\n")]:
        data = numpy.array([text.encode()])
        file.create_dataset(name, data=data, fletcher32=True)
    file["vocabulary"].attrs["do_lower_case"] = False

# Not a checkpoint at all.
with h5py.File(os.path.join(out, "other.h5"), "w") as file:
    file["numbers"] = numpy.arange(3.0)

with open(os.path.join(out, "versions.txt"), "w") as file:
    for module in [torch, transformers, safetensors, h5py, numpy]:
        file.write(f"{module.__name__} {module.__version__}\n")

"""Makes the files of this folder: small BERT weights in every form that torch and transformers write.

Usage: generate.py OUTPUT_FOLDER    (needs torch, transformers, safetensors)

`expected.safetensors` holds what every file is to give by its name, and each `X.expected.safetensors` what the file
`X` is to give where that differs: tensors as torch loads them, made contiguous.
"""

import collections
import json
import os
import pickle
import shutil
import sys
import zipfile

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForQuestionAnswering

out = sys.argv[1]
vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "가", "나", "##다", "A", "日"]
torch.manual_seed(11)
config = BertConfig(
    vocab_size=len(vocabulary), hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
    max_position_embeddings=11, initializer_range=0.5,
)
model = BertForQuestionAnswering(config).eval()
for parameter in model.parameters():  # biases and LayerNorm as well, so that no two tensors are alike
    torch.nn.init.normal_(parameter, std=0.5)
weights = model.state_dict()


def path(*names):
    name = os.path.join(out, *names)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    return name


def expect(name, tensors):
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()}, path(name))


def save(name, tensors, **options):
    """Saves, and writes down what torch itself reads back."""
    torch.save(tensors, path(name), **options)
    loaded = torch.load(path(name), weights_only=False)
    for key in ["state_dict", "model_state_dict", "model"]:
        if key in loaded:
            loaded = loaded[key]
            break
    loaded = {key: value for key, value in loaded.items() if isinstance(value, torch.Tensor)}
    same = loaded.keys() == weights.keys() and all(
        loaded[key].dtype == weights[key].dtype and torch.equal(loaded[key], weights[key]) for key in weights)
    if not same:
        expect(os.path.splitext(name)[0] + ".expected.safetensors", loaded)


legacy = {"_use_new_zipfile_serialization": False}
expect("expected.safetensors", weights)
save("zip.bin", weights)
save("stream.bin", weights, **legacy)
save("stream-protocol4.bin", weights, pickle_protocol=4, **legacy)
save("zip-protocol4.bin", weights, pickle_protocol=4)
save("parameters.bin", dict(model.named_parameters()))
save("parameters-stream.bin", dict(model.named_parameters()), **legacy)
save("nested.bin", {"epoch": 3, "loss": 0.25, "note": "가", "done": True, "best": None, "model_state_dict": weights,
                    "optimizer": {"state": {0: {"step": torch.tensor(5.0), "list": [1, (2, 3)]}}}})

# Precisions, with extremes: zero, subnormal, largest, infinite.
special = torch.tensor([0.0, -0.0, 6e-8, -6.1e-5, 65504.0, float("inf"), -float("inf"), 1 / 3])
for name, type in [("half", torch.float16), ("bfloat", torch.bfloat16), ("double", torch.float64)]:
    tensors = {"a": special.to(type), "bert.b": weights["bert.encoder.layer.0.output.dense.weight"].to(type)}
    save(f"{name}.bin", tensors)
    save(f"{name}-stream.bin", tensors, **legacy)

# Every type of element that has a storage of its own.
types = {
    "i64": torch.tensor([-(2**62), 7]), "i32": torch.tensor([-(2**30), 7], dtype=torch.int32),
    "i16": torch.tensor([-5, 7], dtype=torch.int16), "i8": torch.tensor([-5, 7], dtype=torch.int8),
    "u8": torch.tensor([255, 7], dtype=torch.uint8), "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(2.5), "none": torch.zeros(0, 3), "position_ids": torch.arange(11).expand((1, -1)),
}
save("types.bin", types)
save("types-stream.bin", types, **legacy)

# Tensors that share storages or do not lie in them row by row.
base = torch.randn(6, 8)
cube = torch.randn(2, 3, 4)
views = {
    "base": base, "tied": base, "transposed": base.t(), "rows": base[2:5], "columns": base[:, 3:6],
    "steps": base[1::2, ::3], "column": base[:, 2], "element": base[3, 4], "expanded": base[1].expand(5, 8),
    "expanded_column": base[:, 1:2].expand(6, 7), "permuted": cube.permute(2, 0, 1), "cube": cube,
    "one": cube[1:2, :, 1:2], "halves": torch.randn(3, 4).half().t(), "longs": torch.arange(12).view(3, 4).t(),
    "bytes": torch.arange(6, dtype=torch.uint8).view(2, 3).t(), "empty": base[2:2].t(),
}
save("views.bin", views)
save("views-stream.bin", views, **legacy)

# A pretraining checkpoint of old: no prefix, gamma and beta, pooler, position ids, pretraining head, no span head.
old = collections.OrderedDict()
for name, tensor in weights.items():
    if name.startswith("qa_outputs"):
        continue
    name = name.removeprefix("bert.")
    old[name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")] = tensor
old["pooler.dense.weight"] = torch.zeros(8, 8)
old["embeddings.position_ids"] = torch.arange(11).unsqueeze(0)
old["cls.predictions.bias"] = torch.zeros(len(vocabulary))
save("old-names.bin", old, **legacy)


class Storage:
    """A storage as old versions of torch wrote it, whose views name the part of another storage that they are."""

    def __init__(self, *id):
        self.id = id


class Pickler(pickle._Pickler):
    """Writes as Python 2 did: texts are byte strings, an OrderedDict is a list of lists."""

    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, object):
        return object.id if isinstance(object, Storage) else None

    def save_text(self, object):
        data = object.encode()
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        self.memoize(object)

    dispatch[str] = save_text

    def reducer_override(self, object):
        if isinstance(object, collections.OrderedDict):
            return collections.OrderedDict, ([[key, value] for key, value in object.items()],)
        if isinstance(object, Tensor):
            return torch._utils._rebuild_tensor_v2, object.arguments
        return NotImplemented


class Tensor:
    def __init__(self, *arguments):
        self.arguments = arguments


# A stream with views of storages, which torch has not written since 0.4, as Python 2 would have written it.
data = torch.randn(20)
root = ("storage", torch.FloatStorage, "94", "cpu", 20)
hooks = collections.OrderedDict()
with open(path("python2.bin"), "wb") as file:
    for content in [0x1950A86A20F9469CFC6C, 1001,
                    {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}]:
        Pickler(file, protocol=2).dump(content)
    Pickler(file, protocol=2).dump(collections.OrderedDict([
        ("whole", Tensor(Storage(*root, None), 0, (4, 5), (5, 1), False, hooks)),
        ("part", Tensor(Storage(*root, ("95", 4, 12)), 2, (2, 5), (5, 1), False, hooks)),
    ]))
    Pickler(file, protocol=2).dump(["94"])
    file.write(len(data).to_bytes(8, "little") + data.numpy().tobytes())
loaded = torch.load(path("python2.bin"), weights_only=False)
assert torch.equal(loaded["part"], data[6:16].view(2, 5))
expect("python2.expected.safetensors", loaded)

# As save_pretrained writes shards, each small.
for kind, safe in [("sharded-safetensors", True), ("sharded-torch", False)]:
    folder = path(kind, "")
    model.save_pretrained(folder, max_shard_size="2KB", safe_serialization=safe)
    os.remove(os.path.join(folder, "config.json"))
    with open(os.path.join(folder, [n for n in os.listdir(folder) if n.endswith("index.json")][0])) as file:
        assert len(set(json.load(file)["weight_map"].values())) >= 3, "not three shards"

# A model folder with nothing but the archive.
folder = path("bert", "")
model.save_pretrained(folder, safe_serialization=False)
with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
    file.write("\n".join(vocabulary) + "\n")
with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
    json.dump({"do_lower_case": False, "strip_accents": None}, file)

# The archive as other programs would put it together: compressed, and stored without zip64 or descriptors.
for name, method in [("deflated.bin", zipfile.ZIP_DEFLATED), ("repacked.bin", zipfile.ZIP_STORED)]:
    with zipfile.ZipFile(path("zip.bin")) as source, zipfile.ZipFile(path(name), "w", method) as target:
        for entry in source.namelist():
            target.writestr(zipfile.ZipInfo(entry), source.read(entry), compress_type=method)

# Small ones to be damaged in every way.
tiny = {"a": torch.tensor([1.0, 2.0, 3.0])}
save("tiny.bin", tiny)
save("tiny-stream.bin", tiny, **legacy)

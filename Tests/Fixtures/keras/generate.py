"""Writes the fixtures in this folder: files of Keras weights as transformers' TensorFlow models save them, and what
transformers makes of them in PyTorch.

    pip install -r versions.txt (Python 3.11)
    python generate.py
"""

import os
import shutil
import tempfile
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import h5py
import numpy
import safetensors
import tensorflow
import tf_keras
import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertModel,
    ElectraConfig,
    ElectraForPreTraining,
    RobertaConfig,
    RobertaForQuestionAnswering,
    TFBertForPreTraining,
    TFBertForQuestionAnswering,
    TFBertModel,
    TFElectraForPreTraining,
    TFRobertaForQuestionAnswering,
)

OUT = Path(__file__).resolve().parent
SIZES = dict(
    vocab_size=10, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
    max_position_embeddings=11, initializer_range=0.5,
)


def randomize(model):
    """Biases and LayerNorm as well, so that no two tensors are alike."""
    generator = numpy.random.default_rng(7)
    model.set_weights([generator.normal(0, 0.5, weight.shape).astype("float32") for weight in model.get_weights()])


def save(name, tf_class, pt_class, config):
    """`name`.h5 as save_pretrained writes it, and `name`.safetensors as from_pretrained(from_tf=True) reads it."""
    with tempfile.TemporaryDirectory() as folder:
        model = tf_class(config)
        model(model.dummy_inputs)
        randomize(model)
        model.save_pretrained(folder)
        shutil.copyfile(f"{folder}/tf_model.h5", OUT / f"{name}.h5")
        converted = pt_class.from_pretrained(folder, from_tf=True)
    # Tied tensors are written twice, so that each name has its values.
    tensors = {key: tensor.clone().contiguous() for key, tensor in converted.state_dict().items()}
    save_file(tensors, OUT / f"{name}.safetensors", metadata={"format": "pt"})
    return tensors


def copy(source, target, convert, names, **storage):
    """A file of old as `names` writes the attributes, with converted datasets."""
    with h5py.File(OUT / source) as old, h5py.File(OUT / target, "w") as new:
        names(new, "layer_names", [name for name in old.attrs["layer_names"]])
        for key in ["backend", "keras_version"]:
            new.attrs[key] = old.attrs[key]
        for layer in old:
            group = new.create_group(layer)
            names(group, "weight_names", list(old[layer].attrs["weight_names"]))
            for name in old[layer].attrs["weight_names"]:
                group.create_dataset(name, data=convert(old[layer][name][()]), **storage)


def fixed(group, name, texts):
    """Fixed-length texts, as numpy arrays are written by earlier h5py."""
    group.attrs[name] = numpy.array([text.encode() for text in texts], dtype="S")


def split(group, name, texts):
    """In parts of 5, as Keras does with more than 64 KB."""
    for part, start in enumerate(range(0, max(len(texts), 1), 5)):
        fixed(group, f"{name}{part}", texts[start : start + 5])


bert = BertConfig(**SIZES)
weights = save("qa", TFBertForQuestionAnswering, BertForQuestionAnswering, bert)
save("bare", TFBertModel, BertModel, bert)
save("pretraining", TFBertForPreTraining, BertForPreTraining, bert)
save("electra", TFElectraForPreTraining, ElectraForPreTraining, ElectraConfig(embedding_size=6, **SIZES))
save("roberta", TFRobertaForQuestionAnswering, RobertaForQuestionAnswering, RobertaConfig(**SIZES | {"vocab_size": 12}))

copy("qa.h5", "half.h5", lambda values: values.astype("float16"), fixed)
half = {key: tensor.to(torch.float16) for key, tensor in weights.items()}
save_file(half, OUT / "half.safetensors", metadata={"format": "pt"})
copy("qa.h5", "split.h5", lambda values: values, split, compression="gzip", shuffle=True, chunks=True)
copy("qa.h5", "big-endian.h5", lambda values: values.astype(">f4"), fixed)

with open(OUT / "versions.txt", "w") as file:
    for module in [tensorflow, tf_keras, transformers, torch, safetensors, h5py, numpy]:
        name = {"tensorflow": "tensorflow-cpu", "tf_keras": "tf-keras"}.get(module.__name__, module.__name__)
        file.write(f"{name}=={module.__version__.split('+')[0]}\n")

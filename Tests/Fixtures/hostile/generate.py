"""Writes the fixtures in this folder: HDF5 files that are right but for one dataset or group, which is made to harm.

    pip install -r versions.txt (Python 3.11)
    python generate.py

LAYOUT-ATTACK.h5: `checkpoint` hurts its vocabulary, `weights` a tensor of a checkpoint, `columns` a column that feature
files, saved logits and caches of features share, `keras` a weight of a Keras file.
"""

import json
from pathlib import Path

import h5py
import numpy

OUT = Path(__file__).resolve().parent
CONFIG = json.loads((OUT.parent / "checkpoints/bert/config.json").read_text())
VOCABULARY = (OUT.parent / "checkpoints/bert/vocab.txt").read_bytes()
DEFLATE, UNUSED = h5py.h5z.FILTER_DEFLATE, 1 << 40


def create(group, name, data, shape=None, external=None, layout=None, dtype=None, chunk=None, filters=(), write=True):
    """A dataset by the low-level interface, which lets everything through."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_obj_track_times(False)
    if chunk:
        properties.set_chunk(chunk)
    for filter in filters:
        properties.set_filter(filter, 0, (9,))
    if external:
        properties.set_external(external.encode(), 0, h5py.h5f.UNLIMITED)
    space = h5py.h5s.create_simple(shape or data.shape)
    kind = dtype or h5py.h5t.py_create(data.dtype)
    dataset = h5py.h5d.create(group.id, name.encode(), kind, space, properties)
    if write and not external:
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    return dataset


def virtual(group, name, data):
    layout = h5py.VirtualLayout(shape=data.shape, dtype=data.dtype)
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", shape=data.shape)
    group.create_virtual_dataset(name, layout)


def named_type(group, name, data):
    group.file["type"] = data.dtype
    create(group, name, data, dtype=group.file["type"].id)


def odd_number(group, name, data):
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(3)
    create(group, name, numpy.zeros(data.shape, "int32"), dtype=kind)


def link(target):
    def make(group, name, data):
        group[name] = target
    return make


def chain(group, name, data):
    group.file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
    group[name] = h5py.SoftLink("/outside/x")


def loop(group, name, data):
    group[name] = h5py.SoftLink(f"{group.name}/{name}")


def same_object(group, name, data):
    members = [group["window"]] if "window" in group else list(group.values())
    datasets = [member for member in members if isinstance(member, h5py.Dataset)]
    group[name] = next(dataset for dataset in datasets if dataset.dtype.kind == data.dtype.kind)


def bomb(group, name, data):
    """Zeros deflated twice: a thousand times a thousand to one."""
    big = numpy.zeros(1 << 22, "uint8").view(data.dtype if data.dtype.kind != "S" else "uint8")
    create(group, name, big, chunk=big.shape, filters=(DEFLATE, DEFLATE))


def partly(group, name, data):
    dataset = create(group, name, data, shape=(64,), chunk=(8,), write=False)
    values = numpy.zeros(8, data.dtype)
    dataset.write(h5py.h5s.create_simple((8,)), slab(dataset, 8), values)


def slab(dataset, count):
    space = dataset.get_space()
    space.select_hyperslab((0,), (count,))
    return space


ATTACKS = {
    "external-file": lambda g, n, d: create(g, n, d, external="/etc/passwd"),
    "external-pipe": lambda g, n, d: create(g, n, d, external="pipe"),
    "virtual": virtual,
    "external-link": link(h5py.ExternalLink("/etc/passwd", "/x")),
    "link-chain": chain,
    "link-loop": loop,
    "group-loop": lambda g, n, d: link(g.file["/"])(g, n, d),
    "same-object": same_object,
    "unknown-filter": lambda g, n, d: g.create_dataset(n, data=d, chunks=d.shape, compression="lzf"),
    "no-storage": lambda g, n, d: create(g, n, d, shape=(UNUSED,), chunk=(1 << 20,), write=False),
    "never-written": lambda g, n, d: create(g, n, d, write=False),
    "partly-written": partly,
    "deflated-twice": bomb,
    "named-type": named_type,
    "odd-number": odd_number,
    "references": lambda g, n, d: g.create_dataset(n, data=[g.ref], dtype=h5py.ref_dtype),
    "variable-text": lambda g, n, d: g.create_dataset(n, data=["text"], dtype=h5py.string_dtype()),
    "nothing": lambda g, n, d: g.create_dataset(n, data=h5py.Empty(d.dtype)),
}


def text(content):
    return numpy.array([content])


def checkpoint(file, attack, on_tensor=False):
    file.attrs.update(dure_format_version=1, step=1, epoch=0.5)
    create(file, "config", text(json.dumps(CONFIG).encode()))
    model = file.create_group("model")
    if not on_tensor:
        return attack(file, "vocabulary", text(VOCABULARY))
    create(file, "vocabulary", text(VOCABULARY))
    create(model, "bert.embeddings.LayerNorm.bias", numpy.zeros(8, "float32"))
    attack(model, "bert.embeddings.LayerNorm.weight", numpy.zeros(8, "float32"))


def columns(file, attack):
    attributes = dict(
        kind="features", feature_key="key", feature_format_version="1", logits_format_version="1",
        tokenizer="", dataset="", dure_version="0")
    for name, value in attributes.items():
        file.attrs[name] = numpy.bytes_(value)
    file.attrs["content_crc32"] = 0
    for name in ["example_ids", "notices", "files", "models"]:
        create(file, name, text(b"[]"))
    names = """example window question segment_boundary context_start context_count context context_first_token
        start_position end_position input_ids token_type_ids frame_ids context_ids"""
    for name in names.split():
        create(file, name, numpy.zeros(4, "int32"))
    for name in ["index", "input_ids_index", "frame_ids_index", "offsets_index"]:
        create(file, name, numpy.zeros(4, "int64"))
    for name in ["start_logits", "end_logits"]:
        create(file, name, numpy.zeros(4, "float32"))
    attack(file, "offsets", numpy.zeros(4, "int32"))


def keras(file, attack):
    file.attrs["layer_names"] = [b"bert"]
    layer = file.create_group("bert")
    layer.attrs["weight_names"] = [b"model/bias:0", b"model/kernel:0"]
    create(layer.create_group("model"), "bias:0", numpy.zeros(4, "float32"))
    attack(layer["model"], "kernel:0", numpy.zeros(4, "float32"))


LAYOUTS = {
    "checkpoint": checkpoint,
    "weights": lambda file, attack: checkpoint(file, attack, on_tensor=True),
    "columns": columns,
    "keras": keras,
}

for old in OUT.glob("*.h5"):
    old.unlink()
for layout, make in LAYOUTS.items():
    for name, attack in ATTACKS.items():
        with h5py.File(OUT / f"{layout}-{name}.h5", "w", libver=("v110", "v110")) as file:
            make(file, attack)
(OUT / "versions.txt").write_text(f"h5py=={h5py.__version__}\nnumpy=={numpy.__version__}\n")

"""Reads a Dure checkpoint with h5py alone, by the contract, and prints what it holds; fails on anything amiss.

Usage: read_with_h5py.py CHECKPOINT.h5 [MODEL.safetensors]
With a second file, the weights must equal its tensors. Not run by `swift test`.
"""

import json
import sys
import zlib

import h5py
import numpy

with h5py.File(sys.argv[1], "r") as file:
    assert file.attrs["dure_format_version"] == 1
    kind = file.attrs["kind"]
    assert kind in ("training", "weights"), kind
    print("kind", kind, "step", file.attrs["step"], "epoch", file.attrs["epoch"], "created", file.attrs["created"])
    print("dure_version", file.attrs["dure_version"])
    config = json.loads(file["config"][0].decode())
    vocabulary = file["vocabulary"][0].decode().splitlines()
    print("config", config.get("model_type"), "vocabulary", len(vocabulary), dict(file["vocabulary"].attrs))

    def check(name, item):
        if isinstance(item, h5py.Dataset):
            assert item.fletcher32, name
            if item.dtype.kind == "f":
                assert item.dtype == numpy.float32, name
                print(name, item.shape, item.chunks, f"{zlib.crc32(item[()].tobytes()):08x}")

    file.visititems(check)
    if kind == "training":
        training = file["training"].attrs
        print("training", {key: training[key] for key in training})
        json.loads(training["settings"])
        for state in ["exp_avg", "exp_avg_sq"]:
            for name, dataset in file["model"].items():
                assert file[f"optimizer/{state}/{name}"].shape == dataset.shape
    if len(sys.argv) > 2:
        from safetensors.numpy import load_file

        tensors = load_file(sys.argv[2])
        assert set(tensors) == set(file["model"]), set(tensors) ^ set(file["model"])
        for name, tensor in tensors.items():
            assert numpy.array_equal(tensor, file["model"][name][()]), name
        print("weights equal")

"""Writes event files as torch and TensorFlow do, for the tests to read and to write again.

    python generate.py

`torch.tfevents` is of torch's SummaryWriter, with the times that are given to it; `tensorflow.tfevents` of
`tf.summary`. `expected.json` holds what tensorboard's own reader finds in them. Versions are noted beside this file.
"""

import glob
import json
import os
import pathlib
import shutil
import sys
import tempfile

import tensorboard
import tensorflow as tf
import torch
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from torch.utils.tensorboard import SummaryWriter

here = pathlib.Path(__file__).parent
tables = "| setting | value |\n|---|---|\n| learning\\-rate | 5e\\-05 |\n| model | 모델/두레 |"


def write_torch(folder):
    writer = SummaryWriter(folder)
    for step in range(3):
        writer.add_scalar("train/loss", 1 / (step + 3), step, walltime=1700000000.25 + step)
    writer.add_scalar("eval/f1", 71.3, 2, walltime=1700000004.5)
    writer.add_scalar("eval/정확도", float("nan"), 1 << 40, walltime=1700000005)
    writer.close()


def write_tensorflow(folder):
    with tf.summary.create_file_writer(folder).as_default():
        tf.summary.text("settings", tables, step=7)


def keep(write, name):
    folder = tempfile.mkdtemp()
    write(folder)
    (path,) = glob.glob(os.path.join(folder, "events.out.tfevents.*"))
    shutil.copyfile(path, here / name)
    shutil.rmtree(folder)
    return [describe(Event.FromString(raw)) for raw in RawEventFileLoader(str(here / name)).Load()]


def describe(event):
    result = {"wall_time": event.wall_time, "step": event.step}
    if event.HasField("file_version"):
        result |= {"file_version": event.file_version, "writer": event.source_metadata.writer}
    for value in event.summary.value:
        result["tag"] = value.tag
        if value.HasField("simple_value"):
            # JSON has no form for what is not a number.
            finite = value.simple_value == value.simple_value
            result["simple_value"] = value.simple_value if finite else None
        else:
            result["plugin"] = value.metadata.plugin_data.plugin_name
            result["text"] = value.tensor.string_val[0].decode()
    return result


files = {name: keep(write, name) for name, write in
         [("torch.tfevents", write_torch), ("tensorflow.tfevents", write_tensorflow)]}
(here / "expected.json").write_text(json.dumps(files, ensure_ascii=False, indent=1) + "\n")
(here / "versions.txt").write_text(
    f"python {sys.version.split()[0]}\ntensorboard {tensorboard.__version__}\n"
    f"tensorflow {tf.__version__}\ntorch {torch.__version__}\n")

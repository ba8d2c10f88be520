"""Trains with dure, kills the run, goes on, and reads the event files with tensorboard: every number of `metrics.jsonl`
must be there at its step and no other, equal as float32, and the settings as tables."""

import argparse
import json
import os
import random
import shlex
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

import programs

SAMPLE = Path(__file__).resolve().parents[2] / "launch" / "sample"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60)
    return parser.parse_args()


def make_model(options: argparse.Namespace) -> Path:
    """The sample's configuration, made small."""
    options.workdir.mkdir(parents=True, exist_ok=True)
    configuration = programs.read_json(SAMPLE / "config.json")
    configuration |= {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    path = options.workdir / "config.json"
    path.write_text(json.dumps(configuration))
    model = programs.fresh(options.workdir / "model")
    settings = {"config": path, "vocab": SAMPLE / "vocab.txt", "output": model}
    programs.run([*shlex.split(options.dure), "init", *programs.flags(settings)])
    return model


def training(options: argparse.Namespace, model: Path, output: Path, **more) -> list[str]:
    settings = {
        "model": model, "train_file": SAMPLE / "train.json", "validation_file": SAMPLE / "validation.json",
        "output_dir": output, "max_seq_length": 192, "doc_stride": 64, "batch_size": 4, "max_steps": options.steps,
        "logging_steps": 3, "eval_strategy": "steps", "eval_steps": 8, "save_strategy": "steps", "save_steps": 10,
        **more,
    }
    command = [*shlex.split(options.dure), "train", *programs.flags(settings)]
    return command if options.ranks == 1 else programs.mpirun(options.ranks, command)


def last_step(output: Path) -> int:
    """Of what the run has logged so far; a last line may be half there."""
    try:
        lines = (output / "metrics.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return 0
    return max((json.loads(line)["step"] for line in lines), default=0)


def run_and_kill(command: list[str], output: Path, step: int) -> int:
    """Kills a run once it has logged `step`; the step that it came to, or 0 where it was faster."""
    process = subprocess.Popen(
        command, env=programs.environment(), stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and last_step(output) < step:
        time.sleep(0.002)
    if process.poll() is not None:
        return 0
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # mpirun's ranks are in groups of their own and outlive it for a moment, in which they go on writing.
    while is_at_work(output):
        time.sleep(0.01)
    return last_step(output)


def is_at_work(output: Path) -> bool:
    """Whether a process has the folder on its command line, this one aside."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.parent.name != str(os.getpid()) and str(output).encode() in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def float32(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


def expected_scalars(output: Path) -> dict[str, dict[int, list[float]]]:
    scalars: dict[str, dict[int, list[float]]] = {}
    for line in (output / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        members = json.loads(line)
        event, step = members.pop("event"), members.pop("step")
        for name, value in members.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                scalars.setdefault(f"{event}/{name}", {}).setdefault(step, []).append(float32(value))
    return scalars


def read(output: Path, reader):
    accumulator = reader(str(output), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars_of_files(output: Path) -> dict[str, dict[int, list[float]]]:
    """With the reader that is documented."""
    accumulator = read(output, event_accumulator.EventAccumulator)
    found: dict[str, dict[int, list[float]]] = {}
    for tag in accumulator.Tags()["scalars"]:
        for event in accumulator.Scalars(tag):
            found.setdefault(tag, {}).setdefault(event.step, []).append(event.value)
    return found


def scalars_of_pages(output: Path) -> dict[str, dict[int, list[float]]]:
    """With the one that tensorboard's pages have, which knows of starts in another way."""
    accumulator = read(output, plugin_event_accumulator.EventAccumulator)
    found: dict[str, dict[int, list[float]]] = {}
    for tag in accumulator.PluginTagToContent("scalars"):
        for event in accumulator.Tensors(tag):
            value = float(tensor_util.make_ndarray(event.tensor_proto))
            found.setdefault(tag, {}).setdefault(event.step, []).append(value)
    return found


def compare(checks: programs.Checks, output: Path, title: str) -> None:
    accumulator = read(output, event_accumulator.EventAccumulator)
    expected = expected_scalars(output)
    count = sum(len(values) for steps in expected.values() for values in steps.values())
    files = len(list(output.glob("events.out.tfevents.*")))
    for reader in (scalars_of_files, scalars_of_pages):
        found = reader(output)
        for tag in sorted(expected.keys() | found.keys()):
            if expected.get(tag) != found.get(tag):
                print(f"  {tag}: expected {expected.get(tag)}, found {found.get(tag)}")
        checks.expect(
            found == expected and count > 0,
            f"{title}, {reader.__name__}: {count} numbers under {len(expected)} tags in {files} files are those of "
            "metrics.jsonl")
    settings = programs.read_json(output / "run.json")["settings"]
    texts = {tag: [event.tensor_proto.string_val[0].decode() for event in accumulator.Tensors(tag)]
             for tag in accumulator.Tags()["tensors"]}
    table = texts.get("settings", [""])[-1].replace("\\", "")
    checks.expect(
        all(f"| {name} | " in table for name in settings) and "| setting | value |" in table and "run" in texts,
        f"{title}: a table has all {len(settings)} settings")


def main() -> int:
    options = arguments()
    checks = programs.Checks()
    model = make_model(options)
    whole = programs.fresh(options.workdir / "whole")
    programs.run(training(options, model, whole))
    compare(checks, whole, "one run")

    output = programs.fresh(options.workdir / "killed")
    command = training(options, model, output)
    chance = random.Random(7)
    kills = []
    for part in range(1, 4):
        step = part * options.steps // 4 + chance.randrange(4)
        kills.append(run_and_kill([*command, *(["--resume"] if kills else [])], output, step))
    compare(checks, output, f"killed after steps {kills}")
    programs.run([*command, "--resume"])
    compare(checks, output, "and gone on to the end")
    checks.expect(0 not in kills, "every run was killed before its end")

    # A run that had come to its end, with a line of its own there, and goes on for more steps.
    longer = programs.fresh(options.workdir / "longer")
    programs.run(training(options, model, longer, max_steps=11))
    compare(checks, longer, "a short run")
    programs.run([*training(options, model, longer, max_steps=25), "--resume", "--allow-changed-settings"])
    compare(checks, longer, "and gone on for more steps")
    if checks.failed == 0:
        print(f"ok tensorboard read {len(list(options.workdir.glob('*/events.out.tfevents.*')))} files")
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())

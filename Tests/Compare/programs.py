"""Runs `dure`, alone or under `mpirun`, and reads what it leaves behind."""

import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path


def mpirun(ranks: int, command: list[str]) -> list[str]:
    """More ranks than cores are wanted here, so nothing is bound."""
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command]


def environment() -> dict[str, str]:
    values = dict(os.environ)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        values |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return values


def fresh(folder: Path) -> Path:
    """The folder's path, without what an earlier comparison left there."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def run(command: list[str], quiet: bool = False) -> str:
    """Standard output of a command that must succeed; otherwise its last messages, and the end."""
    if not quiet:
        print("$", shlex.join(command), flush=True)
    begin = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, env=environment())
    if not quiet:
        print(f"  exit {result.returncode}, {time.monotonic() - begin:.1f} s", flush=True)
    if result.returncode != 0:
        print(result.stderr[-4000:], file=sys.stderr)
        sys.exit(f"FAILED: exit code {result.returncode} of {shlex.join(command)}")
    return result.stdout


def flags(settings: dict) -> list[str]:
    """`{"batch_size": 8, "no_shuffle": True}` as `--batch-size 8 --no-shuffle`."""
    words = []
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif value is not False and value is not None:
            words += [flag, str(value)]
    return words


def precision(name: str) -> dict:
    """Settings of a command in this precision; bf16 also where it is slower, for what does not measure speed."""
    return {} if name == "fp32" else {"precision": name, "allow_slow_precision": True}


def read_json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_events(folder: Path, event: str) -> list[dict]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == event]


def step_losses(folder: Path, steps: int) -> list[float]:
    """The loss of every step; an end when a step is missing."""
    entries = read_events(folder, "train")
    found = [entry["step"] for entry in entries]
    if found != list(range(1, steps + 1)):
        sys.exit(f"FAILED: metrics.jsonl of {folder} has steps {found[:3]}…{found[-3:]}, not 1…{steps}")
    return [entry["loss"] for entry in entries]


def relative(value: float, reference: float) -> float:
    """Infinite when either is not a number, so that every check against a limit fails."""
    if not (math.isfinite(value) and math.isfinite(reference)):
        return math.inf
    return abs(value - reference) / max(abs(reference), 1e-12)


class Checks:
    """Prints each result, and remembers whether all passed."""

    def __init__(self) -> None:
        self.failed = 0

    def expect(self, passed: bool, what: str) -> None:
        print(f"{'pass' if passed else 'FAIL'}: {what}", flush=True)
        self.failed += not passed

    def exit_code(self) -> int:
        print("all passed" if self.failed == 0 else f"{self.failed} FAILED")
        return 1 if self.failed else 0

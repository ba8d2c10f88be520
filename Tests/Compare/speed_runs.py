"""Runs the two sides of a speed comparison as processes of their own, and reads the times they leave behind."""

import json
import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import programs

# Set by some shells for other programs; they would hold OpenBLAS, and so dure, below what the processor can do.
REMOVED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "LD_PRELOAD")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1",
}


class MeasurementFailed(Exception):
    """A run ended badly, or did not do what it was to be timed for."""


class NotMeasurable(Exception):
    """This machine lacks what a group of rows is about."""


@dataclass
class Finished:
    """`peak` is the largest resident memory, in bytes, of any process of the run."""

    seconds: float
    peak: int
    output: str
    started: float


@dataclass
class Steps:
    """The steps of one run that count, after those that warm it up."""

    seconds: list[float]
    samples: list[int]
    tokens: list[int]
    peak: int
    launch: float | None = None

    @property
    def samples_per_second(self) -> float:
        return sum(self.samples) / sum(self.seconds)

    @property
    def tokens_per_second(self) -> float:
        return sum(self.tokens) / sum(self.seconds)

    def record(self) -> dict:
        rates = {"samples_per_second": self.samples_per_second, "tokens_per_second": self.tokens_per_second}
        return rates | {"steps": len(self.seconds)} | self.__dict__


def environment(changes: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in programs.environment().items() if name not in REMOVED}
    return kept | changes


def end(processes: list[subprocess.Popen]) -> None:
    """Ends what still runs of our own processes; mpirun is asked first, since it has to end its ranks."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + 10
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run(
    commands: list[list[str]],
    log: Path,
    changes: dict[str, str],
    watch: Callable[[], None] = lambda: None,
    limit: float = 1800,
    standard_input: Path | None = None,
) -> Finished:
    """Runs the commands at once until all have ended; `watch` is called every few milliseconds meanwhile."""
    log.parent.mkdir(parents=True, exist_ok=True)
    outputs = [log.with_suffix(f".{index}.out") for index in range(len(commands))]
    errors = [log.with_suffix(f".{index}.err") for index in range(len(commands))]
    started, begin = time.time(), time.monotonic()
    processes: list[subprocess.Popen] = []
    left: dict[int, int] = {}
    peak = 0
    try:
        for index, command in enumerate(commands):
            with (
                outputs[index].open("wb") as output,
                errors[index].open("wb") as error,
                open(standard_input or os.devnull, "rb") as source,
            ):
                process = subprocess.Popen(
                    command, stdin=source, stdout=output, stderr=error, env=environment(changes), start_new_session=True
                )
            processes.append(process)
            left[process.pid] = index
        while left:
            watch()
            for identifier in list(left):
                # wait4 also tells of the processes that this one waited for: the ranks under mpirun.
                ended, status, usage = os.wait4(identifier, os.WNOHANG)
                if ended == 0:
                    continue
                index = left.pop(identifier)
                peak = max(peak, usage.ru_maxrss * 1024)
                code = os.waitstatus_to_exitcode(status)
                processes[index].returncode = code
                if code != 0:
                    last = errors[index].read_text(errors="replace")[-3000:]
                    raise MeasurementFailed(f"exit code {code} of {shlex.join(commands[index])}\n{last}")
            if time.monotonic() - begin > limit:
                raise MeasurementFailed(f"not done after {limit:.0f} s: {shlex.join(commands[0])}")
            time.sleep(0.002)
    finally:
        end([processes[index] for index in left.values()])
    return Finished(time.monotonic() - begin, peak, outputs[0].read_text(encoding="utf-8", errors="replace"), started)


@dataclass
class Dure:
    program: list[str]
    mpirun: list[str]
    workdir: Path
    common: dict = field(default_factory=dict)

    def command(self, ranks: int, words: list[str]) -> list[str]:
        """One rank runs without mpirun, which would bind its threads to one core."""
        return [*self.mpirun, "-n", str(ranks), *self.program, *words] if ranks > 1 else [*self.program, *words]

    def run(self, ranks: int, words: list[str], name: str, **options) -> Finished:
        return run([self.command(ranks, words)], self.workdir / "logs" / name, {}, **options)

    def train(
        self,
        model: Path,
        dataset: Path,
        steps: int,
        warmup: int = 0,
        ranks: int = 2,
        threads: int = 1,
        output: Path | None = None,
        **settings,
    ) -> Steps:
        """Trains for `warmup + steps` steps and returns the last `steps`. A given output folder is kept as it is."""
        folder = output or programs.fresh(self.workdir / "dure-output")
        metrics = folder / "metrics.jsonl"
        metrics.unlink(missing_ok=True)
        seen: list[float] = []

        def watch() -> None:
            if not seen and metrics.exists() and metrics.stat().st_size > 0:
                seen.append(time.time())

        values = self.common | {
            "model": model,
            "train_file": dataset,
            "output_dir": folder,
            "max_steps": warmup + steps,
            "no_shuffle": True,
            "threads": threads,
            "logging_steps": 1,
            "eval_strategy": "no",
            "save_strategy": "no",
        }
        finished = self.run(ranks, ["train", *programs.flags(values | settings)], "dure-train", watch=watch)
        entries = programs.read_events(folder, "train")
        if [entry["step"] for entry in entries] != list(range(1, warmup + steps + 1)):
            raise MeasurementFailed(f"{metrics} does not have one line for each of {warmup + steps} steps")
        # The first line appears when the first step is done; it began that many seconds before.
        launch = seen[0] - finished.started - entries[0]["step_seconds"] if seen else None
        # The weights of the run are of no use.
        (folder / "final.h5").unlink(missing_ok=True)
        counted = entries[warmup:]
        return Steps(
            [entry["step_seconds"] for entry in counted],
            [round(entry["samples_per_second"] * entry["step_seconds"]) for entry in counted],
            [round(entry["tokens_per_second"] * entry["step_seconds"]) for entry in counted],
            finished.peak,
            launch,
        )


@dataclass
class Peer:
    """transformers on PyTorch: the workers of `speed_peer.py`."""

    python: str
    workdir: Path
    variants: dict[str, list[Path]]

    def request(
        self, variant: str, ranks: int, threads: int, values: dict, prefix: list[str] = []
    ) -> tuple[dict, Finished]:
        """What the first worker answered."""
        folder = programs.fresh(self.workdir / "peer")
        folder.mkdir(parents=True)
        result = folder / "result.json"
        request = folder / "request.json"
        content = values | {"ranks": ranks, "threads": threads, "store": str(folder / "store"), "result": str(result)}
        request.write_text(json.dumps(content, default=str))
        script = str(Path(__file__).with_name("speed_peer.py"))
        changes = ONE_THREAD | {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        if self.variants[variant]:
            changes["LD_PRELOAD"] = ":".join(map(str, self.variants[variant]))
        commands = [[*prefix, self.python, script, str(request), str(rank)] for rank in range(ranks)]
        finished = run(commands, self.workdir / "logs" / "peer", changes)
        return programs.read_json(result), finished

    def train(
        self, variant: str, model: Path, features: Path, steps: int, warmup: int, padding: int | None, **values
    ) -> Steps:
        """`padding` is the length to pad to, None for the longest of each batch."""
        values = values | {"mode": "train", "model": model, "features": features, "padding": padding}
        answer, finished = self.request(variant, 2, 1, values | {"steps": warmup + steps})
        return Steps(
            answer["seconds"][warmup:],
            answer["samples"][warmup:],
            answer["tokens"][warmup:],
            finished.peak,
            answer["first_step_at"] - finished.started,
        )


def preload_variants(folders: list[Path]) -> dict[str, list[Path]]:
    """Libraries to preload under a name each; those that are not found are left out."""

    def find(*names: str) -> list[Path]:
        for folder in folders:
            for name in names:
                found = sorted(folder.rglob(name)) if folder.is_dir() else []
                if found:
                    return [found[0].resolve()]
        return []

    allocator = find("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")
    threads = find("libiomp5.so")
    variants: dict[str, list[Path]] = {"nothing preloaded": []}
    if allocator:
        variants["tcmalloc"] = allocator
    if threads:
        variants["tcmalloc + libiomp5" if allocator else "libiomp5"] = allocator + threads
    return variants

"""A row of the table of speeds, what it is measured on, and the rows of training beside the peer."""

import statistics
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable

import programs
from speed_runs import Dure, MeasurementFailed, Peer, Steps


@dataclass
class Row:
    """`value` is what the target is about: a ratio, a share, bytes or seconds."""

    name: str
    dure: str
    peer: str
    value: float
    shown: str
    target: float
    at_least: bool = True
    raw: dict = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target


@dataclass
class Comparison:
    """What is compared, on what, and how long."""

    dure: Dure
    peer: Peer
    folder: Path
    dataset: Path
    rounds: int
    batch: int
    max_length: int
    base_steps: int
    small_steps: int
    best: dict[tuple, str] = field(default_factory=dict)
    peer_peak: int = 0
    peer_launch: list[float] = field(default_factory=list)

    def model(self, name: str) -> Path:
        return self.folder / name

    def lengths(self, name: str) -> list[int]:
        return programs.read_json(self.folder / "lengths.json")[name]

    def features(self, name: str) -> Path:
        return self.folder / f"{name}.features.json"

    def data(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def gigabytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB"


def median(values) -> float:
    return statistics.median(values)


def rate(runs: list[Steps]) -> str:
    samples = median(run.samples_per_second for run in runs)
    tokens = median(run.tokens_per_second for run in runs)
    return f"{samples:.2f} samples/s, {tokens:.0f} tokens/s"


# MARK: Training


def dure_steps(comparison: Comparison, model: str, steps: int, warmup: int, **settings) -> Steps:
    """A run of dure, which must have trained on the features that the peer has."""
    found = comparison.dure.train(comparison.model(model), comparison.data("training"), steps, warmup, **settings)
    lengths, batch = comparison.lengths("training"), comparison.batch
    expected = [sum(lengths[first * batch : (first + 1) * batch]) for first in range(warmup, warmup + steps)]
    if found.tokens != expected or found.samples != [batch] * steps:
        raise MeasurementFailed(
            f"dure trained on {found.samples} features of {found.tokens} tokens, the peer on {batch} each of {expected}"
        )
    ranks, threads = settings.get("ranks", 2), settings.get("threads", 1)
    precision = settings.get("precision", "fp32")
    say(f"  dure, {precision}, {ranks} × {threads}: {rate([found])}, peak {gigabytes(found.peak)}")
    return found


def peer_steps(
    comparison: Comparison,
    variant: str,
    model: str,
    steps: int,
    warmup: int,
    padding: int | None,
    precision: str = "fp32",
) -> Steps:
    found = comparison.peer.train(
        variant,
        comparison.model(model),
        comparison.features("training"),
        steps,
        warmup,
        padding,
        batch=comparison.batch,
        precision=precision,
    )
    if found.launch is not None and model == "base" and precision == "fp32":
        comparison.peer_peak = max(comparison.peer_peak, found.peak)
        comparison.peer_launch.append(found.launch)
    words = f"padded to {padding}" if padding else "dynamic padding"
    say(f"  peer, {precision}, {words}, {variant}: {rate([found])}, peak {gigabytes(found.peak)}")
    return found


def best_variant(
    comparison: Comparison, model: str, steps: int, padding: int | None = None, precision: str = "fp32"
) -> str:
    """The libraries to preload with which the peer trains fastest: a short run with each."""
    key = (model, padding, precision)
    if key not in comparison.best:
        rates = {
            variant: peer_steps(comparison, variant, model, steps, 1, padding, precision).samples_per_second
            for variant in comparison.peer.variants
        }
        comparison.best[key] = max(rates, key=lambda variant: rates[variant])
    return comparison.best[key]


def in_turns(rounds: int, sides: dict[str, Callable[[], Steps]]) -> dict[str, list[Steps]]:
    found: dict[str, list[Steps]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return found


def ratio_row(name: str, own: list[Steps], others: list[Steps], target: float, remark: str = "", note: str = "") -> Row:
    ratios = [one.samples_per_second / other.samples_per_second for one, other in zip(own, others)]
    raw = {"ratios": ratios, "dure": [one.record() for one in own], "peer": [one.record() for one in others]}
    value = median(ratios)
    return Row(name, rate(own), rate(others) + remark, value, f"{value:.2f} ×", target, raw=raw, note=note)


def training(
    comparison: Comparison, title: str, model: str, steps: int, warmup: int, paddings: dict[str, tuple]
) -> list[Row]:
    """`paddings` gives the peer's length and the target of each row."""
    variant = best_variant(comparison, model, max(1, steps // 4))
    sides = {"dure": partial(dure_steps, comparison, model, steps, warmup)}
    for name, (padding, _) in paddings.items():
        sides[name] = partial(peer_steps, comparison, variant, model, steps, warmup, padding)
    found = in_turns(comparison.rounds, sides)
    note = f"{comparison.rounds} × {steps} steps of {comparison.batch}"
    return [
        ratio_row(
            f"{title} vs transformers + DDP (gloo), {name}", found["dure"], found[name], target, f" ({variant})", note
        )
        for name, (_, target) in paddings.items()
    ]


def base(comparison: Comparison) -> list[Row]:
    length = comparison.max_length
    title = f"BERT-base, max length {length}, batch {comparison.batch}, fp32"
    paddings = {f"padded to {length}": (length, 4), "dynamic padding": (None, 3)}
    return training(comparison, title, "base", comparison.base_steps, 1, paddings)


def small(comparison: Comparison) -> list[Row]:
    title = f"MiniLM size (6 layers, 384 wide), batch {comparison.batch}, fp32"
    return training(comparison, title, "small", comparison.small_steps, 2, {"dynamic padding": (None, 4)})

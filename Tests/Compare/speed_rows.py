"""The rows of the table of speeds: each function measures both sides and returns its rows."""

import json
import os
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import programs
from speed_bench import bench
from speed_runs import ONE_THREAD, Dure, MeasurementFailed, Peer, Steps, run


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
    best: dict[str, str] = field(default_factory=dict)
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
    say(f"  dure, {ranks} × {threads}: {rate([found])}, peak {gigabytes(found.peak)}")
    return found


def peer_steps(
    comparison: Comparison, variant: str, model: str, steps: int, warmup: int, padding: int | None
) -> Steps:
    found = comparison.peer.train(
        variant,
        comparison.model(model),
        comparison.features("training"),
        steps,
        warmup,
        padding,
        batch=comparison.batch,
    )
    comparison.peer_peak = max(comparison.peer_peak, found.peak)
    if found.launch is not None and model == "base":
        comparison.peer_launch.append(found.launch)
    words = f"padded to {padding}" if padding else "dynamic padding"
    say(f"  peer, {words}, {variant}: {rate([found])}, peak {gigabytes(found.peak)}")
    return found


def best_variant(comparison: Comparison, model: str, steps: int) -> str:
    """The libraries to preload with which the peer trains fastest: a short run with each."""
    if model not in comparison.best:
        rates = {
            variant: peer_steps(comparison, variant, model, steps, 1, None).samples_per_second
            for variant in comparison.peer.variants
        }
        comparison.best[model] = max(rates, key=lambda variant: rates[variant])
    return comparison.best[model]


def training(
    comparison: Comparison, title: str, model: str, steps: int, warmup: int, paddings: dict[str, tuple]
) -> list[Row]:
    """`paddings` gives the peer's length and the target of each row."""
    variant = best_variant(comparison, model, max(1, steps // 4))
    own: list[Steps] = []
    others: dict[str, list[Steps]] = {name: [] for name in paddings}
    for _ in range(comparison.rounds):
        own.append(dure_steps(comparison, model, steps, warmup))
        for name, (padding, _) in paddings.items():
            others[name].append(peer_steps(comparison, variant, model, steps, warmup, padding))
    rows = []
    for name, (_, target) in paddings.items():
        ratios = [one.samples_per_second / other.samples_per_second for one, other in zip(own, others[name])]
        raw = {"ratios": ratios, "dure": [one.record() for one in own], "peer": [one.record() for one in others[name]]}
        rows.append(
            Row(
                f"{title} vs transformers + DDP (gloo), {name}",
                rate(own),
                f"{rate(others[name])} ({variant})",
                median(ratios),
                f"{median(ratios):.2f} ×",
                target,
                raw=raw,
                note=f"{comparison.rounds} × {steps} steps of {comparison.batch}",
            )
        )
    return rows


def base(comparison: Comparison) -> list[Row]:
    length = comparison.max_length
    title = f"BERT-base, max length {length}, batch {comparison.batch}, fp32"
    paddings = {f"padded to {length}": (length, 4), "dynamic padding": (None, 3)}
    return training(comparison, title, "base", comparison.base_steps, 1, paddings)


def small(comparison: Comparison) -> list[Row]:
    title = f"MiniLM size (6 layers, 384 wide), batch {comparison.batch}, fp32"
    return training(comparison, title, "small", comparison.small_steps, 2, {"dynamic padding": (None, 4)})


# MARK: Against the machine, and against itself


def step_operations(configuration: dict, lengths: list[int]) -> float:
    """Forward and backward of the dense layers and of attention, on real tokens."""
    layers, hidden = configuration["num_hidden_layers"], configuration["hidden_size"]
    weights = layers * (4 * hidden**2 + 2 * hidden * configuration["intermediate_size"])
    return sum(6.0 * weights * length + 12.0 * layers * hidden * length**2 for length in lengths)


def openblas_of(program: str) -> str:
    found = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    path = re.search(r"libopenblas\S* => (\S+)", found)
    if path is None:
        raise MeasurementFailed(f"ldd finds no libopenblas of {program}")
    return path.group(1)


def gemm_rate(comparison: Comparison, configuration: dict) -> float:
    """GFLOP/s of two processes at once, as two ranks have it."""
    script = str(Path(__file__).with_name("speed_gemm.py"))
    sizes = ["--hidden", str(configuration["hidden_size"]), "--intermediate", str(configuration["intermediate_size"])]
    command = [sys.executable, script, openblas_of(comparison.dure.program[-1]), *sizes]
    log = comparison.dure.workdir / "logs" / "gemm"
    run([command, command], log, ONE_THREAD)
    rates = [json.loads(log.with_suffix(f".{index}.out").read_text())["gflops"] for index in (0, 1)]
    say(f"  OpenBLAS: {rates[0]:.0f} + {rates[1]:.0f} GFLOP/s")
    return sum(rates)


def gemm(comparison: Comparison) -> list[Row]:
    configuration = programs.read_json(comparison.model("base") / "config.json")
    steps, warmup, batch = comparison.base_steps, 1, comparison.batch
    operations = step_operations(configuration, comparison.lengths("training")[warmup * batch : (warmup + steps) * batch])
    limits, rates = [], []
    for _ in range(comparison.rounds):
        before = gemm_rate(comparison, configuration)
        found = dure_steps(comparison, "base", steps, warmup)
        limits.append((before + gemm_rate(comparison, configuration)) / 2)
        rates.append(operations / sum(found.seconds) / 1e9)
    shares = [one / limit for one, limit in zip(rates, limits)]
    own = bench(comparison.dure, "step", model=comparison.model("base"))
    limit = bench(comparison.dure, "gemm")
    said = {"dure bench step": own, "dure bench gemm": limit}
    notes = [f"{name} says {value:.4g}" for name, value in said.items() if value is not None]
    raw = {"gflops": rates, "gemm_gflops": limits, "shares": shares, "bench_step": own, "bench_gemm": limit}
    return [
        Row(
            "share of measured GEMM rate, whole BERT-base step, 2 × 1",
            f"{median(rates):.0f} GFLOP/s",
            f"OpenBLAS {median(limits):.0f} GFLOP/s",
            median(shares),
            f"{100 * median(shares):.1f} %",
            0.85,
            raw=raw,
            note="; ".join(notes),
        )
    ]


def scaling(comparison: Comparison) -> list[Row]:
    ways = {"1 × 1": (1, 1), "2 ranks × 1 thread": (2, 1), "1 rank × 2 threads": (1, 2)}
    found: dict[str, list[Steps]] = {name: [] for name in ways}
    for _ in range(comparison.rounds):
        for name, (ranks, threads) in ways.items():
            found[name].append(dure_steps(comparison, "base", comparison.base_steps, 1, ranks=ranks, threads=threads))
    single = found.pop("1 × 1")
    rows = []
    for name, runs in found.items():
        ratios = [one.samples_per_second / other.samples_per_second for one, other in zip(runs, single)]
        raw = {"ratios": ratios, "dure": [one.record() for one in runs], "single": [one.record() for one in single]}
        shown = f"{median(ratios):.2f} ×"
        rows.append(Row(f"{name} vs 1 × 1, BERT-base", rate(runs), f"dure 1 × 1: {rate(single)}", median(ratios), shown, 1.9, raw=raw))
    return rows


def memory(comparison: Comparison) -> list[Row]:
    steps = 2
    found = comparison.dure.train(
        comparison.model("base"), comparison.data("long"), steps, max_seq_length=512, batch_size=comparison.batch
    )
    lengths = comparison.lengths("long")[: steps * comparison.batch]
    if sum(found.tokens) != sum(lengths):
        raise MeasurementFailed(f"dure trained on {sum(found.tokens)} tokens, not on {sum(lengths)}")
    say(f"  dure: peak {gigabytes(found.peak)}")
    peer = f"{gigabytes(comparison.peer_peak)} (lengths up to {comparison.max_length})" if comparison.peer_peak else "–"
    note = f"windows of {sum(lengths) / len(lengths):.0f} tokens in the mean"
    raw = {"peak": found.peak, "peer_peak": comparison.peer_peak}
    name = f"peak memory a rank, BERT-base, batch {comparison.batch}, lengths up to 512"
    peak = gigabytes(found.peak)
    return [Row(name, peak, peer, found.peak, peak, 2.6e9, at_least=False, raw=raw, note=note)]


def launch(comparison: Comparison) -> list[Row]:
    """With the whole dataset's features cached by a run before, in the same output folder."""
    output = programs.fresh(comparison.dure.workdir / "launch-output")
    found = []
    for _ in range(comparison.rounds + 2):
        steps = comparison.dure.train(comparison.model("base"), comparison.dataset, 1, output=output)
        if steps.launch is None:
            raise MeasurementFailed("the first step was over before it could be seen")
        say(f"  dure: first step after {steps.launch:.2f} s")
        found.append(steps.launch)
    value = median(found[1:])
    peer = f"{median(comparison.peer_launch):.2f} s (features given)" if comparison.peer_launch else "–"
    raw = {"seconds": found[1:], "without_cache": found[0], "peer_seconds": comparison.peer_launch}
    note = f"first run, without a cache: {found[0]:.2f} s"
    shown = f"{value:.2f} s"
    name = "launch to first step, BERT-base, features cached, 2 × 1"
    return [Row(name, shown, peer, value, shown, 3, at_least=False, raw=raw, note=note)]


# MARK: Tokenizer and evaluation


def dure_tokenize(comparison: Comparison, prefix: list[str]) -> tuple[float, int | None, str]:
    """Tokens per second, how many tokens if known, and how it was measured."""
    model, texts = comparison.model("base"), comparison.folder / "texts.txt"
    found = bench(comparison.dure, "tokenize", prefix, model=model, dataset=comparison.dataset)
    if found is not None:
        return found, None, "dure bench tokenize"
    alone = Dure([*prefix, *comparison.dure.program], [], comparison.dure.workdir)
    words = ["tokenize", "--model", str(model)]
    empty = alone.run(1, words, "tokenize-nothing").seconds
    finished = alone.run(1, words, "tokenize", standard_input=texts)
    tokens = sum(len(json.loads(line)["ids"]) for line in finished.output.splitlines())
    return tokens / (finished.seconds - empty), tokens, "dure tokenize, with reading lines and writing JSON"


def tokenizer(comparison: Comparison) -> list[Row]:
    prefix = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    request = {
        "mode": "tokenize",
        "model": comparison.model("base"),
        "texts": comparison.folder / "texts.txt",
        "repetitions": 3,
    }
    own, others, ratios = [], [], []
    for _ in range(comparison.rounds):
        rate_of_dure, tokens, how = dure_tokenize(comparison, prefix)
        answers = {name: comparison.peer.request(name, 1, 1, request)[0] for name in comparison.peer.variants}
        rates = {
            (variant, way): answer["tokens"] / median(seconds)
            for variant, answer in answers.items()
            for way, seconds in answer["seconds"].items()
        }
        expected = next(iter(answers.values()))["tokens"]
        if tokens not in (None, expected):
            raise MeasurementFailed(f"dure makes {tokens} tokens of the texts, tokenizers {expected}")
        # Features need offsets, so only the ways that give them are like for like.
        fastest = max((key for key in rates if "no offsets" not in key[1]), key=lambda key: rates[key])
        without = max((value for (_, way), value in rates.items() if "no offsets" in way), default=0)
        own.append(rate_of_dure)
        others.append(rates[fastest])
        ratios.append(rate_of_dure / rates[fastest])
        say(f"  dure {rate_of_dure / 1e6:.2f} M tokens/s; tokenizers {rates[fastest] / 1e6:.3f} M ({', '.join(fastest)})")
    raw = {"dure": own, "peer": others, "ratios": ratios, "peer_without_offsets": without, "tokens": expected}
    return [
        Row(
            "tokenizer vs Hugging Face tokenizers, one thread, all contexts and questions",
            f"{median(own) / 1e6:.2f} M tokens/s",
            f"{median(others) / 1e6:.3f} M tokens/s ({fastest[1]}, {fastest[0]})",
            median(ratios),
            f"{median(ratios):.1f} ×",
            5,
            raw=raw,
            note=f"{how}; {expected} tokens; tokenizers without offsets {without / 1e6:.3f} M tokens/s",
        )
    ]


def dure_evaluate(comparison: Comparison, name: str) -> tuple[float, int]:
    """Seconds of the whole command, and windows."""
    output = programs.fresh(comparison.dure.workdir / "dure-evaluate")
    settings = {"model": comparison.model("base"), "dataset": comparison.data(name), "output_dir": output, "threads": 1}
    common = {key: comparison.dure.common[key] for key in ("max_seq_length", "doc_stride")}
    finished = comparison.dure.run(2, ["evaluate", *programs.flags(settings | common)], "dure-evaluate")
    return finished.seconds, json.loads(finished.output)["windows"]


def evaluate(comparison: Comparison) -> list[Row]:
    """The time of `dure evaluate` for the features that a longer run has more of: launch and loading cancel out."""
    extra = len(comparison.lengths("evaluation")) - len(comparison.lengths("warmup"))
    request = {"mode": "evaluate", "model": comparison.model("base"), "features": comparison.features("evaluation")}
    request |= {"batch": comparison.batch, "paddings": {"padded": comparison.max_length, "dynamic": None}}
    total = len(comparison.lengths("evaluation"))
    own, others, ratios, ways = [], [], [], []
    variants = [comparison.best["base"]] if "base" in comparison.best else list(comparison.peer.variants)
    for _ in range(comparison.rounds):
        short, windows_of_short = dure_evaluate(comparison, "warmup")
        long, windows = dure_evaluate(comparison, "evaluation")
        if windows - windows_of_short != extra:
            raise MeasurementFailed(f"dure evaluated {windows - windows_of_short} windows more, not {extra}")
        own.append(extra / (long - short))
        rates = {}
        for variant in variants:
            answer, _ = comparison.peer.request(variant, 2, 1, request)
            rates |= {f"{padding}, {variant}": total / seconds for padding, seconds in answer.items()}
        fastest = max(rates, key=lambda name: rates[name])
        variants = [fastest.split(", ")[1]]
        ways.append(fastest)
        others.append(rates[fastest])
        ratios.append(own[-1] / others[-1])
        say(f"  dure {own[-1]:.2f} windows/s; peer " + ", ".join(f"{value:.2f} ({name})" for name, value in rates.items()))
    return [
        Row(
            f"dure evaluate vs transformers' forward, BERT-base, batch {comparison.batch}, 2 × 1",
            f"{median(own):.2f} windows/s",
            f"{median(others):.2f} windows/s ({ways[-1]})",
            median(ratios),
            f"{median(ratios):.2f} ×",
            4,
            raw={"dure": own, "peer": others, "ratios": ratios, "ways": ways, "windows": extra},
            note=f"{extra} windows; dure with its answers and files",
        )
    ]


GROUPS = {
    "base": base,
    "small": small,
    "gemm": gemm,
    "scaling": scaling,
    "memory": memory,
    "tokenizer": tokenizer,
    "evaluate": evaluate,
    "launch": launch,
}

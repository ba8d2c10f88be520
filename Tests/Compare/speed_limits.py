"""The rows of the table of speeds that hold dure against the machine and against itself."""

import json
import re
import subprocess
import sys
from pathlib import Path

import programs
from speed_bench import bench
from speed_rows import Comparison, Row, dure_steps, gigabytes, median, rate, say
from speed_runs import ONE_THREAD, MeasurementFailed, Steps, run


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


def gemm_rate(comparison: Comparison, configuration: dict, precision: str) -> float:
    """GFLOP/s of two processes at once, as two ranks have it: of dure's OpenBLAS, in bf16 of PyTorch's oneDNN."""
    single = precision == "fp32"
    library = openblas_of(comparison.dure.program[-1]) if single else "torch"
    script = str(Path(__file__).with_name("speed_gemm.py"))
    sizes = ["--hidden", str(configuration["hidden_size"]), "--intermediate", str(configuration["intermediate_size"])]
    command = [sys.executable if single else comparison.peer.python, script, library, *sizes]
    log = comparison.dure.workdir / "logs" / "gemm"
    run([command, command], log, ONE_THREAD)
    rates = [json.loads(log.with_suffix(f".{index}.out").read_text())["gflops"] for index in (0, 1)]
    name = "OpenBLAS" if single else "PyTorch in bf16"
    say(f"  {name}: {rates[0]:.0f} + {rates[1]:.0f} GFLOP/s")
    return sum(rates)


def gemm(comparison: Comparison) -> list[Row]:
    return [share_of_products(comparison, "fp32", 0.85)]


def share_of_products(comparison: Comparison, precision: str, target: float) -> Row:
    """Against the higher of two rates: of a library as measured here, and of dure's own benchmark of its products."""
    configuration = programs.read_json(comparison.model("base") / "config.json")
    steps, warmup, batch = comparison.base_steps, 1, comparison.batch
    lengths = comparison.lengths("training")[warmup * batch : (warmup + steps) * batch]
    places = {"model": comparison.model("base"), "batch": batch, "length": comparison.max_length, "steps": steps}
    single = precision == "fp32"
    settings = {} if single else {"precision": precision}
    own = bench(comparison.dure, "step" if single else f"step {precision}", ranks=2, **places)
    limits, rates = [], []
    for _ in range(comparison.rounds):
        before = gemm_rate(comparison, configuration, precision)
        found = dure_steps(comparison, "base", steps, warmup, **settings)
        limits.append(max(before, gemm_rate(comparison, configuration, precision), 2 * own.get("gflops", 0)))
        rates.append(step_operations(configuration, lengths) / sum(found.seconds) / 1e9)
    shares = [one / limit for one, limit in zip(rates, limits)]
    note = ""
    if "share" in own:
        say(f"  dure bench step: {100 * own['share']:.1f} % of 2 × {own['gflops']:.0f} GFLOP/s")
        note = f"dure bench step says {100 * own['share']:.1f} % of 2 × {own['gflops']:.0f} GFLOP/s"
    kind = "" if single else f"{precision} "
    return Row(
        f"share of measured {kind}GEMM rate, whole BERT-base step, 2 × 1",
        f"{median(rates):.0f} GFLOP/s",
        f"products alone {median(limits):.0f} GFLOP/s",
        median(shares),
        f"{100 * median(shares):.1f} %",
        target,
        raw={"gflops": rates, "gemm_gflops": limits, "shares": shares, "bench_step": own},
        note=note,
    )


def scaling(comparison: Comparison) -> list[Row]:
    ways = {"1 × 1": (1, 1), "2 ranks × 1 thread": (2, 1), "1 rank × 2 threads": (1, 2)}
    found: dict[str, list[Steps]] = {name: [] for name in ways}
    steps = max(1, comparison.base_steps * 3 // 4)
    for _ in range(comparison.rounds):
        for name, (ranks, threads) in ways.items():
            found[name].append(dure_steps(comparison, "base", steps, 1, ranks=ranks, threads=threads))
    single = found.pop("1 × 1")
    rows = []
    for name, runs in found.items():
        ratios = [one.samples_per_second / other.samples_per_second for one, other in zip(runs, single)]
        raw = {"ratios": ratios, "dure": [one.record() for one in runs], "single": [one.record() for one in single]}
        title, value = f"{name} vs 1 × 1, BERT-base", median(ratios)
        rows.append(Row(title, rate(runs), f"dure 1 × 1: {rate(single)}", value, f"{value:.2f} ×", 1.9, raw=raw))
    return rows


def peak_on_long_contexts(comparison: Comparison, **settings) -> tuple[int, list[int]]:
    """The largest resident memory of a rank, and the lengths that it trained on."""
    steps = 2
    found = comparison.dure.train(
        comparison.model("base"),
        comparison.data("long"),
        steps,
        max_seq_length=512,
        batch_size=comparison.batch,
        **settings,
    )
    lengths = comparison.lengths("long")[: steps * comparison.batch]
    if sum(found.tokens) != sum(lengths):
        raise MeasurementFailed(f"dure trained on {sum(found.tokens)} tokens, not on {sum(lengths)}")
    say(f"  dure, {settings.get('precision', 'fp32')}: peak {gigabytes(found.peak)}")
    return found.peak, lengths


def memory(comparison: Comparison) -> list[Row]:
    found, lengths = peak_on_long_contexts(comparison)
    peer = "–"
    if comparison.peer_peak:
        peer = f"{gigabytes(comparison.peer_peak)} (lengths up to {comparison.max_length})"
    note = f"windows of {sum(lengths) / len(lengths):.0f} tokens in the mean"
    raw = {"peak": found, "peer_peak": comparison.peer_peak}
    name = f"peak memory a rank, BERT-base, batch {comparison.batch}, lengths up to 512"
    peak = gigabytes(found)
    return [Row(name, peak, peer, found, peak, 2.6e9, at_least=False, raw=raw, note=note)]


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

"""Measures dure beside transformers on PyTorch, on the same features in the same order and in turns, and prints a
table of both sides, their ratios and the targets. Exits with 0 when every row was measured, whatever the figures."""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import time
import traceback
from pathlib import Path

import programs
from speed_limits import gemm, launch, memory, scaling
from speed_precision import bf16
from speed_rows import Comparison, Row, base, say, small
from speed_runs import Dure, MeasurementFailed, NotMeasurable, Peer, preload_variants, run
from speed_text import evaluate, tokenizer

STRIDE = 128
GROUPS = {
    "base": base,
    "small": small,
    "gemm": gemm,
    "scaling": scaling,
    "memory": memory,
    "tokenizer": tokenizer,
    "evaluate": evaluate,
    "launch": launch,
    "bf16": bf16,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    parser.add_argument("--dataset", type=Path, required=True, help="KorQuAD or SQuAD 1.1 file")
    parser.add_argument("--vocab", type=Path, required=True, help="vocab.txt of a cased model")
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable, help="one that has torch, transformers and tokenizers")
    parser.add_argument("--mpirun", default="mpirun", help="with options, if any are needed")
    parser.add_argument("--libraries", type=Path, action="append", help="folder with libtcmalloc and libiomp5")
    parser.add_argument("--rows", default=",".join(GROUPS), help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each side")
    parser.add_argument("--base-steps", type=int, default=4, help="timed steps of a run of BERT-base")
    parser.add_argument("--small-steps", type=int, default=10)
    parser.add_argument("--evaluation-features", type=int, default=192)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-seq-length", type=int, default=384)
    parser.add_argument("--quick", action="store_true", help="half of everything")
    parser.add_argument("--tiny", action="store_true", help="tiny models, to try this script and not the programs")
    parser.add_argument("--json", type=Path, help="all figures; speed.json in the work folder by default")
    options = parser.parse_args()
    unknown = set(options.rows.split(",")) - set(GROUPS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    if options.quick:
        for name in ("rounds", "base_steps", "small_steps", "evaluation_features"):
            setattr(options, name, max(1, getattr(options, name) // 2))
    return options


def prepare(options: argparse.Namespace, folder: Path) -> None:
    values = {
        "dataset": options.dataset,
        "vocab": options.vocab,
        "output": folder,
        "max_seq_length": options.max_seq_length,
        "doc_stride": STRIDE,
        "training_features": options.batch_size * (max(options.base_steps, options.small_steps) + 2),
        "evaluation_features": options.evaluation_features,
        "warmup_features": options.batch_size,
        "long_features": 2 * options.batch_size,
        "tiny": options.tiny,
    }
    script = str(Path(__file__).with_name("speed_prepare.py"))
    run([[options.python, script, *programs.flags(values)]], options.workdir / "logs" / "prepare", {})


def library_folders(options: argparse.Namespace) -> list[Path]:
    """Where they were said to be, in the virtual environment, and where distributions put them."""
    environments = [Path(sys.prefix), Path(os.path.abspath(options.python)).parent.parent]
    own = [environment for environment in environments if (environment / "pyvenv.cfg").exists()]
    inside = [environment / name for environment in own for name in ("lib", "preload")]
    system = [Path(f"/usr/lib/{platform.machine()}-linux-gnu"), Path("/usr/lib64")]
    return [*(options.libraries or []), *inside, *system]


def machine(options: argparse.Namespace, dure: list[str]) -> dict:
    packages = ["torch", "transformers", "tokenizers"]
    script = f"from importlib.metadata import version; print(*map(version, {packages}))"
    versions = subprocess.run([options.python, "-c", script], capture_output=True, text=True).stdout.split()
    information = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in information if line.startswith("model name")), "unknown")
    version = subprocess.run([*dure, "--version"], capture_output=True, text=True).stdout.strip()
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)),
        "dure": version,
        **dict(zip(packages, versions)),
    }


def table(rows: list[Row]) -> str:
    lines = ["| row | dure | peer | ratio | target | met |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        unit = row.shown.split(" ")[1]
        scale = {"%": 100, "GB": 1e-9}.get(unit, 1)
        target = f"{'≥' if row.at_least else '≤'} {row.target * scale:.3g} {unit}"
        cells = [row.name, row.dure, row.peer, row.shown, target, "yes" if row.met else "no"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def record(row: Row) -> dict:
    return row.__dict__ | {"met": row.met}


def measure(options: argparse.Namespace, comparison: Comparison) -> tuple[list[Row], list[str], list[str]]:
    """Rows, groups that failed, and groups that this machine has no place for."""
    rows, failures, impossible = [], [], []
    for name in GROUPS:
        if name not in options.rows.split(","):
            continue
        begin = time.monotonic()
        say(f"{name}:")
        try:
            rows += GROUPS[name](comparison)
        except NotMeasurable as error:
            impossible.append(f"{name} is not measurable here: {error}")
        except MeasurementFailed as error:
            failures.append(f"{name}: {error}")
        except Exception:  # The other rows took minutes to measure and must not be lost to one that is broken.
            failures.append(f"{name}: {traceback.format_exc()}")
        say(f"  {time.monotonic() - begin:.0f} s")
    return rows, failures, impossible


def main() -> int:
    options = arguments()
    options.workdir = options.workdir.resolve()
    folder = options.workdir / "inputs"
    variants = preload_variants(library_folders(options))
    say(f"variants of the peer: {', '.join(variants)}")
    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"something else is running (load {load:.1f}): the figures will be wrong")
    try:
        prepare(options, programs.fresh(folder))
    except (MeasurementFailed, OSError) as error:
        sys.exit(f"FAILED to prepare: {error}")
    common = {"batch_size": options.batch_size, "max_seq_length": options.max_seq_length, "doc_stride": STRIDE}
    program = shlex.split(options.dure)
    program[-1] = str(Path(program[-1]).resolve())
    comparison = Comparison(
        Dure(program, shlex.split(options.mpirun), options.workdir, common),
        Peer(options.python, options.workdir, variants),
        folder,
        options.dataset.resolve(),
        options.rounds,
        options.batch_size,
        options.max_seq_length,
        options.base_steps,
        options.small_steps,
    )
    about = machine(options, program)
    begin = time.monotonic()
    rows, failures, impossible = measure(options, comparison)
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(table(rows))
    for row in rows:
        if row.note:
            print(f"- {row.name}: {row.note}")
    for line in impossible:
        print(f"- {line}")
    result = {"machine": about, "load_before": load, "variants": list(variants), "failures": failures}
    result["not_measurable"] = impossible
    result["seconds"] = time.monotonic() - begin
    path = options.json or options.workdir / "speed.json"
    path.write_text(json.dumps(result | {"rows": [record(row) for row in rows]}, indent=2, ensure_ascii=False) + "\n")
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if failures or not (rows or impossible) else 0


if __name__ == "__main__":
    sys.exit(main())

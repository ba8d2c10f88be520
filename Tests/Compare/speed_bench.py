"""What `dure bench` says of itself, where it can be found: another witness beside the comparison's own measurements.

The words and names below are all that depends on its interface.
"""

import json
import shlex
from pathlib import Path

from speed_runs import Dure, MeasurementFailed

WORDS = {
    "gemm": "bench gemm --json",
    "step": "bench step --model {model} --json",
    "tokenize": "bench tokenize --model {model} --dataset {dataset} --json",
}
# The first of the names that is found, at any depth, is taken; of several objects with it, the largest value.
NAMES = {
    "gemm": ("gflops", "gflop_per_second", "gflops_per_second", "GFLOP/s", "rate"),
    "step": ("share", "share_of_gemm", "gemm_share", "share_of_limit", "limit_share"),
    "tokenize": ("tokens_per_second", "tokens/s", "rate"),
}


def numbers(value, name: str) -> list[float]:
    """Every number that stands under the name."""
    if isinstance(value, list):
        return [found for entry in value for found in numbers(entry, name)]
    if not isinstance(value, dict):
        return []
    own = value.get(name)
    here = [float(own)] if isinstance(own, (int, float)) and not isinstance(own, bool) else []
    return here + [found for entry in value.values() for found in numbers(entry, name)]


def answer(output: str, names: tuple[str, ...]) -> float | None:
    """From JSON, or lines of it."""
    try:
        value = json.loads(output)
    except ValueError:
        try:
            value = [json.loads(line) for line in output.splitlines() if line.strip()]
        except ValueError:
            return None
    return next((max(found) for name in names if (found := numbers(value, name))), None)


def bench(dure: Dure, kind: str, prefix: list[str] = [], **places: Path) -> float | None:
    """None when this `dure` has no such benchmark, or says nothing that is known here."""
    words = [word.format(**places) for word in shlex.split(WORDS[kind])]
    alone = Dure([*prefix, *dure.program], dure.mpirun, dure.workdir)
    try:
        return answer(alone.run(1, words, f"bench-{kind}", limit=120).output, NAMES[kind])
    except MeasurementFailed:
        return None

"""What `dure bench` says of itself: a second witness beside the comparison's own measurements.

The words and names below are all that depends on its interface.
"""

import json
import shlex

from speed_runs import Dure, MeasurementFailed

WORDS = {
    "gemm": "bench gemm --config {model}/config.json --threads 1 --json",
    "step": "bench step --config {model}/config.json --batch-size {batch} --max-seq-length {length} --steps {steps} "
    "--threads 1 --json",
    "step bf16": "bench step --precision bf16 --config {model}/config.json --batch-size {batch} "
    "--max-seq-length {length} --steps {steps} --threads 1 --json",
    "tokenize": "bench tokenize --model {model} --dataset {dataset} --json",
}
# Of several objects with the same name the last counts: it is the summary.
NAMES = {
    "gemm": {"gflops": "rate"},
    "step": {"gflops": "gemm_gflops_per_rank", "share": "share_of_gemm_rate"},
    "step bf16": {"gflops": "gemm_gflops_per_rank", "share": "share_of_gemm_rate"},
    "tokenize": {"tokens_per_second": "rate"},
}


def numbers(value, name: str) -> list[float]:
    """Every number that stands under the name, at any depth."""
    if isinstance(value, list):
        return [found for entry in value for found in numbers(entry, name)]
    if not isinstance(value, dict):
        return []
    own = value.get(name)
    here = [float(own)] if isinstance(own, (int, float)) and not isinstance(own, bool) else []
    return here + [found for entry in value.values() for found in numbers(entry, name)]


def bench(dure: Dure, kind: str, ranks: int = 1, prefix: list[str] = [], **places) -> dict[str, float]:
    """Empty when this `dure` has no such benchmark, or says nothing that is known here."""
    words = [word.format(**places) for word in shlex.split(WORDS[kind])]
    alone = Dure([*prefix, *dure.program], dure.mpirun, dure.workdir)
    try:
        value = json.loads(alone.run(ranks, words, f"bench-{kind.replace(' ', '-')}", limit=300).output)
    except (MeasurementFailed, ValueError):
        return {}
    return {name: found[-1] for name, field in NAMES[kind].items() if (found := numbers(value, field))}

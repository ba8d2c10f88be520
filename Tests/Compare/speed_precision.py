"""The rows of the table of speeds that are about bf16: beside the peer's autocast, and beside dure's own fp32."""

from functools import partial
from pathlib import Path

from speed_limits import peak_on_long_contexts, share_of_products
from speed_rows import Comparison, Row, best_variant, dure_steps, gigabytes, in_turns, peer_steps, ratio_row
from speed_runs import NotMeasurable

INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
BRAIN = {"precision": "bf16"}


def require_instructions() -> None:
    """Without them bf16 is slower than fp32 on both sides."""
    information = Path("/proc/cpuinfo").read_text().splitlines()
    known = next((line.split(":")[1].split() for line in information if line.startswith("flags")), [])
    if not set(INSTRUCTIONS) & set(known):
        raise NotMeasurable(f"the processor has none of {', '.join(INSTRUCTIONS)}")


def bf16(comparison: Comparison) -> list[Row]:
    require_instructions()
    rows = training(comparison)
    return [*rows, share_of_products(comparison, "bf16", 0.75), memory(comparison)]


def training(comparison: Comparison) -> list[Row]:
    """The peer with each padding has the libraries that are best for it."""
    model, steps, warmup, length = "base", comparison.base_steps, 1, comparison.max_length
    paddings = {f"padded to {length}": (length, 2.8), "dynamic padding": (None, 2.2)}
    tried = max(1, steps // 4)
    variants = {
        name: best_variant(comparison, model, tried, padding, "bf16") for name, (padding, _) in paddings.items()
    }
    sides = {
        "bf16": partial(dure_steps, comparison, model, steps, warmup, **BRAIN),
        "fp32": partial(dure_steps, comparison, model, steps, warmup),
    }
    for name, (padding, _) in paddings.items():
        sides[name] = partial(peer_steps, comparison, variants[name], model, steps, warmup, padding, "bf16")
    found = in_turns(comparison.rounds, sides)
    title = f"BERT-base, max length {length}, batch {comparison.batch}, bf16"
    note = f"{comparison.rounds} × {steps} steps of {comparison.batch}"
    rows = [
        ratio_row(
            f"{title} vs transformers + DDP (gloo) under autocast, {name}",
            found["bf16"],
            found[name],
            target,
            f" ({variants[name]})",
            note,
        )
        for name, (_, target) in paddings.items()
    ]
    return [*rows, ratio_row(f"{title} vs dure in fp32", found["bf16"], found["fp32"], 1.75, " (dure)", note)]


def memory(comparison: Comparison) -> Row:
    """On the longest contexts, where activations are most of it."""
    brain, lengths = peak_on_long_contexts(comparison, **BRAIN)
    single, _ = peak_on_long_contexts(comparison)
    name = f"peak memory a rank in bf16, BERT-base, batch {comparison.batch}, lengths up to 512"
    note = f"windows of {sum(lengths) / len(lengths):.0f} tokens in the mean; the target is fp32's peak"
    peak, raw = gigabytes(brain), {"peak": brain, "single_peak": single}
    other = f"dure in fp32: {gigabytes(single)}"
    return Row(name, peak, other, brain, peak, single, at_least=False, raw=raw, note=note)

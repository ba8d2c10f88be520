"""The rows of the table of speeds for the tokenizer and for evaluation."""

import json
import os

import programs
from speed_bench import bench
from speed_rows import Comparison, Row, median, say
from speed_runs import Dure, MeasurementFailed


def dure_tokenize(comparison: Comparison, prefix: list[str]) -> tuple[float | None, float, int]:
    """Tokens per second of the tokenizer by itself if known, and of the command; and how many tokens there are."""
    model, texts = comparison.model("base"), comparison.folder / "texts.txt"
    found = bench(comparison.dure, "tokenize", prefix=prefix, model=model, dataset=comparison.dataset)
    alone = Dure([*prefix, *comparison.dure.program], [], comparison.dure.workdir)
    words = ["tokenize", "--model", str(model)]
    empty = alone.run(1, words, "tokenize-nothing").seconds
    finished = alone.run(1, words, "tokenize", standard_input=texts)
    tokens = sum(len(json.loads(line)["ids"]) for line in finished.output.splitlines())
    return found.get("tokens_per_second"), tokens / (finished.seconds - empty), tokens


def tokenizers_rates(comparison: Comparison, prefix: list[str], tokens: int) -> dict[tuple[str, str], float]:
    """Tokens per second of each way with each variant of preloaded libraries."""
    request = {"mode": "tokenize", "model": comparison.model("base"), "texts": comparison.folder / "texts.txt"}
    rates = {}
    for variant in comparison.peer.variants:
        answer, _ = comparison.peer.request(variant, 1, 1, request | {"repetitions": 3}, prefix)
        if answer["tokens"] != tokens:
            raise MeasurementFailed(f"dure makes {tokens} tokens of the texts, tokenizers {answer['tokens']}")
        rates |= {(way, variant): tokens / median(seconds) for way, seconds in answer["seconds"].items()}
    return rates


def tokenizer(comparison: Comparison) -> list[Row]:
    prefix = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    own, commands, others, ratios = [], [], [], []
    for _ in range(comparison.rounds):
        alone, command, tokens = dure_tokenize(comparison, prefix)
        rates = tokenizers_rates(comparison, prefix, tokens)
        # Features need offsets, so only the ways that give them are like for like.
        fastest = max((key for key in rates if "no offsets" not in key[0]), key=lambda key: rates[key])
        without = max((value for (way, _), value in rates.items() if "no offsets" in way), default=0)
        own.append(alone or command)
        commands.append(command)
        others.append(rates[fastest])
        ratios.append(own[-1] / others[-1])
        say(f"  dure {own[-1] / 1e6:.2f} M tokens/s; tokenizers {others[-1] / 1e6:.3f} M ({', '.join(fastest)})")
    raw = {"dure": own, "dure_command": commands, "peer": others, "ratios": ratios, "peer_without_offsets": without}
    how = f"dure {'bench tokenize' if alone else 'tokenize'}"
    notes = [
        f"{tokens} tokens, the same number on both sides",
        f"dure tokenize, which reads lines and writes JSON, {median(commands) / 1e6:.2f} M tokens/s",
        f"tokenizers without offsets {without / 1e6:.3f} M tokens/s",
    ]
    return [
        Row(
            "tokenizer vs Hugging Face tokenizers, one thread, all contexts and questions",
            f"{median(own) / 1e6:.2f} M tokens/s ({how})",
            f"{median(others) / 1e6:.3f} M tokens/s ({', '.join(fastest)})",
            median(ratios),
            f"{median(ratios):.1f} ×",
            5,
            raw=raw | {"tokens": tokens},
            note="; ".join(notes),
        )
    ]


def dure_evaluate(comparison: Comparison, name: str) -> tuple[float, int]:
    """Seconds of the whole command, and windows."""
    output = programs.fresh(comparison.dure.workdir / "dure-evaluate")
    settings = {"model": comparison.model("base"), "dataset": comparison.data(name), "output_dir": output, "threads": 1}
    common = {key: comparison.dure.common[key] for key in ("max_seq_length", "doc_stride")}
    finished = comparison.dure.run(2, ["evaluate", *programs.flags(settings | common)], "dure-evaluate")
    return finished.seconds, json.loads(finished.output)["windows"]


def peer_forward(
    comparison: Comparison, variant: str, paddings: dict[str, int | None], batches: int | None
) -> dict[str, float]:
    """Windows per second of each padding, over so many batches, or all of them."""
    lengths = comparison.lengths("evaluation")
    request = {"mode": "evaluate", "model": comparison.model("base"), "features": comparison.features("evaluation")}
    request |= {"batch": comparison.batch, "paddings": paddings} | ({"steps": batches} if batches else {})
    answer, _ = comparison.peer.request(variant, 2, 1, request)
    windows = batches * comparison.batch if batches else len(lengths)
    rates = {name: windows / seconds for name, seconds in answer.items()}
    say(f"  peer, {variant}: " + ", ".join(f"{value:.2f} windows/s {name}" for name, value in rates.items()))
    return rates


def evaluate(comparison: Comparison) -> list[Row]:
    """The time of `dure evaluate` for the features that a longer run has more of: launch and loading cancel out."""
    extra = len(comparison.lengths("evaluation")) - len(comparison.lengths("warmup"))
    paddings = {f"padded to {comparison.max_length}": comparison.max_length, "dynamic padding": None}
    trials = {
        (padding, variant): value
        for variant in comparison.peer.variants
        for padding, value in peer_forward(comparison, variant, paddings, 1).items()
    }
    padding, variant = max(trials, key=lambda key: trials[key])
    own, others = [], []
    for _ in range(comparison.rounds):
        short, windows_of_short = dure_evaluate(comparison, "warmup")
        long, windows = dure_evaluate(comparison, "evaluation")
        if windows - windows_of_short != extra:
            raise MeasurementFailed(f"dure evaluated {windows - windows_of_short} windows more, not {extra}")
        if long <= short:
            raise MeasurementFailed(f"{windows} windows took {long:.2f} s, {windows_of_short} took {short:.2f} s")
        own.append(extra / (long - short))
        say(f"  dure: {own[-1]:.2f} windows/s")
        others.append(peer_forward(comparison, variant, {padding: paddings[padding]}, None)[padding])
    ratios = [one / other for one, other in zip(own, others)]
    return [
        Row(
            f"dure evaluate vs transformers' forward, BERT-base, batch {comparison.batch}, 2 × 1",
            f"{median(own):.2f} windows/s",
            f"{median(others):.2f} windows/s ({padding}, {variant})",
            median(ratios),
            f"{median(ratios):.2f} ×",
            4,
            raw={"dure": own, "peer": others, "ratios": ratios, "windows": extra},
            note=f"{extra} windows; dure with its answers and files, the peer's forward alone",
        )
    ]

"""What saving costs training, and how large and how fast a checkpoint is beside torch.save of the same state."""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

import h5py
import torch

from speed_runs import REMOVED

SIZES = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    "small": {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 512},
}
# Of a step that a checkpoint may cost.
LIMIT = 0.05


def main():
    arguments = parse()
    work = Path(arguments.workdir)
    work.mkdir(parents=True, exist_ok=True)
    model = make_model(arguments, work)
    without, with_saving = [], []
    for number in range(arguments.rounds):
        without.append(train(arguments, model, work / "without", saving=False))
        with_saving.append(train(arguments, model, work / "with", saving=True))
        print(f"round {number + 1} of {arguments.rounds} done", flush=True)
    share = report_cost(without, with_saving)
    report_files(work)
    sys.exit(0 if share < LIMIT else 1)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dure")
    for name in ("--dataset", "--vocab", "--workdir"):
        parser.add_argument(name, required=True)
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=13)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


def environment():
    return {name: value for name, value in os.environ.items() if name not in REMOVED}


def make_model(arguments, work):
    config = work / "config.json"
    entries = len(Path(arguments.vocab).read_text(encoding="utf-8").splitlines())
    members = {"model_type": "bert", "vocab_size": entries, "max_position_embeddings": 512, "type_vocab_size": 2}
    config.write_text(json.dumps(members | SIZES[arguments.size]))
    command = shlex.split(arguments.dure) + ["init", "--config", str(config), "--vocab", arguments.vocab]
    subprocess.run(command + ["--output", str(work / "model")], check=True, env=environment())
    return work / "model"


def train(arguments, model, output, saving):
    """Seconds of each step, and those that training stood still for each checkpoint."""
    subprocess.run(["rm", "-rf", str(output)], check=True)
    command = ["mpirun", "--bind-to", "none", "-n", str(arguments.ranks)] + shlex.split(arguments.dure)
    command += ["train", "--model", str(model), "--train-file", arguments.dataset, "--output-dir", str(output)]
    command += ["--max-steps", str(arguments.steps), "--batch-size", str(arguments.batch_size)]
    command += ["--threads", str(arguments.threads), "--logging-steps", "1", "--parameter-check-steps", "0"]
    command += ["--feature-cache", str(output.parent / "features")]
    command += ["--save-strategy", "steps", "--save-steps", str(arguments.every)] if saving else ["--save-strategy", "no"]
    run = subprocess.run(command, env=environment(), stderr=subprocess.PIPE, text=True)
    if run.returncode != 0:
        sys.exit(run.stderr)
    lines = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    steps = [line["step_seconds"] for line in lines if line["event"] == "train"]
    # The last checkpoint is written after the last step.
    saves = [line for line in lines if line["event"] == "save" and line["step"] < arguments.steps]
    return {
        "steps": steps,
        "waits": [line["wait_seconds"] for line in saves],
        "writes": [line["write_seconds"] for line in saves],
    }


def report_cost(without, with_saving):
    # The same batches: step by step, the median over rounds; the first step is slower than others in both.
    plain = [statistics.median(steps) for steps in zip(*(run["steps"] for run in without))][1:]
    saved = [statistics.median(steps) for steps in zip(*(run["steps"] for run in with_saving))][1:]
    waits = [statistics.median(waits) for waits in zip(*(run["waits"] for run in with_saving))]
    writes = [seconds for run in with_saving for seconds in run["writes"]]
    slower = (sum(saved) - sum(plain)) / len(waits)
    waiting = sum(waits) / len(waits)
    step = statistics.mean(plain)
    share = (slower + waiting) / step
    print(f"step {step:.3f} s, {len(waits)} checkpoints in {len(plain)} steps")
    print("waits " + " ".join(f"{seconds:.3f}" for seconds in waits) + " s")
    print(f"written behind training in {statistics.median(writes):.2f} s")
    print(f"cost of a checkpoint: {waiting:.3f} s standing still, {slower:.3f} s of slower steps:", end=" ")
    print(f"{100 * share:.1f} % of a step ({'below' if share < LIMIT else 'NOT below'} {100 * LIMIT:.0f} %)")
    return share


def report_files(work):
    newest = sorted((work / "with" / "checkpoints").glob("*.h5"))[-1]
    size = newest.stat().st_size
    with h5py.File(newest) as file:
        state = {}
        for group in ("model", "optimizer/exp_avg", "optimizer/exp_avg_sq"):
            state[group] = {name: torch.from_numpy(data[...]) for name, data in file[group].items()}
    path = work / "torch.pt"
    times = []
    for _ in range(3):
        path.unlink(missing_ok=True)
        started = time.monotonic()
        torch.save(state, path)
        with open(path, "rb+") as handle:
            os.fsync(handle.fileno())
        times.append(time.monotonic() - started)
    print(f"checkpoint {size / 1e6:.1f} MB; torch.save {path.stat().st_size / 1e6:.1f} MB in {min(times):.2f} s with fsync")
    path.unlink()


if __name__ == "__main__":
    main()

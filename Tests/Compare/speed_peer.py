"""One worker process of the peer: transformers on PyTorch, told by a JSON file what to do, and the number of its rank.

Training is that of `run_qa.py`: BertForQuestionAnswering with its dropout and attention, AdamW, clipping to 1,
DistributedDataParallel over gloo, in bf16 under autocast. The optimizer is the fused one, which is the faster of
PyTorch's.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    rank = int(sys.argv[2])
    answer = {"train": train, "evaluate": evaluate, "tokenize": tokenize}[request["mode"]](request, rank)
    if rank == 0:
        Path(request["result"]).write_text(json.dumps(answer))


def join(request: dict, rank: int) -> None:
    import torch
    import torch.distributed as distributed

    torch.set_num_threads(request["threads"])
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    store = f"file://{request['store']}"
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=request["ranks"])


def load(request: dict):
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    return transformers.BertForQuestionAnswering.from_pretrained(request["model"], dtype=torch.float32)


def shares(request: dict, rank: int) -> tuple[list[list[dict]], list[list[dict]]]:
    """The batches, and this rank's features of each: every n-th, as DistributedSampler deals them."""
    features = json.loads(Path(request["features"]).read_text())
    size = request["batch"]
    batches = [features[first : first + size] for first in range(0, len(features), size)]
    if "steps" in request:
        if len(batches) < request["steps"] or len(batches[request["steps"] - 1]) < size:
            sys.exit(f"{len(features)} features are too few for {request['steps']} steps of {size}")
        batches = batches[: request["steps"]]
    return batches, [batch[rank :: request["ranks"]] for batch in batches]


def tensors(features: list[dict], padding: int | None, labelled: bool) -> dict:
    import torch

    length = padding or max(len(feature["ids"]) for feature in features)

    def padded(rows: list[list[int]]) -> "torch.Tensor":
        return torch.tensor([row + [0] * (length - len(row)) for row in rows])

    batch = {
        "input_ids": padded([feature["ids"] for feature in features]),
        "token_type_ids": padded([feature["types"] for feature in features]),
        "attention_mask": padded([[1] * len(feature["ids"]) for feature in features]),
    }
    if labelled:
        batch["start_positions"] = torch.tensor([feature["start"] for feature in features])
        batch["end_positions"] = torch.tensor([feature["end"] for feature in features])
    return batch


def train(request: dict, rank: int) -> dict:
    import torch
    import torch.distributed as distributed

    join(request, rank)
    batches, own = shares(request, rank)
    model = load(request)
    model.train()
    parallel = model
    if request["ranks"] > 1:
        parallel = torch.nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.0, fused=True)
    precision = torch.autocast("cpu", dtype=torch.bfloat16, enabled=request.get("precision") == "bf16")
    seconds, losses = [], []
    distributed.barrier()
    first_step_at = time.time()
    for features in own:
        distributed.barrier()
        begin = time.perf_counter()
        with precision:
            loss = parallel(**tensors(features, request["padding"], labelled=True)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        distributed.barrier()
        seconds.append(time.perf_counter() - begin)
        losses.append(loss.item())
    distributed.destroy_process_group()
    return {
        "seconds": seconds,
        "samples": [len(batch) for batch in batches],
        "tokens": [sum(len(feature["ids"]) for feature in batch) for batch in batches],
        "losses": losses,
        "first_step_at": first_step_at,
    }


def evaluate(request: dict, rank: int) -> dict:
    """Seconds of the forward over all features together, with each padding, after a batch that does not count."""
    import torch
    import torch.distributed as distributed

    join(request, rank)
    _, own = shares(request, rank)
    model = load(request).eval()
    answer = {}
    with torch.inference_mode():
        for name, padding in request["paddings"].items():
            if own[0]:
                model(**tensors(own[0], padding, labelled=False))
            distributed.barrier()
            begin = time.perf_counter()
            for features in own:
                if features:
                    model(**tensors(features, padding, labelled=False))
            distributed.barrier()
            answer[name] = time.perf_counter() - begin
    distributed.destroy_process_group()
    return answer


def tokenize(request: dict, rank: int) -> dict:
    """Seconds of each way to tokenize all texts, and the tokens of one."""
    import reference

    texts = Path(request["texts"]).read_text(encoding="utf-8").split("\n")
    tokenizer = reference.tokenizer_of(Path(request["model"])).backend_tokenizer
    ways = {
        "encode_batch": lambda: tokenizer.encode_batch(texts, add_special_tokens=False),
        "encode": lambda: [tokenizer.encode(text, add_special_tokens=False) for text in texts],
    }
    if hasattr(tokenizer, "encode_batch_fast"):
        ways["encode_batch_fast (no offsets)"] = lambda: tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    answer = {"seconds": {name: [] for name in ways}, "tokens": sum(len(found.ids) for found in ways["encode"]())}
    for _ in range(request["repetitions"]):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            answer["seconds"][name].append(time.perf_counter() - begin)
    return answer


if __name__ == "__main__":
    main()

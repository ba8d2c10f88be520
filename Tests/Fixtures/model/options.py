"""Writes options.json: runs of the features of training.json with parts frozen, rates by layer and smoothed labels.

Like the other fixtures of this folder everything is PyTorch's and transformers' in float64:

    python options.py
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

import generate

FOLDER = Path(__file__).parent
STEPS = 12
LAYERS = 2

RUNS = {
    "freeze_embeddings": {"freeze_embeddings": True},
    "freeze_layers_1": {"freeze_layers": 1},
    "freeze_embeddings_layers_1": {"freeze_embeddings": True, "freeze_layers": 1},
    "freeze_all_but_head": {"freeze_embeddings": True, "freeze_layers": 2},
    "layerwise_lr_decay": {"layerwise_lr_decay": 0.8},
    "label_smoothing": {"label_smoothing": 0.1},
    "everything": {"freeze_layers": 1, "layerwise_lr_decay": 0.9, "label_smoothing": 0.05},
}


def depth(name: str) -> int:
    """0 for the head, 1 for the last block, and so on down to the embeddings."""
    if name.startswith("qa_outputs"):
        return 0
    if ".layer." in name:
        return LAYERS - int(name.split(".layer.")[1].split(".")[0])
    return LAYERS + 1


def is_frozen(name: str, options: dict) -> bool:
    if depth(name) == LAYERS + 1:
        return options.get("freeze_embeddings", False)
    return depth(name) > 0 and LAYERS - depth(name) < options.get("freeze_layers", 0)


def loss_of(network, items: list[dict], smoothing: float) -> torch.Tensor:
    total = 0
    for item in items:
        _, start, end = generate.forward(network, item)
        for logits, position in ((start, "start_position"), (end, "end_position")):
            target = torch.tensor([item[position]])
            total += torch.nn.functional.cross_entropy(logits[None], target, label_smoothing=smoothing) / 2
    return total / len(items)


def train(tensors: dict, items: list[dict], settings: dict, options: dict) -> dict:
    network = generate.model(tensors)
    groups = []
    for name, value in network.named_parameters():
        if is_frozen(name, options):
            value.requires_grad_(False)
            continue
        decays = not (name.endswith("bias") or "LayerNorm" in name)
        rate = settings["learning_rate"] * options.get("layerwise_lr_decay", 1.0) ** depth(name)
        decay = settings["weight_decay"] if decays else 0.0
        groups.append({"params": [value], "lr": rate, "weight_decay": decay})
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, settings["warmup_steps"], STEPS)
    size = settings["batch_size"]
    batches = [items[first : first + size] for first in range(0, len(items), size)]
    result = {"losses": [], "gradient_norms": []}
    for step in range(STEPS):
        loss = loss_of(network, batches[step % len(batches)], options.get("label_smoothing", 0.0))
        loss.backward()
        trained = [value for value in network.parameters() if value.requires_grad]
        norm = torch.nn.utils.clip_grad_norm_(trained, settings["max_gradient_norm"])
        result["losses"].append(loss.item())
        result["gradient_norms"].append(norm.item())
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    result["final_parameter_norms"] = {name: value.norm().item() for name, value in network.named_parameters()}
    return result


def main() -> None:
    training = json.loads((FOLDER / "training.json").read_text())
    tensors = load_file(FOLDER / "tiny" / "model.safetensors")
    runs = [
        {"name": name, "options": options}
        | train(tensors, training["features"], training["settings"], options)
        for name, options in RUNS.items()
    ]
    about = "Weights, features and settings of training.json over total_steps; label smoothing is in the losses."
    generate.write_json(FOLDER / "options.json", {"about": about, "total_steps": STEPS, "runs": runs})


if __name__ == "__main__":
    main()

"""The reference model: transformers' BertForQuestionAnswering with its padding masked out of the softmax."""

import json
import math
import shutil
from pathlib import Path

import h5py
import numpy
import torch
import transformers

from datasets_and_features import Feature

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def read_vocabulary(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def small_configuration(vocabulary: Path, **changes) -> dict:
    values = {
        "model_type": "bert",
        "architectures": ["BertForQuestionAnswering"],
        "vocab_size": len(read_vocabulary(vocabulary)),
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 512,
        "max_position_embeddings": 300,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    unknown = set(changes) - set(values)
    assert not unknown, f"no such setting: {unknown}"
    return values | changes


def write_model_folder(folder: Path, vocabulary: Path, configuration: dict, seed: int) -> Path:
    """A cased model folder with random weights."""
    torch.manual_seed(seed)
    model = transformers.BertForQuestionAnswering(transformers.BertConfig(**configuration))
    model.save_pretrained(folder)
    shutil.copyfile(vocabulary, folder / "vocab.txt")
    settings = {"do_lower_case": False, "strip_accents": False, "tokenize_chinese_chars": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    return folder


def tokenizer_of(folder: Path) -> transformers.BertTokenizerFast:
    """The fast tokenizer by vocab.txt and the settings beside it."""
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = {
        key: settings[key] for key in ("do_lower_case", "strip_accents", "tokenize_chinese_chars") if key in settings
    }
    vocabulary = {token: index for index, token in enumerate(read_vocabulary(folder / "vocab.txt"))}
    return transformers.BertTokenizerFast(vocab=vocabulary, **known)


def read_checkpoint(path: Path) -> dict[str, numpy.ndarray]:
    with h5py.File(path) as file:
        return {name: dataset[()] for name, dataset in file["model"].items()}


def load(folder: Path, checkpoint: Path | None = None, dtype: torch.dtype = torch.float32):
    """The folder's model, with the weights of a Dure checkpoint in their place if one is given."""
    model = transformers.BertForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)
    if checkpoint is not None:
        tensors = {name: torch.from_numpy(values) for name, values in read_checkpoint(checkpoint).items()}
        model.load_state_dict(tensors)
    return model.to(dtype)


def without_dropout(model):
    return model.eval()


def logits(model, features: list[Feature]) -> tuple[torch.Tensor, torch.Tensor]:
    """Start and end logits [features, longest], -inf at padding."""
    longest = max(len(feature.input_ids) for feature in features)

    def padded(rows: list[list[int]]) -> torch.Tensor:
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows])

    mask = padded([[1] * len(feature.input_ids) for feature in features])
    output = model(
        input_ids=padded([feature.input_ids for feature in features]),
        token_type_ids=padded([feature.token_type_ids for feature in features]),
        attention_mask=mask,
    )
    padding = mask == 0
    return output.start_logits.masked_fill(padding, -math.inf), output.end_logits.masked_fill(padding, -math.inf)


def batch_loss(model, features: list[Feature]) -> torch.Tensor:
    """Mean over features of (CE(start) + CE(end)) / 2."""
    start, end = logits(model, features)
    entropy = torch.nn.functional.cross_entropy
    starts = torch.tensor([feature.start for feature in features])
    ends = torch.tensor([feature.end for feature in features])
    return (entropy(start, starts) + entropy(end, ends)) / 2


def optimizer_of(model, learning_rate: float, decay: float) -> torch.optim.AdamW:
    decays = {name: not (name.endswith("bias") or "LayerNorm" in name) for name, _ in model.named_parameters()}
    groups = [
        {"params": [value for name, value in model.named_parameters() if decays[name]], "weight_decay": decay},
        {"params": [value for name, value in model.named_parameters() if not decays[name]], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8)


def train(model, features: list[Feature], steps: int, batch_size: int, learning_rate: float, warmup: int, decay: float):
    """Features in order, a new batch at each epoch; yields loss, gradient norm and learning rate of a step."""
    optimizer = optimizer_of(model, learning_rate, decay)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, warmup, steps)
    batches = [features[first : first + batch_size] for first in range(0, len(features), batch_size)]
    for step in range(steps):
        loss = batch_loss(model, batches[step % len(batches)])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        yield loss.item(), norm.item(), rate


def moved_by_rounding_only(name: str, layers: int) -> bool:
    """A constant added to all scores of a softmax changes nothing, so these gradients are 0 but for rounding,
    and Adam makes steps of that rounding."""
    last = f"encoder.layer.{layers - 1}.output.LayerNorm.bias"
    return name.endswith("attention.self.key.bias") or name.endswith(last) or name == "qa_outputs.bias"

"""Writes the reference values that the tests of Kernels, Model and Training compare with.

Everything is computed by PyTorch and transformers in float64 from inputs that float32 holds exactly, so
a test may read an input as Float without rounding it. Run again only to change a case:

    python generate.py [--output FOLDER]

The same versions (versions.txt) on the same kind of processor write the same bytes.
"""

import argparse
import importlib.metadata
import json
import math
import platform
from pathlib import Path

import numpy
import torch
import transformers
from safetensors.torch import save_file

import kernels

PACKAGES = ["torch", "transformers", "safetensors", "numpy", "scipy"]
ACTIVATIONS = ["gelu", "gelu_new", "relu"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CLS, SEP, FIRST_WORD = 2, 3, len(SPECIAL)
SEED = 20240229


def versions() -> dict:
    found = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {"python": platform.python_version()} | found


def write_json(path: Path, content: dict) -> None:
    """One line per entry of the top level: short, and a changed case shows in a diff."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in ({"versions": versions()} | content).items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


# The model


def vocabulary() -> list[str]:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    digits = [str(digit) for digit in range(10)]
    hangul = list("두레는서울강물산들마을논밭소금쌀벼보리")
    endings = ["##" + ending for ending in ["은", "이", "가", "을", "를", "에", "의", "도", "로", "다", "고", "와"]]
    words = SPECIAL + letters + ["##" + letter for letter in letters] + digits + ["##" + digit for digit in digits]
    words += [".", ",", "?", "!", "(", ")"] + hangul + endings
    words += [f"두레{index}" for index in range(120 - len(words))]
    assert len(words) == len(set(words)) == 120
    return words


def configuration(activation: str = "gelu") -> transformers.BertConfig:
    return transformers.BertConfig(
        vocab_size=120,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
        type_vocab_size=2,
        hidden_act=activation,
        layer_norm_eps=1e-12,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
        attn_implementation="eager",
    )


def weights(generator: numpy.random.Generator) -> dict[str, torch.Tensor]:
    """Wide random values, so that no gradient is lost in rounding but those that are zero by nature."""
    tensors = {}
    for name, tensor in transformers.BertForQuestionAnswering(configuration()).state_dict().items():
        values = generator.standard_normal(tuple(tensor.shape))
        if "LayerNorm.weight" in name:
            values = 1 + 0.2 * values
        elif name.endswith("bias"):
            values = 0.1 * values
        elif name == "qa_outputs.weight":
            values = 0.3 * values
        else:
            values = 0.15 * values
        tensors[name] = torch.tensor(values, dtype=torch.float32)
    tensors["bert.embeddings.word_embeddings.weight"][0] = 0
    return tensors


def model(tensors: dict, activation: str = "gelu", dtype: torch.dtype = torch.float64):
    network = transformers.BertForQuestionAnswering(configuration(activation))
    network.load_state_dict(tensors)
    return network.to(dtype).eval()


# Features and their loss


def feature(generator: numpy.random.Generator, length: int, answer: tuple[int, int] | None = None) -> dict:
    """[CLS] question [SEP] context [SEP] of random words; `length` of 3 or 4 has an empty question."""
    question = int(generator.integers(1, max(2, length // 3))) if length > 4 else 0
    context = length - question - 3
    words = generator.integers(FIRST_WORD, 120, size=question + context).tolist()
    first = question + 2
    if answer is None:
        answer = tuple(sorted(generator.integers(first, length - 1, size=2).tolist()))
    return {
        "input_ids": [CLS] + words[:question] + [SEP] + words[question:] + [SEP],
        "token_type_ids": [0] * first + [1] * (context + 1),
        "start_position": answer[0],
        "end_position": answer[1],
    }


def forward(network, item: dict) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Hidden states [length, hidden] and start and end logits [length] of one feature, alone."""
    ids = torch.tensor([item["input_ids"]])
    types = torch.tensor([item["token_type_ids"]])
    hidden = network.bert(input_ids=ids, token_type_ids=types).last_hidden_state[0]
    start, end = network.qa_outputs(hidden).unbind(dim=-1)
    return hidden, start, end


def loss_of(item: dict, start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    losses = [
        torch.nn.functional.cross_entropy(logits[None], torch.tensor([item[position]]))
        for logits, position in ((start, "start_position"), (end, "end_position"))
    ]
    return sum(losses) / 2


def batch_loss(network, items: list[dict]) -> torch.Tensor:
    return sum(loss_of(item, *forward(network, item)[1:]) for item in items) / len(items)


def zero_by_nature(name: str) -> bool:
    """A constant added to all scores of a softmax changes nothing: these gradients are exactly 0."""
    shifts = ["attention.self.key.bias", "encoder.layer.1.output.LayerNorm.bias", "qa_outputs.bias"]
    return any(name.endswith(shift) for shift in shifts)


def write_model(folder: Path, tensors: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    network = model(tensors, dtype=torch.float32)
    network.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary()) + "\n", encoding="utf-8")
    tokenizer = {"do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer, indent=2) + "\n")


def write_gradients(folder: Path, tensors: dict, items: list[dict]) -> None:
    """`expected.json`, `hidden_states.safetensors` and one file of gradients per activation."""
    expected = {
        "about": "loss = mean over features of (CE(start) + CE(end)) / 2; float64, dropout off. "
        "Gradients: gradients_<activation>.safetensors, named as the parameters. Those of zero_gradients "
        "are 0 in exact arithmetic: compare them absolutely.",
        "zero_gradients": [name for name in tensors if zero_by_nature(name)],
    }
    header = {"versions": json.dumps(versions())}
    for activation in ACTIVATIONS:
        network = model(tensors, activation)
        outputs = [forward(network, item) for item in items]
        losses = [loss_of(item, *output[1:]) for item, output in zip(items, outputs)]
        loss = sum(losses) / len(losses)
        loss.backward()
        gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
        norms = {name: gradient.norm().item() for name, gradient in gradients.items()}
        assert all(norms[name] < 1e-14 if zero_by_nature(name) else norms[name] > 1e-2 for name in norms), norms
        expected[activation] = {
            "loss": loss.item(),
            "feature_losses": [value.item() for value in losses],
            "gradient_norms": norms,
            "gradient_norm": math.sqrt(sum(norm * norm for norm in norms.values())),
        }
        stored = {name: gradient.float() for name, gradient in gradients.items()}
        save_file(stored, folder / f"gradients_{activation}.safetensors", header)
        if activation == "gelu":
            expected["start_logits"] = [start.tolist() for _, start, _ in outputs]
            expected["end_logits"] = [end.tolist() for _, _, end in outputs]
            states = {f"feature.{index}": hidden.detach().float() for index, (hidden, _, _) in enumerate(outputs)}
            save_file(states, folder / "hidden_states.safetensors", header)
    write_json(folder / "expected.json", expected)


# Training


def optimizer_of(network, learning_rate: float, decay: float) -> torch.optim.AdamW:
    def decays(name: str) -> bool:
        return not (name.endswith("bias") or "LayerNorm" in name)

    named = list(network.named_parameters())
    groups = [
        {"params": [value for name, value in named if decays(name)], "weight_decay": decay},
        {"params": [value for name, value in named if not decays(name)], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, foreach=False)


def train(tensors: dict, items: list[dict], settings: dict, dtype: torch.dtype) -> dict:
    network = model(tensors, dtype=dtype)
    optimizer = optimizer_of(network, settings["learning_rate"], settings["weight_decay"])
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, settings["warmup_steps"], settings["total_steps"]
    )
    size = settings["batch_size"]
    batches = [items[first : first + size] for first in range(0, len(items), size)]
    result = {"losses": [], "gradient_norms": [], "learning_rates": []}
    for step in range(settings["total_steps"]):
        loss = batch_loss(network, batches[step % len(batches)])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), settings["max_gradient_norm"])
        result["losses"].append(loss.item())
        result["gradient_norms"].append(norm.item())
        result["learning_rates"].append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    result["final_parameter_norms"] = {name: value.double().norm().item() for name, value in network.named_parameters()}
    return result


def write_training(path: Path, tensors: dict, generator: numpy.random.Generator) -> None:
    lengths = generator.integers(8, 41, size=30).tolist()
    items = [feature(generator, length, (0, 0) if index % 9 == 4 else None) for index, length in enumerate(lengths)]
    settings = {
        "total_steps": 50,
        "warmup_steps": 5,
        "batch_size": 4,
        "learning_rate": 5e-4,
        "weight_decay": 0.01,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "max_gradient_norm": 1.0,
    }
    about = (
        "Weights of tiny/, gelu, dropout 0. Features in the given order, a new batch at each epoch: 7 batches of 4 "
        "and one of 2. gradient_norms before clipping; learning_rates as used by the step. The parameters of "
        "expected.json's zero_gradients move with rounding only."
    )
    write_json(
        path,
        {
            "about": about,
            "settings": settings,
            "features": items,
            "float64": train(tensors, items, settings, torch.float64),
            "float32": train(tensors, items, settings, torch.float32),
        },
    )


def write_adamw(path: Path, generator: numpy.random.Generator) -> None:
    """Two groups of one vector: the first decays. Elements meet zero, tiny and huge gradients."""
    count, steps, decay = 12, 20, 0.01
    initial = generator.standard_normal((2, count)).astype(numpy.float32)
    scale = numpy.array([1, 1, 1, 0, 1e-9, 1e-4, 1e4, 1, 1, 1, 10, 0.1])
    gradients = (generator.standard_normal((steps, 2, count)) * scale).astype(numpy.float32)
    rates = [float(numpy.float32(1e-2 * (1 - step / 25))) for step in range(steps)]
    values = [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in initial]
    groups = [{"params": [values[0]], "weight_decay": decay}, {"params": [values[1]], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    history = []
    for rate, step_gradients in zip(rates, gradients):
        for group, value, gradient in zip(optimizer.param_groups, values, step_gradients):
            group["lr"] = rate
            value.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        history.append([value.tolist() for value in values])
    state = {key: [optimizer.state[value][key].tolist() for value in values] for key in ("exp_avg", "exp_avg_sq")}
    write_json(
        path,
        {
            "about": "Row 0 decays, row 1 does not. parameters[step][row] after the step.",
            "settings": {"weight_decay": decay, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
            "learning_rates": rates,
            "initial": initial.tolist(),
            "gradients": gradients.tolist(),
            "parameters": history,
            "final_state": state,
        },
    )


LENGTHS = [(0, 1), (0, 10), (1, 2), (3, 7), (5, 50), (10, 10), (20, 10), (0, 100), (30, 301)]


def factors(make, count: int, per_epoch: int = 1) -> list[float]:
    """Learning rates of the first `count` steps under a schedule that is stepped every `per_epoch` of them."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    rates = []
    for step in range(count):
        if step > 0 and step % per_epoch == 0:
            schedule.step()
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
    return rates


def by_length(kind: str, **arguments) -> list[dict]:
    """Of transformers; two steps past the end included."""
    return [
        {
            "warmup_steps": warmup,
            "total_steps": total,
            "factors": factors(
                lambda optimizer: transformers.get_scheduler(
                    kind, optimizer, warmup, total, scheduler_specific_kwargs=arguments
                ),
                total + 2,
            ),
        }
        for warmup, total in LENGTHS
    ]


def by_epoch(make, **settings) -> list[dict]:
    """Of PyTorch, stepped once an epoch."""
    return [
        {"steps_per_epoch": steps, "factors": factors(make, 100 * min(steps, 3), steps), **settings} for steps in [1, 7]
    ]


def write_schedule(path: Path) -> None:
    """Factor of the learning rate that step 0, 1, … uses."""
    kinds = {kind: by_length(kind) for kind in ["linear", "cosine", "constant", "constant_with_warmup"]}
    kinds["cosine_with_restarts"] = [
        {**case, "restarts": count}
        for count in [1, 2, 5]
        for case in by_length("cosine_with_restarts", num_cycles=count)
    ]
    scheduler = torch.optim.lr_scheduler
    kinds["cosine_annealing_warm_restarts"] = [
        case
        for first, multiplier in [(1, 1), (1, 2), (3, 1), (2, 3)]
        for case in by_epoch(
            lambda optimizer: scheduler.CosineAnnealingWarmRestarts(optimizer, first, multiplier),
            first=first,
            multiplier=multiplier,
        )
    ]
    kinds["exponential"] = [
        case
        for gamma in [0.5, 0.9, 1.0]
        for case in by_epoch(lambda optimizer: scheduler.ExponentialLR(optimizer, gamma), gamma=gamma)
    ]
    write_json(path, kinds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    output = parser.parse_args().output
    torch.set_num_threads(1)
    generator = numpy.random.default_rng(SEED)

    tensors = weights(generator)
    tiny = output / "tiny"
    write_model(tiny, tensors)
    answers = [(0, 0), None, (4, 4), None, (0, 0), (31, 31), None]
    items = [feature(generator, length, answer) for length, answer in zip([3, 5, 8, 17, 24, 41, 60], answers)]
    write_json(tiny / "batch.json", {"features": items})
    write_gradients(tiny, tensors, items)

    write_training(output / "training.json", tensors, generator)
    write_adamw(output / "adamw.json", generator)
    write_schedule(output / "schedule.json")
    write_json(output / "kernels.json", kernels.cases(generator))
    lines = [f"{package}=={version}" for package, version in versions().items()]
    (output / "versions.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

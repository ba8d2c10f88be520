"""Cases for single kernels, float64, made by `generate.py`: inputs are exact in float32."""

import numpy
import torch
from scipy import special


def single(values) -> torch.Tensor:
    """Rounded to float32, held in float64."""
    return torch.tensor(numpy.asarray(values, dtype=numpy.float32).astype(numpy.float64))


def activation(name: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Value and derivative by formulas without cancellation in the left tail, checked against autograd."""
    values = x.numpy()
    if name == "relu":
        result = numpy.maximum(values, 0), (values > 0).astype(numpy.float64)
    elif name == "gelu":
        density = numpy.exp(-values * values / 2) / numpy.sqrt(2 * numpy.pi)
        result = values * special.ndtr(values), special.ndtr(values) + values * density
    else:
        inner = 2 * numpy.sqrt(2 / numpy.pi) * (values + 0.044715 * values**3)
        slope = 2 * numpy.sqrt(2 / numpy.pi) * (1 + 3 * 0.044715 * values**2)
        gate, rest = special.expit(inner), special.expit(-inner)
        result = values * gate, gate + values * gate * rest * slope
    check_activation(name, x, *result)
    return torch.tensor(result[0]), torch.tensor(result[1])


def check_activation(name: str, x: torch.Tensor, value, derivative) -> None:
    moderate = x[x.abs() < 100].clone().requires_grad_()
    functional = torch.nn.functional
    reference = {
        "relu": functional.relu,
        "gelu": functional.gelu,
        "gelu_new": lambda argument: functional.gelu(argument, approximate="tanh"),
    }[name](moderate)
    reference.sum().backward()
    chosen = (x.abs() < 100).numpy()
    assert numpy.allclose(value[chosen], reference.detach().numpy(), rtol=1e-12, atol=1e-13), name
    assert numpy.allclose(derivative[chosen], moderate.grad.numpy(), rtol=1e-12, atol=1e-13), name


def activation_cases() -> dict:
    grid = single(numpy.arange(-96, 97) / 8.0)
    positive = [1e-45, 1e-38, 1e-30, 1e-6, 1e-3, 13.5, 20, 50, 100, 1e4, 1e10, 1e20, 3e38]
    extremes = single([-value for value in reversed(positive)] + [0.0] + positive)
    cases = {}
    for part, x in (("grid", grid), ("extremes", extremes)):
        cases[part] = {"x": x.tolist()}
        for name in ("gelu", "gelu_new", "relu"):
            value, derivative = activation(name, x)
            cases[part][name] = {"value": value.tolist(), "derivative": derivative.tolist()}
    return cases


def softmax_cases(generator: numpy.random.Generator) -> list[dict]:
    normal = generator.standard_normal
    rows = [
        [0.5],
        [1e4, -1e4],
        [3.0] * 5,
        [-1e30, 0, 1],
        [88, 89, 90, -100, 0],
        normal(17),
        30 * normal(33),
        normal(300),
    ]
    cases = []
    for row in rows:
        x = single(row).requires_grad_()
        upstream = single(normal(len(row)))
        y = torch.softmax(x, dim=0)
        (y * upstream).sum().backward()
        cases.append({"x": x.tolist(), "y": y.tolist(), "dy": upstream.tolist(), "dx": x.grad.tolist()})
    return cases


def layer_norm_cases(generator: numpy.random.Generator) -> list[dict]:
    """Rows far from zero show a variance computed as a difference of squares."""
    normal = generator.standard_normal
    cases = []
    for rows, width, epsilon, offset, scale in [
        (1, 2, 1e-12, 0, 1),
        (3, 8, 1e-12, 0, 1),
        (4, 17, 1e-5, 0.5, 3),
        (2, 48, 1e-12, 100, 1),
        (3, 33, 1e-12, -2, 1e-3),
    ]:
        x = single(offset + scale * normal((rows, width))).requires_grad_()
        weight = single(1 + 0.3 * normal(width)).requires_grad_()
        bias = single(0.2 * normal(width)).requires_grad_()
        upstream = single(normal((rows, width)))
        y = torch.nn.functional.layer_norm(x, (width,), weight, bias, epsilon)
        (y * upstream).sum().backward()
        case = {"rows": rows, "width": width, "epsilon": epsilon}
        tensors = {"x": x, "weight": weight, "bias": bias, "y": y, "dy": upstream}
        tensors |= {"dx": x.grad, "dweight": weight.grad, "dbias": bias.grad}
        cases.append(case | {name: tensor.flatten().tolist() for name, tensor in tensors.items()})
    return cases


def cross_entropy_cases(generator: numpy.random.Generator) -> list[dict]:
    normal = generator.standard_normal
    rows = [([0.5], 0), ([1e4, -1e4], 0), ([1e4, -1e4], 1), ([2.0] * 7, 3), (normal(19), 0), (8 * normal(40), 39)]
    cases = []
    for logits, target in rows:
        x = single(logits).requires_grad_()
        loss = torch.nn.functional.cross_entropy(x[None], torch.tensor([target]))
        loss.backward()
        cases.append({"logits": x.tolist(), "target": target, "loss": loss.item(), "dlogits": x.grad.tolist()})
    return cases


def attention_cases(generator: numpy.random.Generator) -> list[dict]:
    """softmax(q kᵀ / √size) v of one head; row-major [length, size]."""
    cases = []
    for length, size in [(1, 4), (5, 4), (9, 12)]:
        q, k, v = (single(generator.standard_normal((length, size))).requires_grad_() for _ in range(3))
        upstream = single(generator.standard_normal((length, size)))
        y = torch.softmax(q @ k.T / size**0.5, dim=-1) @ v
        (y * upstream).sum().backward()
        tensors = {"q": q, "k": k, "v": v, "y": y, "dy": upstream, "dq": q.grad, "dk": k.grad, "dv": v.grad}
        case = {"length": length, "size": size}
        cases.append(case | {name: tensor.flatten().tolist() for name, tensor in tensors.items()})
    return cases


def cases(generator: numpy.random.Generator) -> dict:
    return {
        "activations": activation_cases(),
        "softmax": softmax_cases(generator),
        "layer_norm": layer_norm_cases(generator),
        "cross_entropy": cross_entropy_cases(generator),
        "attention": attention_cases(generator),
    }

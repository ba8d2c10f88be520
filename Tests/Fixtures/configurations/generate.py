"""Writes layouts.json: for each configuration, the tensors that transformers' class for question answering has.

    python generate.py
"""

import json
import re
from importlib.metadata import version
from pathlib import Path

import torch
import transformers

FOLDER = Path(__file__).parent


def layout(path: Path) -> dict:
    """Blocks are alike, so that only the first stands there."""
    configuration = transformers.AutoConfig.from_pretrained(path)
    with torch.device("meta"):
        model = transformers.AutoModelForQuestionAnswering.from_config(configuration)
    shapes = {name: list(tensor.shape) for name, tensor in model.named_parameters()}
    blocks = {}
    for name, shape in shapes.items():
        if found := re.search(r"\.layer\.(\d+)\.(.*)", name):
            blocks.setdefault(int(found[1]), {})[found[2]] = shape
    assert all(block == blocks[0] for block in blocks.values())
    return {
        "class": type(model).__name__,
        "parameters": sum(tensor.numel() for tensor in model.parameters()),
        "tensors": len(shapes),
        "blocks": len(blocks),
        "shapes": {name: shape for name, shape in shapes.items() if not re.search(r"\.layer\.[1-9]", name)},
    }


def main() -> None:
    layouts = {path.parent.name: layout(path.parent) for path in sorted(FOLDER.glob("*/config.json"))}
    versions = {name: version(name) for name in ("torch", "transformers")}
    content = {"versions": versions} | {"layouts": layouts}
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in layouts.items()]
    text = f'{{"versions": {json.dumps(versions)}, "layouts": {{\n' + ",\n".join(lines) + "\n}}\n"
    assert json.loads(text) == content
    (FOLDER / "layouts.json").write_text(text)


if __name__ == "__main__":
    main()

"""Writes what transformers' BertModel makes of some texts, for the Swift test that compares an encoder with
real weights. Beside the tensors (F.safetensors) stands a JSON file of the same name with their inputs."""

import argparse
import json
import random
import sys
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

TEXTS = [
    "Hello.",
    "A short sentence about rivers.",
    "In the old villages, neighbours worked each other's fields in turn.",
    "The quick brown fox jumps over the lazy dog, twice; then it sleeps until half past nine.",
    "Numbers such as 3.14159, 1,000,000 and 2024-02-29 are cut into many pieces.",
    "Café, naïve, Zürich and São Paulo lose their accents; München too.",
    "Punctuation!? (Brackets) [square] {curly} -- dashes, 'quotes' and \"more\" @ #hash $5 50% & so on...",
    "supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    " ".join(["A paragraph that repeats itself is long but not varied, which is a fair test of positions."] * 8),
]
PAIRS = [("What did the neighbours do?", "In the old villages, neighbours worked each other's fields in turn.")]
RANDOM_LENGTHS = [1, 2, 33, 128, 512]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face folder of a BertModel")
    parser.add_argument("--output", type=Path, required=True, help="F.safetensors; F.json is written beside it")
    parser.add_argument("--double", action="store_true", help="compute in float64, which the file rounds")
    return parser.parse_args()


def sequences(model: Path, configuration) -> list[dict]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    encoded = [tokenizer(text) for text in TEXTS] + [tokenizer(*pair) for pair in PAIRS]
    items = [{"input_ids": entry["input_ids"], "token_type_ids": entry["token_type_ids"]} for entry in encoded]
    generator = random.Random(1)
    for length in RANDOM_LENGTHS:
        if length <= configuration.max_position_embeddings:
            ids = [generator.randrange(1, configuration.vocab_size) for _ in range(length)]
            items.append({"input_ids": ids, "token_type_ids": [int(index >= length // 2) for index in range(length)]})
    return items


def main() -> int:
    options = arguments()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = transformers.BertModel.from_pretrained(
        options.model,
        add_pooling_layer=False,
        attn_implementation="eager",
        dtype=torch.float64 if options.double else torch.float32,
    ).eval()
    items = sequences(options.model, model.config)
    states = {}
    for index, item in enumerate(items):
        item["name"] = f"sequence.{index}"
        with torch.no_grad():
            output = model(
                input_ids=torch.tensor([item["input_ids"]]), token_type_ids=torch.tensor([item["token_type_ids"]])
            )
        states[item["name"]] = output.last_hidden_state[0].float().contiguous()
        print(
            f"{item['name']}: {len(item['input_ids'])} tokens, mean square {states[item['name']].square().mean():.4f}"
        )
    versions = {package: version(package) for package in ("torch", "transformers")}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(states, options.output, {"versions": json.dumps(versions)})
    side = options.output.with_suffix(".json")
    side.write_text(json.dumps({"versions": versions, "sequences": items}) + "\n")
    print(f"{len(items)} sequences in {options.output} and {side}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

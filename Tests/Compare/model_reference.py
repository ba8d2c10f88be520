"""Writes what transformers makes of a random model of two blocks with a given config.json: logits, loss and gradients,
in the form of Tests/Fixtures/model/architectures, for the Swift test that DURE_REFERENCE_MODELS leads to it."""

import argparse
import sys
from pathlib import Path

import numpy
import transformers

sys.path.insert(0, str(Path(__file__).parent.parent / "Fixtures/model/architectures"))
import generate

KINDS = {"bert": generate.BERT, "electra": generate.ELECTRA, "roberta": generate.ROBERTA}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, nargs="+", help="folders with a config.json")
    parser.add_argument("--output", type=Path, required=True, help="a folder for a folder of each")
    parser.add_argument("--blocks", type=int, default=2)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    for folder in options.config:
        configuration = transformers.AutoConfig.from_pretrained(folder, attn_implementation="eager")
        configuration.num_hidden_layers = options.blocks
        model = KINDS[configuration.model_type] | {"configuration": configuration}
        generate.write_model(options.output / folder.name, model, numpy.random.default_rng(generate.SEED))
        print(f"{configuration.model_type}: {options.output / folder.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes what people begin fine-tuning with, as transformers saves it: two-block models of every kind with the heads
they were pretrained with, each as NAME.safetensors and NAME.bin, with TYPE.json (config.json) and expected.json.

    python generate.py
"""

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import safetensors.torch
import torch
import transformers as hf

OUT = Path(__file__).parent
SIZES = dict(
    vocab_size=8, hidden_size=4, num_hidden_layers=2, num_attention_heads=2, intermediate_size=6,
    max_position_embeddings=9,
)
CONFIGURATIONS = {
    "bert": hf.BertConfig(**SIZES),
    "electra": hf.ElectraConfig(embedding_size=2, **SIZES),
    "roberta": hf.RobertaConfig(type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, **SIZES),
}
MODELS = {
    "bert-bare": hf.BertModel,
    "bert-masked-lm": hf.BertForMaskedLM,
    "bert-pretraining": hf.BertForPreTraining,
    "bert-classification": hf.BertForSequenceClassification,
    "electra-bare": hf.ElectraModel,
    "electra-generator": hf.ElectraForMaskedLM,
    "electra-discriminator": hf.ElectraForPreTraining,
    "electra-classification": hf.ElectraForSequenceClassification,
    "roberta-bare": hf.RobertaModel,
    "roberta-masked-lm": hf.RobertaForMaskedLM,
    "roberta-classification": hf.RobertaForSequenceClassification,
}


def main() -> None:
    expected = {}
    torch.manual_seed(7)
    for name, kind in MODELS.items():
        type_ = name.split("-")[0]
        model = kind(CONFIGURATIONS[type_])
        for parameter in model.parameters():  # biases and LayerNorm as well, so that no two tensors are alike
            torch.nn.init.normal_(parameter, std=0.5)
        for safe, old, new in [(True, "model.safetensors", "safetensors"), (False, "pytorch_model.bin", "bin")]:
            with tempfile.TemporaryDirectory() as folder:
                model.save_pretrained(folder, safe_serialization=safe)
                if name == "electra-discriminator" and not safe:  # as versions before 4.31 did
                    state = torch.load(f"{folder}/{old}", weights_only=True)
                    positions = torch.arange(SIZES["max_position_embeddings"])[None]
                    torch.save({"electra.embeddings.position_ids": positions} | state, f"{folder}/{old}")
                shutil.copyfile(f"{folder}/{old}", OUT / f"{name}.{new}")
            names = (
                list(safetensors.torch.load_file(OUT / f"{name}.{new}"))
                if safe
                else list(torch.load(OUT / f"{name}.{new}", weights_only=True))
            )
            # The encoder without its pooler is what a class for question answering takes.
            bare = hf.AutoModelForQuestionAnswering.from_config(CONFIGURATIONS[type_]).state_dict()
            used = {key for key in bare if not key.startswith("qa_outputs.")}
            prefixed = {key: key if key in used else f"{type_}.{key}" for key in names}
            assert used <= set(prefixed.values()), used - set(prefixed.values())
            expected[f"{name}.{new}"] = sorted(key for key, full in prefixed.items() if full not in used)
    for type_, configuration in CONFIGURATIONS.items():
        (OUT / f"{type_}.json").write_text(configuration.to_json_string())
    lines = [f"{json.dumps(name)}: {json.dumps(unexpected)}" for name, unexpected in expected.items()]
    (OUT / "expected.json").write_text('{"unexpected": {\n' + ",\n".join(lines) + "\n}}\n")
    versions = [f"{package}=={version(package)}" for package in ("torch", "transformers", "safetensors")]
    (OUT / "versions.txt").write_text("\n".join(versions) + "\n")


if __name__ == "__main__":
    main()

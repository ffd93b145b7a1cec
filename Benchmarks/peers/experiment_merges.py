"""Compares the merges `peft-linear` and `peft-ties` of an experiment with those of PEFT on the same adapters.

    python Benchmarks/peers/experiment_merges.py runs/experiment-small

PEFT merges them in a model of random weights whose layers have the adapters' shapes: what is merged does not depend on the weights.
"""

import json
import pathlib
import sys

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

WAYS = {
    "peft-linear": dict(weight=lambda count: 1 / count, combination_type="linear"),
    "peft-ties": dict(weight=lambda count: 1.0, combination_type="ties", density=0.2),
}


def base():
    """The layers of SmolLM2-135M that are adapted, without its vocabulary."""
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=576, intermediate_size=64, num_hidden_layers=30, num_attention_heads=9,
            num_key_value_heads=3, vocab_size=64))


def difference(steps, merge, way):
    made = json.loads((merge / "step.json").read_text())["made_of"]
    named = [adapter.split(" ") for adapter in made["adapters"]]
    folders = [str(steps / f"train-{key[:20]}" / name) for name, key in named]
    model = PeftModel.from_pretrained(base(), folders[0], adapter_name="0")
    for place, folder in enumerate(folders[1:], 1):
        model.load_adapter(folder, adapter_name=str(place))
    settings = dict(way)
    weight = settings.pop("weight")(len(folders))
    model.add_weighted_adapter(
        [str(place) for place in range(len(folders))], [weight] * len(folders), "merged", **settings)
    ours = load_file(merge / "merged" / "adapter_model.safetensors")
    config = json.loads((merge / "merged" / "adapter_config.json").read_text())
    scaling = config["lora_alpha"] / config["r"]
    worst = 0.0
    for name, module in model.named_modules():
        if "merged" not in getattr(module, "lora_A", {}):
            continue
        a, b = (ours[f"{name}.lora_{factor}.weight"].double() for factor in "AB")
        due = module.scaling["merged"] * (module.lora_B["merged"].weight.double() @ module.lora_A["merged"].weight.double())
        worst = max(worst, float((scaling * (b @ a) - due).norm() / due.norm()))
    return worst


def main():
    steps = pathlib.Path(sys.argv[1]) / "steps"
    found = {
        json.loads((merge / "step.json").read_text())["title"]: merge for merge in sorted(steps.glob("merge-*"))}
    for name, way in WAYS.items():
        merges = {title: merge for title, merge in found.items() if title.startswith(f"merge {name} of ")}
        if not merges:
            sys.exit(f"{sys.argv[1]} has no merge '{name}'")
        worst = max(difference(steps, merge, way) for merge in merges.values())
        print(f"{name}: {len(merges)} merges, largest relative difference of a layer's update {worst:.1e}")


torch.manual_seed(0)
main()

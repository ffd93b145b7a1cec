"""Loads merged adapters in PEFT and compares what PEFT makes of them with what is in the file.

    python Tests/PEFT/load_in_peft.py runs/average runs/ties

Needs torch, transformers and peft; the tests of the project do not. The base model is a Llama with random weights and
the layer sizes of SmolLM2-135M, so nothing is downloaded.
"""

import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM


def base_model():
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64,
            hidden_size=576,
            intermediate_size=64,
            num_hidden_layers=30,
            num_attention_heads=9,
            num_key_value_heads=3,
        )
    )


def check(folder):
    tensors = load_file(f"{folder}/adapter_model.safetensors")
    names = {name.removeprefix("base_model.model.").rsplit(".lora_", 1)[0] for name in tensors}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base_model(), folder)
    odd = [str(w.message) for w in caught if "key" in str(w.message).lower()]
    assert not odd, odd
    layers = {
        name.removeprefix("base_model.model."): layer
        for name, layer in model.named_modules()
        if hasattr(layer, "get_delta_weight") and "default" in getattr(layer, "lora_A", {})
    }
    assert set(layers) == names, set(layers) ^ names
    worst = 0.0
    for name, layer in layers.items():
        a, b = (tensors[f"base_model.model.{name}.lora_{side}.weight"].double() for side in "AB")
        delta = layer.get_delta_weight("default").double()
        worst = max(worst, ((delta - b @ a).norm() / (b @ a).norm()).item())
    assert worst < 1e-5, worst
    ids = torch.arange(16)[None]
    with torch.no_grad():
        with model.disable_adapter():
            plain = model(ids).logits
        change = (model(ids).logits - plain).abs().max().item()
    assert change > 0
    print(f"{folder}: PEFT adapts the {len(layers)} modules of the file, deltas agree to {worst:.1e}, logits move by {change:.3f}")


for folder in sys.argv[1:]:
    check(folder)

"""Tiny random models, adapters and samples."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import LoraConfig, get_peft_model

VOCABULARY = 97
_SHAPE = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.2,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
#: What differs from Llama: settings, and the layers that are adapted.
FAMILIES: Mapping[str, tuple[dict[str, Any], list[str]]] = {
    "llama": ({}, ["q_proj", "v_proj", "down_proj"]),
    "mistral": ({"sliding_window": None}, ["q_proj", "o_proj", "up_proj"]),
    "qwen2": ({}, ["k_proj", "v_proj", "gate_proj"]),
    "qwen3": ({"head_dim": 8}, ["q_proj", "v_proj", "down_proj"]),
    "gemma2": (
        {"head_dim": 8, "query_pre_attn_scalar": 8, "final_logit_softcapping": 3.0, "attn_logit_softcapping": 5.0},
        ["q_proj", "v_proj", "down_proj"],
    ),
    "phi3": ({}, ["qkv_proj", "gate_up_proj", "down_proj"]),
    "granite": ({"logits_scaling": 4.0, "residual_multiplier": 0.5}, ["q_proj", "v_proj"]),
}


def base(family: str = "llama", **more: Any) -> Any:
    """A random model of a family, always the same one."""
    config = transformers.AutoConfig.for_model(family, **{**_SHAPE, **FAMILIES[family][0], **more})
    torch.manual_seed(7)
    return transformers.AutoModelForCausalLM.from_config(config).float().eval()


def adapted(model: Any, family: str = "llama", *, random_b: bool = True, **more: Any) -> Any:
    """The model with an adapter."""
    settings = {"r": 4, "lora_alpha": 8, "target_modules": FAMILIES[family][1], "task_type": "CAUSAL_LM", **more}
    torch.manual_seed(8)
    tuned = get_peft_model(model, LoraConfig(**settings))
    for name, parameter in tuned.named_parameters():
        if random_b and "lora_B" in name:
            parameter.data.normal_(std=0.2)
    return tuned


def rows(count: int, seed: int, shortest: int = 5, longest: int = 24) -> list[dict[str, Any]]:
    """Samples that are tokens, of several lengths."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        length = draw.randint(shortest, longest)
        ids = [1, *(draw.randrange(3, VOCABULARY) for _ in range(length - 1))]
        asked = draw.randint(1, length - 2)
        found.append({"input_ids": ids, "labels": [-100] * asked + ids[asked:]})
    return found


def write(path: Path, samples: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return path


def moments(model: Any, seed: int = 3) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Moments as Adam might have them, by the factors' names."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            first = torch.randn(parameter.shape, generator=generator) * 0.1
            second = torch.rand(parameter.shape, generator=generator) * 0.01
            found[name.replace(".default.", ".")] = (first, second)
    return found


def gradients(model: Any, row: Mapping[str, Any]) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of one sample by plain autograd and the model's own loss."""
    model.zero_grad()
    tensors = {key: torch.tensor([row[key]]) for key in ("input_ids", "labels")}
    loss = model(**tensors).loss
    loss.backward()
    found = {
        name.replace(".default.", "."): parameter.grad.detach().double()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    model.zero_grad()
    return float(loss.detach()), found


def save_checkpoint(model: Any, folder: Path, step: int, moments: Mapping[str, Any] | None, rate: float = 0.01) -> None:
    """A checkpoint as the Trainer writes it."""
    model.save_pretrained(folder)
    state = {"global_step": step, "epoch": 1.0}
    log = [{"step": step, "epoch": 1.0, "learning_rate": rate, "loss": 1.0}]
    (folder / "trainer_state.json").write_text(json.dumps({**state, "log_history": log}))
    if moments is not None:
        names = [n.replace(".default.", ".") for n, p in model.named_parameters() if "lora_" in n]
        optimizer = torch.optim.AdamW([p for n, p in model.named_parameters() if "lora_" in n], lr=rate)
        value = optimizer.state_dict()
        value["state"] = {
            place: {"step": torch.tensor(float(step)), "exp_avg": moments[name][0], "exp_avg_sq": moments[name][1]}
            for place, name in enumerate(names)
        }
        torch.save(value, folder / "optimizer.pt")

"""Makes the evidence of a client of the size of Llama-2-7B, once. Usage: make_evidence.py FOLDER SAMPLES"""

import json
import os
import sys

import torch
from safetensors.torch import save_file

LAYERS, RANK, WIDTH = 32, 16, 4096
ANCHORS, VALIDATION, DOMAINS = 4, 1, ["finance", "law", "medical"]


def parameters() -> dict[str, list[int]]:
    """In the order of the Trainer's optimizer: layers in order, A before B."""
    shapes = {}
    for layer in range(LAYERS):
        for projection in ("q_proj", "v_proj"):
            name = f"base_model.model.model.layers.{layer}.self_attn.{projection}"
            shapes[f"{name}.lora_A.weight"] = [RANK, WIDTH]
            shapes[f"{name}.lora_B.weight"] = [WIDTH, RANK]
    return shapes


def rows(count: int, scale: float) -> dict[str, torch.Tensor]:
    return {name: scale * torch.randn([count] + shape) for name, shape in parameters().items()}


def main(folder: str, samples: int) -> None:
    checkpoint = f"{folder}/checkpoint-65"
    if os.path.exists(f"{folder}/done"):
        return
    train = samples - ANCHORS
    torch.manual_seed(0)
    os.makedirs(f"{checkpoint}/gradients", exist_ok=True)
    config = {
        "peft_type": "LORA", "base_model_name_or_path": "llama-2-7b", "r": RANK, "lora_alpha": RANK,
        "target_modules": ["q_proj", "v_proj"], "bias": "none", "task_type": "CAUSAL_LM",
    }
    with open(f"{checkpoint}/adapter_config.json", "w") as file:
        json.dump(config, file)
    adapter = {name: 0.01 * torch.randn(shape) for name, shape in parameters().items()}
    save_file(adapter, f"{checkpoint}/adapter_model.safetensors", metadata={"format": "pt"})
    state = {
        place: {
            "step": torch.tensor(65.0), "exp_avg": 1e-3 * torch.randn(shape),
            "exp_avg_sq": 1e-6 * torch.rand(shape),
        }
        for place, shape in enumerate(parameters().values())
    }
    group = {
        "lr": 1e-5, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False, "maximize": False,
        "foreach": None, "capturable": False, "differentiable": False, "fused": None, "decoupled_weight_decay": True,
    }
    groups = [dict(group, params=list(range(len(state)))), dict(group, params=[])]
    torch.save({"state": state, "param_groups": groups}, f"{checkpoint}/optimizer.pt")
    history = [{"epoch": step / 65, "learning_rate": 2e-5 * (1 - step / 260), "loss": 1.0, "step": step} for step in range(1, 66)]
    with open(f"{checkpoint}/trainer_state.json", "w") as file:
        json.dump({"epoch": 1.0, "global_step": 65, "log_history": history}, file)
    for name, count in [("train", train), ("anchor", ANCHORS)] + [(f"validation.{domain}", VALIDATION) for domain in DOMAINS]:
        extra = {"loss": torch.ones(count), "tokens": torch.full((count,), 100, dtype=torch.int64)}
        save_file(rows(count, 1e-3) | extra, f"{checkpoint}/gradients/{name}.safetensors")
    with open(f"{folder}/samples.jsonl", "w") as file:
        for split, count in [("train", train), ("anchor", ANCHORS)]:
            for place in range(count):
                file.write(json.dumps({"id": f"{split}-{place}", "split": split, "domain": "medical"}) + "\n")
    open(f"{folder}/done", "w").close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

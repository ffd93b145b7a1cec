"""PEFT's svd or ties_svd of some modules. Usage: peft_svd.py svd|ties_svd MODULES ADAPTER..."""

import sys

import torch
from peft.utils.merge_utils import task_arithmetic, ties
from safetensors import safe_open


def merge(kind: str, deltas: list[torch.Tensor], rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What LoraModel._svd_generalized_task_arithmetic_weighted_adapter does, with weight 1 and PEFT's defaults."""
    weights = torch.ones(len(deltas))
    delta = ties(deltas, weights, 0.2) if kind == "ties_svd" else task_arithmetic(deltas, weights)
    u, s, vh = torch.linalg.svd(delta, full_matrices=True)
    return u[:, :rank] @ torch.diag(s[:rank]), vh[:rank]


def main(kind: str, count: int, paths: list[str]) -> None:
    files = [safe_open(f"{path}/adapter_model.safetensors", "pt") for path in paths]
    names = sorted(name for name in files[0].keys() if ".lora_A." in name)
    for name in names[:count]:
        deltas = [2.0 * (file.get_tensor(name.replace("lora_A", "lora_B")) @ file.get_tensor(name)) for file in files]
        merge(kind, deltas, 16)


if __name__ == "__main__":
    torch.set_num_threads(2)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])

"""PEFT's TIES on adapters as files: read, merge factor by factor, write. Usage: peft_ties.py OUTPUT DENSITY ADAPTER..."""

import math
import sys

import torch
from peft.utils.merge_utils import ties
from safetensors.torch import load_file, save_file


def main(output: str, density: float, paths: list[str]) -> None:
    adapters = [load_file(f"{path}/adapter_model.safetensors") for path in paths]
    # What LoraModel._generalized_task_arithmetic_weighted_adapter does, with weight 1 and lora_alpha / r = 2.
    weights = torch.full((len(adapters),), math.sqrt(2.0))
    merged = {name: ties([adapter[name] for adapter in adapters], weights, density) for name in adapters[0]}
    save_file(merged, output, metadata={"format": "pt"})


if __name__ == "__main__":
    torch.set_num_threads(2)
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])

"""The arithmetic of the reference on gradient files, sample by sample. Usage: reference_scores.py FOLDER arithmetic|nothing

With `nothing` everything is read and nothing computed: the difference is the arithmetic.
"""

import sys

import torch
from safetensors import safe_open


def vectors(path: str) -> list[torch.Tensor]:
    """The gradients of a file's samples, each flattened in the order of the adapter's parameters."""
    with safe_open(path, "pt") as file:
        names = [name for name in file.keys() if "lora_" in name]
        count = file.get_slice(names[0]).get_shape()[0]
        return [torch.cat([file.get_slice(name)[sample].reshape(-1) for name in names]) for sample in range(count)]


def main(folder: str, work: str) -> None:
    checkpoint = f"{folder}/checkpoint-65"
    state = torch.load(f"{checkpoint}/optimizer.pt", weights_only=True)["state"]
    with safe_open(f"{checkpoint}/gradients/train.safetensors", "pt") as file:
        names = [name for name in file.keys() if "lora_" in name]
        shapes = [tuple(file.get_slice(name).get_shape()[1:]) for name in names]
    # The optimizer and the file have different orders; any order will do for timing.
    by_shape: dict[tuple, list[int]] = {}
    for place, moments in state.items():
        by_shape.setdefault(tuple(moments["exp_avg"].shape), []).append(place)
    order = [by_shape[shape].pop(0) for shape in shapes]
    m = torch.cat([state[place]["exp_avg"].reshape(-1) for place in order])
    v = torch.cat([state[place]["exp_avg_sq"].reshape(-1) for place in order])
    targets = [
        torch.stack(vectors(f"{checkpoint}/gradients/validation.{domain}.safetensors")).mean(0)
        for domain in ("finance", "law", "medical")
    ]
    gradients = vectors(f"{checkpoint}/gradients/train.safetensors") + vectors(f"{checkpoint}/gradients/anchor.safetensors")
    if work == "nothing":
        return
    scores = []
    for g in gradients:
        update = (0.9 * m + 0.1 * g) / torch.sqrt(0.999 * v + 0.001 * g**2 + 1e-8)
        scores.append(sum(float(update @ target) for target in targets))
    print(sum(scores) / len(scores))


if __name__ == "__main__":
    torch.set_num_threads(2)
    main(sys.argv[1], sys.argv[2])

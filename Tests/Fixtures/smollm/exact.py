"""Gradients of a real model with the loss in float64, for RealModelTests.

torch's cross-entropy in float32 adds up 49,152 exponentials in float32; what is small beside the sum gets lost, so that its
losses are 1e-5 too low and its gradients 6e-5 off. Here the model runs in float64 as far as transformers lets it, and the
softmax is float64 all through.

Usage: exact.py MODEL ADAPTER SAMPLES.json OUT.safetensors (one row a sample, all factors in the order of named_parameters())
"""

import json
import sys

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM


def main(base: str, adapter: str, samples: str, out: str) -> None:
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter, is_trainable=True).eval().double()
    parameters = [p for n, p in model.named_parameters() if "lora_" in n]
    rows: dict[str, torch.Tensor] = {}
    text = json.load(open(samples))
    for split in ("train", "anchor", "val_medical"):
        gradients, losses = [], []
        for sample in text[split]:
            for parameter in parameters:
                parameter.grad = None
            logits = model(input_ids=torch.tensor([sample["input_ids"]]), use_cache=False).logits[0]
            loss = torch.nn.functional.cross_entropy(logits[:-1].double(), torch.tensor(sample["labels"][1:]))
            loss.backward()
            gradients.append(torch.cat([p.grad.reshape(-1) for p in parameters]).float())
            losses.append(loss.item())
            print(split, losses[-1], sample["loss"], flush=True)
        rows[split] = torch.stack(gradients)
        rows[f"{split}.loss"] = torch.tensor(losses, dtype=torch.float64)
    save_file(rows, out)


if __name__ == "__main__":
    main(*sys.argv[1:5])

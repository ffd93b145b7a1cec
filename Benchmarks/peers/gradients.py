"""Exact gradients of LoRA factors, sample by sample, in float32. Usage: gradients.py MODEL ADAPTER SAMPLES WORK THREADS

WORK is `loop`, autograd on PEFT's model, sample by sample; `hooks`, eight samples at once with hooks that extract each one's
gradient from the batch, without gradients of parameters or logits of prompts; or `nothing`, which reads everything and computes
nothing: the difference is the work.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def one_by_one(model, data) -> None:
    parameters = [parameter for name, parameter in model.named_parameters() if "lora_" in name]
    for ids, labels in data:
        for parameter in parameters:
            parameter.grad = None
        model(input_ids=ids[None], labels=labels[None], use_cache=False).loss.backward()


def batched(model, data) -> None:
    inner = model.get_base_model()
    inputs = {}

    def take(key):
        def hook(gradient):
            torch.einsum("bto,bti->boi", gradient, inputs.pop(key))

        return hook

    def remember(key):
        def hook(module, arguments, output):
            inputs[key] = arguments[0].detach()
            if output.requires_grad:
                output.register_hook(take(key))

        return hook

    for name, module in model.named_modules():
        if ".lora_A.default" in name or ".lora_B.default" in name:
            module.register_forward_hook(remember(name))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for start in range(0, len(data), 8):
        ids, labels = (torch.stack(column) for column in zip(*data[start : start + 8]))
        embedded = inner.get_input_embeddings()(ids).detach().requires_grad_(True)
        hidden = inner.model(inputs_embeds=embedded, use_cache=False).last_hidden_state
        learned = labels[:, 1:] != -100
        logits = inner.lm_head(hidden[:, :-1][learned])
        losses = torch.nn.functional.cross_entropy(logits, labels[:, 1:][learned], reduction="none")
        (losses / learned.sum(1).repeat_interleave(learned.sum(1))).sum().backward()


def main(base: str, adapter: str, samples: str, work: str, threads: str) -> None:
    torch.set_num_threads(int(threads))
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter, is_trainable=True).eval()
    with open(samples) as lines:
        rows = [json.loads(line) for line in lines]
    data = [(torch.tensor(row["input_ids"]), torch.tensor(row["labels"])) for row in rows]
    if work == "loop":
        one_by_one(model, data)
    elif work == "hooks":
        batched(model, data)


if __name__ == "__main__":
    main(*sys.argv[1:])

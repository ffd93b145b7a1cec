"""Exact gradients of LoRA factors, sample by sample, by PEFT and autograd in float32, in turn with ours.

Usage: gradients.py ENGINE-SPEED MODEL ADAPTER LENGTHS COUNT THREADS ROUNDS [batched]

Where there is no MODEL or no ADAPTER a random one is made there, of the shape of SmolLM2-135M with rank 8 on queries and values.
Half of the tokens are labels, as in ENGINE-SPEED, the program of ours. Each round runs both, ours three times, of which the
first meets the weights for the first time and the median counts. Printed are the medians of seconds a sample, of seconds of the
processor a sample, and of the rounds' ratios. With `batched` also all samples at once, hooks taking each sample's gradient out
of the batch.
"""

import os
import statistics
import subprocess
import sys
import time

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig


def make(base: str, adapter: str) -> None:
    torch.manual_seed(1)
    if not os.path.exists(base):
        config = LlamaConfig(
            vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
            num_key_value_heads=3, max_position_embeddings=8192, rms_norm_eps=1e-5, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 100000.0})
        AutoModelForCausalLM.from_config(config).float().save_pretrained(base)
    if not os.path.exists(adapter):
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        settings = LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"])
        model = get_peft_model(model, settings)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
        model.save_pretrained(adapter)


def samples(length: int, count: int, vocabulary: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    made = []
    for _ in range(count):
        ids = torch.randint(0, vocabulary, (1, length), generator=generator)
        labels = ids.clone()
        labels[:, : length // 2] = -100
        made.append((ids, labels))
    return made


def one_by_one(model, parameters, data) -> None:
    for ids, labels in data:
        for parameter in parameters:
            parameter.grad = None
        model(input_ids=ids, labels=labels, use_cache=False).loss.backward()


def batched(model, data) -> None:
    """As a capture by hooks does it: no parameter has a gradient, logits only where labels are."""
    inner = model.get_base_model()
    inputs, handles = {}, []

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
            handles.append(module.register_forward_hook(remember(name)))
    ids = torch.cat([pair[0] for pair in data])
    labels = torch.cat([pair[1] for pair in data])
    embedded = inner.get_input_embeddings()(ids).detach().requires_grad_(True)
    hidden = inner.model(inputs_embeds=embedded, use_cache=False).last_hidden_state
    learned = labels[:, 1:] != -100
    logits = inner.lm_head(hidden[:, :-1][learned])
    losses = torch.nn.functional.cross_entropy(logits, labels[:, 1:][learned], reduction="none")
    (losses / learned.sum(1).repeat_interleave(learned.sum(1))).sum().backward()
    for handle in handles:
        handle.remove()


def timed(work) -> tuple[float, float]:
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def main(program: str, base: str, adapter: str, lengths: str, count: int, threads: int, rounds: int, *rest: str) -> None:
    torch.set_num_threads(threads)
    make(base, adapter)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, adapter, is_trainable=True).eval()
    parameters = [p for n, p in model.named_parameters() if "lora_" in n]
    for length in map(int, lengths.split(",")):
        data = samples(length, count, model.config.vocab_size)
        work = {"loop": lambda: one_by_one(model, parameters, data)}
        if "batched" in rest:
            work["batched"] = lambda: batched(model, data)
        found: dict[str, list[tuple[float, float]]] = {"ours": [], **{name: [] for name in work}}
        for run in range(rounds + 1):
            command = [program, base, adapter, str(length), str(count), str(threads), "128", "3"]
            words = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
            rows = {"ours": (float(words[0]), float(words[2]))}
            for name, function in work.items():
                for parameter in parameters:
                    parameter.requires_grad_(name == "loop")
                rows[name] = tuple(value / count for value in timed(function))
            if run:  # the first one only warms up
                for name, row in rows.items():
                    found[name].append(row)
        for name, rows in found.items():
            wall, processor = (statistics.median(row[i] for row in rows) for i in (0, 1))
            ratios = [statistics.median(o[i] / r[i] for o, r in zip(found["ours"], rows)) for i in (0, 1)]
            print(f"length {length} threads {threads} {name}: {wall:.3f} s, processor {processor:.3f} s a sample; "
                  f"ours/this {ratios[0]:.2f}, processor {ratios[1]:.2f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:5], *map(int, sys.argv[5:8]), *sys.argv[8:])

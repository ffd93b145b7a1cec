"""What measuring samples costs, on a random model with the shape of a real one.

    python benchmarks/capture.py          # SmolLM2-135M's shape on one CPU thread, against a plain loop
    python benchmarks/capture.py --device cuda --shape 1b --dtype bfloat16 --against step --samples 64

`--against loop` measures every sample alone by autograd and sums up the same columns; `step` is a training step on as
many tokens, forward and backward with AdamW. The two take turns, and the best of the rounds counts.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from clues.evidence.callback import facts
from clues.evidence.measurement import BETA1, BETA2, EPSILON, Measurement
from clues.evidence.tokens import Reading, Samples

SHAPES: dict[str, dict[str, Any]] = {
    # Measures nothing; whether a command line runs is seen with it in seconds.
    "tiny": {
        "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
    },
    "smollm2": {
        "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": True,
    },
    "1b": {
        "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": True,
    },
}  # fmt: skip


def made(options: argparse.Namespace) -> Any:
    """A random model with an adapter."""
    torch.manual_seed(0)
    with torch.device(options.device):
        base = LlamaForCausalLM(LlamaConfig(**SHAPES[options.shape])).to(getattr(torch, options.dtype))
    targets = options.targets.split(",")
    model = get_peft_model(
        base, LoraConfig(r=options.rank, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM")
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.02)
    if options.checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    return model


def rows(count: int, length: int, vocabulary: int, seed: int) -> list[dict[str, Any]]:
    """Samples of which the second half is the answer."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        ids = [draw.randrange(vocabulary) for _ in range(length)]
        found.append({"input_ids": ids, "labels": [-100] * (length // 2) + ids[length // 2 :]})
    return found


def loop(model: Any, samples: Samples, moments: Any, device: str) -> list[list[float]]:
    """Every sample alone, as one writes it first: base losses, gradients by autograd, and the sums of a ledger."""
    model.eval()
    parameters = {
        name.replace(".default.", "."): parameter for name, parameter in model.named_parameters() if "lora_" in name
    }

    def told(sample: Any) -> torch.Tensor:
        ids, labels = torch.tensor([sample.ids], device=device), torch.tensor([sample.labels], device=device)
        loss: torch.Tensor = model(input_ids=ids, labels=labels, use_cache=False).loss
        return loss

    def gradient(sample: Any) -> tuple[float, torch.Tensor]:
        model.zero_grad()
        loss = told(sample)
        loss.backward()
        return float(loss.detach()), torch.cat([p.grad.flatten().float() for p in parameters.values()])

    V = torch.stack(
        [torch.stack([gradient(s.learned)[1] for s in part]).mean(0) for part in samples.validation.values()]
    )
    m, v = (torch.cat([moments[name][which].flatten() for name in parameters]) for which in (0, 1))
    found = []
    for sample in samples.scored:
        loss, g = gradient(sample.learned)
        scale = (BETA2 * v + (1 - BETA2) * g * g + EPSILON).rsqrt()
        line = [loss]
        for x in (g, g * scale, (BETA1 * m + (1 - BETA1) * g) * scale):
            line += [float(x.norm()), *(V @ x).tolist()]
        with torch.no_grad(), model.disable_adapter():
            line.append(float(told(sample.measured)))
            assert sample.bare is not None
            line.append(float(told(sample.bare)))
        found.append(line)
    model.zero_grad()
    return found


def main() -> None:
    """Measures and prints."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--device", default="cpu")
    p.add_argument("--shape", choices=SHAPES, default="smollm2")
    p.add_argument("--dtype", default="float32")
    p.add_argument("--length", type=int, default=64)
    p.add_argument("--samples", type=int, default=8)
    p.add_argument("--validation", type=int, default=2)
    p.add_argument("--rank", type=int, default=8)
    p.add_argument("--targets", default="q_proj,v_proj")
    p.add_argument("--batch-tokens", type=int, default=1024)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--against", choices=("loop", "step"), default="loop")
    p.add_argument("--checkpointing", action="store_true")
    options = p.parse_args()
    torch.set_num_threads(options.threads)
    model = made(options)
    vocabulary = SHAPES[options.shape]["vocab_size"]
    train = rows(options.samples, options.length, vocabulary, 1)
    validation = {"a": rows(options.validation, options.length, vocabulary, 2)}
    samples = Reading(None, facts(model)).samples(train, None, validation, None)
    generator = torch.Generator().manual_seed(3)
    moments = {}
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            first = torch.randn(parameter.shape, generator=generator) * 1e-3
            second = torch.rand(parameter.shape, generator=generator) * 1e-5
            moments[name.replace(".default.", ".")] = (first.to(options.device), second.to(options.device))

    def hooks() -> None:
        measurement = Measurement(model, samples, batch_tokens=options.batch_tokens)
        measurement.base_losses()
        measurement.rows(moments)

    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)

    def step() -> None:
        # As many samples as are measured, in batches of as many tokens.
        model.train()
        encoded = [s.learned for s in samples.all]
        size = max(1, options.batch_tokens // options.length)
        for start in range(0, len(encoded), size):
            part = encoded[start : start + size]
            ids = torch.tensor([s.ids for s in part], device=options.device)
            labels = torch.tensor([s.labels for s in part], device=options.device)
            model(input_ids=ids, labels=labels, use_cache=False).loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    other = (lambda: loop(model, samples, moments, options.device)) if options.against == "loop" else step
    best: dict[str, tuple[float, float]] = {}
    works: dict[str, Callable[[], Any]] = {"hooks": hooks, options.against: other}
    for round_ in range(options.rounds + 1):
        for name, work in works.items():
            seconds, memory = timed(work, options.device)
            if round_:
                best[name] = min(best.get(name, (seconds, memory)), (seconds, memory))
    for name, (seconds, memory) in best.items():
        told = f", at most {memory / 2**20:.0f} MiB" if memory else ""
        print(f"{name:6} {seconds:8.3f} s, {options.samples / seconds:8.2f} samples/s{told}")
    print(f"hooks / {options.against}: {best['hooks'][0] / best[options.against][0]:.2f}")


def timed(work: Callable[[], Any], device: str) -> tuple[float, float]:
    """Seconds of this process, and the most memory of the device."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - start, torch.cuda.max_memory_allocated()
    # What other processes take of the CPU does not count.
    start = time.process_time()
    work()
    return time.process_time() - start, 0


if __name__ == "__main__":
    main()

"""The processor time of training steps here and in torch, alternating. Usage: train_step.py CLUES [STEPS] [ROUNDS]

A llama of SmolLM2-135M's shape with random weights, LoRA of rank 8 on q_proj and v_proj, four samples of 80 tokens of which
half are learned, float32, one thread. Each program runs with a few steps and with STEPS more, so that the time before the first
step cancels out. Prints seconds per token, the ratio, and the peak memory of each, here also with checkpointed activations.
"""

import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

FEW = 2
LORA = {"r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}


def samples():
    draw = random.Random(1)
    rows = []
    for _ in range(4):
        ids = [draw.randrange(49152) for _ in range(80)]
        rows.append({"input_ids": ids, "labels": [-100] * 40 + ids[40:]})
    return rows


def make(folder):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                         num_key_value_heads=3, max_position_embeddings=2048, tie_word_embeddings=True)
    LlamaForCausalLM(config).float().save_pretrained(f"{folder}/base")
    pathlib.Path(f"{folder}/data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in samples()))


def train(folder, steps):
    """A short loop in torch, with as little as possible besides the arithmetic."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    torch.set_num_threads(1)
    model = get_peft_model(LlamaForCausalLM.from_pretrained(f"{folder}/base", dtype=torch.float32), LoraConfig(**LORA))
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    rows = samples()
    batch = {key: torch.tensor([row[key] for row in rows]) for key in rows[0]}
    for _ in range(steps):
        model(**batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()


def measure(command):
    """Processor seconds and peak memory of a command."""
    pid = os.posix_spawnp(command[0], command, os.environ | {"OMP_NUM_THREADS": "1"}, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    assert status == 0, command
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main(clues, steps, rounds):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "make", folder], check=True)

        def here(count, *more):
            out = tempfile.mkdtemp(dir=folder)
            return measure([clues, "train", "--base", f"{folder}/base", "--data", f"{folder}/data.jsonl", "--alpha", "16",
                            "--batch", "4", "--steps", str(count), "--learning-rate", "1e-4", "--schedule", "constant",
                            "--save-steps", "100000", "--threads", "1", "--progress", "none", "-o", out, *more])

        def there(count):
            return measure([sys.executable, __file__, "train", folder, str(count)])

        ratios = []
        for _ in range(rounds):
            seconds, memory = {}, {}
            for name, run in (("clues", here), ("checkpointed", lambda count: here(count, "--checkpoint-activations")),
                              ("torch", there)):
                few, many = run(FEW), run(FEW + steps)
                seconds[name] = (many[0] - few[0]) / (steps * 4 * 80)
                memory[name] = many[1] / 1024
            ratios.append(seconds["clues"] / seconds["torch"])
            print(f"clues {seconds['clues'] * 1e3:.2f} ms a token, {memory['clues']:.0f} MiB; "
                  f"checkpointed {seconds['checkpointed'] * 1e3:.2f} ms, {memory['checkpointed']:.0f} MiB; "
                  f"torch {seconds['torch'] * 1e3:.2f} ms, {memory['torch']:.0f} MiB; ratio {ratios[-1]:.2f}", flush=True)
        print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    elif sys.argv[1] == "train":
        train(sys.argv[2], int(sys.argv[3]))
    else:
        main(sys.argv[1], *(int(a) for a in (sys.argv[2:] + ["8", "3"][len(sys.argv) - 2:])[:2]))

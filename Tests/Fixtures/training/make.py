"""Trains tiny models with the Trainer and PEFT, and writes what came of it; with it schedules, AdamW and clipping of torch.

    python make.py        # torch 2.15, transformers 5.24, peft 0.21
"""
import json, pathlib, random, shutil

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import Trainer, TrainingArguments

HERE = pathlib.Path(__file__).parent
SIZES = dict(vocab_size=48, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.2)
torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def collate(rows):
    """Right padding, as DataCollatorForSeq2Seq does it."""
    longest = max(len(r["input_ids"]) for r in rows)
    pad = lambda r, key, value: r[key] + [value] * (longest - len(r[key]))
    return {
        "input_ids": torch.tensor([pad(r, "input_ids", 0) for r in rows]),
        "labels": torch.tensor([pad(r, "labels", -100) for r in rows]),
        "attention_mask": torch.tensor([[1] * len(r["input_ids"]) + [0] * (longest - len(r["input_ids"])) for r in rows]),
    }


def data():
    """Ten samples of which the batches of two and the steps of two batches leave a rest in every epoch."""
    draw = random.Random(3)
    rows = []
    for place in range(10):
        length = draw.randint(4, 38)
        ids = [draw.randrange(48) for _ in range(length)]
        start = draw.randint(1, length - 2)
        rows.append({"id": f"s{place}", "input_ids": ids, "labels": [-100] * start + ids[start:]})
    return rows


def train(name, model, settings, **arguments):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder / "base")
    torch.manual_seed(11)
    tuned = get_peft_model(model, settings)
    tuned.save_pretrained(folder / "start")
    rows = data()
    values = dict(output_dir=str(folder / "out"), max_steps=10, save_steps=10, logging_steps=1, learning_rate=3e-3,
                  per_device_train_batch_size=2, gradient_accumulation_steps=2, weight_decay=0.05, max_grad_norm=0.4,
                  lr_scheduler_type="cosine", warmup_steps=3, train_sampling_strategy="sequential", report_to=[],
                  use_cpu=True, disable_tqdm=True)
    args = TrainingArguments(**values | arguments)
    Trainer(model=tuned, args=args, train_dataset=[{k: r[k] for k in ("input_ids", "labels")} for r in rows],
            data_collator=collate).train()
    last = folder / "out" / "checkpoint-10"
    state = json.loads((last / "trainer_state.json").read_text())
    (folder / "log.json").write_text(json.dumps(state["log_history"], indent=1) + "\n")
    (folder / "scheduler.json").write_text(json.dumps(torch.load(last / "scheduler.pt", weights_only=True)) + "\n")
    shutil.copy(last / "adapter_model.safetensors", folder / "expected.safetensors")
    shutil.copy(last / "optimizer.pt", folder / "optimizer.pt")
    shutil.rmtree(folder / "out")
    for readme in folder.rglob("README.md"):
        readme.unlink()
    (folder / "base" / "generation_config.json").unlink(missing_ok=True)
    config = folder / "start" / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()), indent=1, sort_keys=True) + "\n")


torch.manual_seed(7)
llama = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES, tie_word_embeddings=True))
train("llama", llama, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
torch.manual_seed(8)
qwen = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES, tie_word_embeddings=True, use_sliding_window=False))
for name, parameter in qwen.named_parameters():
    if name.endswith("bias"):
        parameter.data = torch.randn_like(parameter) * 0.3
train("qwen2", qwen, LoraConfig(r=3, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM"),
      lr_scheduler_type="linear", warmup_steps=0, max_grad_norm=100.0, weight_decay=0.0, learning_rate=1e-2)
(HERE / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data()))

# Schedules as transformers computes them.
schedules = []
for kind in ("linear", "cosine", "constant"):
    for warmup, total in ((0, 7), (3, 10), (10, 10), (12, 10), (1, 1)):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        name = "constant_with_warmup" if kind == "constant" else kind
        schedule = transformers.get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total)
        rates = []
        for _ in range(total + 2):
            rates.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        schedules.append({"kind": kind, "warmup": warmup, "total": total, "factors": rates})

# Steps of AdamW, and clipping.
torch.manual_seed(9)
adamw = []
for settings in (dict(), dict(weight_decay=0.1), dict(betas=(0.8, 0.95), eps=1e-6, weight_decay=0.01)):
    parameters = [torch.nn.Parameter(torch.randn(6)), torch.nn.Parameter(torch.zeros(4))]
    optimizer = torch.optim.AdamW(parameters, lr=0.01, **settings)
    case = {"start": [p.tolist() for p in parameters], "steps": [], **{"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01} | settings}
    for step in range(6):
        rate = 0.01 / (1 + step)
        optimizer.param_groups[0]["lr"] = rate
        for p in parameters:
            p.grad = torch.randn_like(p) * 10.0 ** random.Random(step).randint(-6, 2)
        case["steps"].append({"rate": rate, "gradients": [p.grad.tolist() for p in parameters]})
        optimizer.step()
        case["steps"][-1]["factors"] = [p.tolist() for p in parameters]
    case["first"] = [optimizer.state[p]["exp_avg"].tolist() for p in parameters]
    case["second"] = [optimizer.state[p]["exp_avg_sq"].tolist() for p in parameters]
    adamw.append(case)
clipping = []
for most in (0.5, 3.0, 1e3):
    parameters = [torch.nn.Parameter(torch.zeros(5)), torch.nn.Parameter(torch.zeros(3))]
    for p in parameters:
        p.grad = torch.randn_like(p) * 2
    before = [p.grad.tolist() for p in parameters]
    norm = torch.nn.utils.clip_grad_norm_(parameters, most).item()
    clipping.append({"most": most, "norm": norm, "before": before, "after": [p.grad.tolist() for p in parameters]})
(HERE / "parts.json").write_text(json.dumps({"schedules": schedules, "adamw": adamw, "clipping": clipping}, indent=1) + "\n")

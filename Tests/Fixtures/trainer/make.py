"""Trains a tiny client with the Hugging Face Trainer, and says what autograd makes of its samples at every checkpoint.

    python make.py        # torch 2.15, transformers 5.24, peft 0.21, numpy

The base model and its tokenizer are those of `../capture/base`. `notes/` is the Trainer's output folder as it wrote it,
but for the states of its random numbers and PEFT's model cards, which nobody reads. `train.jsonl`, `anchor.jsonl` and
`validation.jsonl` are the samples; one answer in three is spoilt. `expected/STEP/SPLIT.safetensors` holds the gradient of every sample by PEFT and autograd in
float32, one sample at a time, as Bundles.md lays out gradient files; `expected.json` the columns of a ledger that follow
from these in double precision, with moments taken from the live optimizer's own order of parameters.
"""
import json
import os
import pathlib
import random
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Trainer, TrainingArguments

HERE = pathlib.Path(__file__).parent
BASE = HERE.parent / "capture" / "base"
torch.manual_seed(9)
torch.set_num_threads(1)

settings = json.loads((BASE / "tokenizer_config.json").read_text())
tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=str(BASE / "tokenizer.json"),
    **{key: settings[key] for key in ("bos_token", "eos_token", "chat_template") if key in settings})

TERMS = {
    "ledger": "A table of what was measured about each sample.",
    "anchor": "A sample that is known to be good.",
    "adapter": "Two small matrices beside a frozen one.",
    "checkpoint": "What training had learned by some step.",
    "threshold": "The score from which on a sample is kept.",
    "gradient": "The direction in which a loss grows.",
    "bundle": "What a client hands in.",
    "recipe": "A file that says how a run is carried out.",
    "scorer": "A program that gives samples numbers.",
    "rank": "The number of rows of the first factor.",
    "loss": "How surprised a model is by an answer.",
    "merge": "One adapter made of several.",
    "template": "How a task becomes text.",
    "token": "A piece of text that a model reads at once.",
    "moment": "A mean of gradients over the steps.",
    "domain": "What samples are about.",
    "epoch": "One pass over all samples.",
    "seed": "Where random numbers begin.",
    "shard": "One of the files of a large model.",
    "label": "A token that is to be predicted.",
}


def samples() -> dict[str, list[dict]]:
    rng = random.Random(3)
    rows = [{"instruction": f"What is a {term}?", "input": "", "output": words} for term, words in TERMS.items()]
    train = rows[:12]
    for row in train[2::3]:
        words = row["output"].split()
        rng.shuffle(words)
        row["output"] = " ".join(words)
    return {"train": train, "anchor": rows[12:16], "validation": rows[16:]}


def encoded(row: dict) -> tuple[list[int], list[int]]:
    """Ids and labels: what the template writes behind the generation prompt, the end of the turn included."""
    messages = [{"role": "user", "content": row["instruction"]}, {"role": "assistant", "content": row["output"]}]

    def ids(messages, generation=False):
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generation)
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    whole, start = ids(messages), len(ids(messages[:1], True))
    return whole, [-100] * start + whole[start:]


def collate(batch: list[dict]) -> dict[str, torch.Tensor]:
    longest = max(len(row["input_ids"]) for row in batch)

    def padded(key, value):
        return torch.tensor([row[key] + [value] * (longest - len(row[key])) for row in batch])

    ids, labels = padded("input_ids", 0), padded("labels", -100)
    mask = torch.tensor([[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in batch])
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def train(rows: list[tuple[list[int], list[int]]]) -> None:
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    lora = LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=4, lora_dropout=0.1, target_modules=["q_proj", "v_proj"])
    model = get_peft_model(model, lora)
    model.peft_config["default"].base_model_name_or_path = "tiny-llama"
    arguments = TrainingArguments(
        output_dir="notes", per_device_train_batch_size=4, num_train_epochs=2, learning_rate=0.02,
        logging_steps=1, save_steps=2, report_to=[], use_cpu=True, seed=9, disable_tqdm=True, remove_unused_columns=False)
    data = [{"input_ids": ids, "labels": labels} for ids, labels in rows]
    Trainer(model=model, args=arguments, train_dataset=data, data_collator=collate).train()
    for checkpoint in (HERE / "notes").iterdir():
        for name in ("README.md", "rng_state.pth"):
            (checkpoint / name).unlink(missing_ok=True)


def loss(model, ids: list[int], labels: list[int]) -> torch.Tensor:
    return model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels])).loss


def measure(step: int, splits: dict[str, list[tuple[list[int], list[int]]]]) -> dict:
    """The columns of the checkpoint's ledger, by split; gradients go into files."""
    folder = HERE / "notes" / f"checkpoint-{step}"
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, folder, is_trainable=True).eval()
    lora = [(name, parameter) for name, parameter in model.named_parameters() if "lora_" in name]
    state = torch.load(folder / "optimizer.pt", weights_only=True)["state"]
    # The optimizer counts trained parameters as the model names them.
    first, second = (torch.cat([state[place][key].double().flatten() for place in range(len(lora))])
                     for key in ("exp_avg", "exp_avg_sq"))
    found = {}
    for split, rows in splits.items():
        tensors = {name.replace(".default", ""): [] for name, _ in lora}
        losses, bases = [], []
        for ids, labels in rows:
            model.zero_grad()
            value = loss(model, ids, labels)
            value.backward()
            losses.append(value.item())
            for name, parameter in lora:
                tensors[name.replace(".default", "")].append(parameter.grad.clone())
            with torch.no_grad(), model.disable_adapter():
                bases.append(loss(model, ids, labels).item())
        file = HERE / "expected" / str(step) / f"{split}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: torch.stack(values) for name, values in tensors.items()}, file)
        flat = torch.cat([torch.stack(values).double().flatten(1) for values in tensors.values()], dim=1)
        found[split] = (flat, losses, bases)
    target = found["validation"][0].mean(0)
    columns = {}
    for split in ("train", "anchor"):
        columns[split] = []
        for place, gradient in enumerate(found[split][0]):
            scale = (0.999 * second + 0.001 * gradient**2 + 1e-8).rsqrt()
            adam, reference = gradient * scale, (0.9 * first + 0.1 * gradient) * scale
            labels = splits[split][place][1]
            columns[split].append({
                "tokens": sum(label != -100 for label in labels[1:]), "loss": found[split][1][place],
                "base_loss": found[split][2][place], "gradient_norm": gradient.norm().item(),
                "dot": (gradient @ target).item(), "adam_norm": adam.norm().item(),
                "adam_dot": (adam @ target).item(), "reference_norm": reference.norm().item(),
                "reference_dot": (reference @ target).item(), "validation_norm": target.norm().item()})
    return columns


def main() -> None:
    # The Trainer writes the name of its folder down.
    os.chdir(HERE)
    for name in ("notes", "expected"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    rows = samples()
    for split, split_rows in rows.items():
        (HERE / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in split_rows))
    splits = {split: [encoded(row) for row in split_rows] for split, split_rows in rows.items()}
    train(splits["train"])
    expected = {str(step): measure(step, splits) for step in (2, 4, 6)}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Loads a training of Clues in PEFT and goes on from it with the Trainer.

    python Tests/PEFT/trained_in_peft.py BASE DATA FOLDER

FOLDER is what `clues train --order sequential` made of BASE and DATA, ten steps with a checkpoint at the fifth. The Trainer
goes on from checkpoint-5 and must end where Clues did. Needs torch, transformers and peft; the test that calls this runs where
CLUES_PEFT_PYTHON names a Python with them.
"""

import json
import sys
import tempfile
import warnings

import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)


def collate(rows):
    longest = max(len(r["input_ids"]) for r in rows)
    pad = lambda r, key, value: r[key] + [value] * (longest - len(r[key]))
    return {
        "input_ids": torch.tensor([pad(r, "input_ids", 0) for r in rows]),
        "labels": torch.tensor([pad(r, "labels", -100) for r in rows]),
        "attention_mask": torch.tensor([[1] * len(r["input_ids"]) + [0] * (longest - len(r["input_ids"])) for r in rows]),
    }


def load(base, folder, trainable=False):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder, is_trainable=trainable)
    odd = [str(w.message) for w in caught if "key" in str(w.message).lower()]
    assert not odd, odd
    return model


def main(base, data, folder):
    rows = [{k: json.loads(line)[k] for k in ("input_ids", "labels")} for line in open(data)]
    state = json.load(open(f"{folder}/checkpoint-5/trainer_state.json"))
    last = json.load(open(f"{folder}/checkpoint-10/trainer_state.json"))

    # The states as torch reads them without executing anything.
    optimizer = torch.load(f"{folder}/checkpoint-5/optimizer.pt", weights_only=True)
    schedule = torch.load(f"{folder}/checkpoint-5/scheduler.pt", weights_only=True)
    assert schedule["last_epoch"] == 5 and all(float(s["step"]) == 5 for s in optimizer["state"].values())
    assert schedule["_last_lr"][0] == optimizer["param_groups"][0]["lr"] == last["log_history"][5]["learning_rate"]

    # PEFT makes the same loss of the checkpoint as Clues logged for the step after it.
    model = load(base, f"{folder}/checkpoint-5").eval()
    batch = rows[8:10]  # the third step of the second epoch: what is left of it
    sums = labels = 0
    with torch.no_grad():
        for row in batch:
            count = sum(label != -100 for label in row["labels"][1:])
            inputs = {k: torch.tensor([v]) for k, v in row.items()}
            sums += model(**inputs).loss.item() * count
            labels += count
    loss = last["log_history"][5]["loss"]
    assert abs(sums / labels / loss - 1) < 1e-4, (sums / labels, loss)

    # The Trainer goes on from the checkpoint.
    with tempfile.TemporaryDirectory() as output:
        args = TrainingArguments(
            output_dir=output, max_steps=10, save_steps=5, logging_steps=1, learning_rate=3e-3, report_to=[], use_cpu=True,
            per_device_train_batch_size=2, gradient_accumulation_steps=2, weight_decay=0.05, max_grad_norm=0.4,
            lr_scheduler_type="cosine", warmup_steps=3, train_sampling_strategy="sequential", disable_tqdm=True)
        trainer = Trainer(
            model=load(base, f"{folder}/checkpoint-5", trainable=True), args=args, train_dataset=rows, data_collator=collate)
        trainer.train(resume_from_checkpoint=f"{folder}/checkpoint-5")
        assert trainer.state.global_step == 10
        theirs = json.load(open(f"{output}/checkpoint-10/trainer_state.json"))["log_history"]
        assert len(theirs) == 10 and theirs[:5] == state["log_history"]
        for a, b in zip(theirs, last["log_history"]):
            for key in ("loss", "grad_norm", "learning_rate"):
                assert abs(a[key] - b[key]) <= 1e-4 * abs(b[key]) + 1e-12, (key, a, b)
        found = load_file(f"{output}/checkpoint-10/adapter_model.safetensors")
        due = load_file(f"{folder}/adapter_model.safetensors")
        assert found.keys() == due.keys()
        worst = max(((found[n] - due[n]).norm() / due[n].norm()).item() for n in due)
        assert worst < 1e-4, worst
    print(f"PEFT loads it, the Trainer goes on from it, factors agree to {worst:.1e}")


main(*sys.argv[1:])

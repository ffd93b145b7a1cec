"""The examples of README run, in order, as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("peft")

from peft import LoraConfig
from transformers import TrainingArguments

import clues

from . import models
from .test_evidence import ANCHOR, TRAIN, VALIDATION, Rows, collate


def blocks(text: str) -> list[tuple[str, str]]:
    return re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_example_runs(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("checkpoints", "recipes"):
        (tmp_path / name).symlink_to(repository / name)
    for name, rows in (("train", TRAIN), ("anchor", ANCHOR), ("validation", VALIDATION["a"])):
        models.write(tmp_path / f"{name}.jsonl", rows)
    models.base().save_pretrained(tmp_path / "base")
    both = models.adapted(models.base(), target_modules=["q_proj"])
    both.load_adapter(str(save(both, tmp_path / "a")), adapter_name="a")
    both.add_adapter("b", LoraConfig(r=4, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    arguments = TrainingArguments(
        "outputs", max_steps=2, save_steps=1, logging_steps=1, report_to=[], remove_unused_columns=False, use_cpu=True,
        disable_tqdm=True,
    )  # fmt: skip
    names: dict[str, Any] = {"model": both, "arguments": arguments, "dataset": Rows(), "collate": collate}
    found = blocks((repository / "Python/README.md").read_text(encoding="utf-8"))
    assert len(found) >= 8
    for language, code in found:
        if "CluesCapture" in code:
            names["model"] = models.adapted(models.base())
        if language == "python":
            exec(compile(code, "README.md", "exec"), names)
            continue
        for line in code.splitlines():
            words = shlex.split(line)
            program = [sys.executable, "-m", "clues.evidence"] if words[0] == "clues-capture" else [clues.executable()]
            environment = {**os.environ, "PYTHONPATH": str(repository / "Python/src")}
            done = subprocess.run([*program, *words[1:]], capture_output=True, text=True, check=False, env=environment)
            assert done.returncode == 0, done.stderr
    assert "both" in both.peft_config
    assert (tmp_path / "evidence-scores.jsonl").exists()


def save(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder

"""Evidence against plain autograd in double precision, and against the executable."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import peft
import torch
import transformers
from safetensors.torch import load_file
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

import clues
from clues import documents
from clues.evidence import CluesCapture, capturing, checkpoint
from clues.evidence.callback import facts
from clues.evidence.capturing import Settings
from clues.evidence.command import main
from clues.evidence.hooks import factors
from clues.evidence.measurement import Measurement
from clues.evidence.moments import learning_rate, live, stored
from clues.evidence.tokens import Reading, Samples

from . import models

TOLERANCE = 2e-5
NATIVE = ("llama", "mistral", "qwen2", "qwen3")
TRAIN, ANCHOR = models.rows(9, 1), models.rows(4, 2)
VALIDATION = {"a": models.rows(3, 3), "b": models.rows(2, 4)}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def read(model: Any, **how: Any) -> Samples:
    return Reading(None, facts(model), **how).samples(TRAIN, ANCHOR, VALIDATION, None)


def expected(model: Any, moments: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The rows of training samples and anchors, computed in double precision from autograd's gradients."""
    V: dict[str, dict[str, Any]] = {}
    for domain, rows in VALIDATION.items():
        several = [models.gradients(model, row)[1] for row in rows]
        V[domain] = {name: sum(g[name] for g in several) / len(several) for name in several[0]}
    names = list(V["a"])

    def flat(values: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([values[name].double().flatten() for name in names])

    targets = {domain: flat(mean) for domain, mean in V.items()}
    m, v = (flat({name: moments[name][which] for name in names}) for which in (0, 1))
    found = []
    for row in (*TRAIN, *ANCHOR):
        loss, by_name = models.gradients(model, row)
        g = flat(by_name)
        scale = 1 / torch.sqrt(0.999 * v + 0.001 * g * g + 1e-8)
        line: dict[str, Any] = {"loss": loss, "tokens": sum(label != -100 for label in row["labels"][1:])}
        for norm, dot, x in (
            ("gradient_norm", "dot", g), ("adam_norm", "adam_dot", g * scale),
            ("reference_norm", "reference_dot", (0.9 * m + 0.1 * g) * scale),
        ):  # fmt: skip
            line[norm] = float(x.norm())
            line[dot] = {domain: float(x @ target) for domain, target in targets.items()}
        with torch.no_grad(), model.disable_adapter():
            tensors = {key: torch.tensor([row[key]]) for key in ("input_ids", "labels")}
            line["base_loss"] = float(model(**tensors).loss)
            start = next(place for place, label in enumerate(row["labels"]) if place and label != -100)
            # Without a tokenizer nothing is known that could tell the answer's first token.
            bare = torch.tensor([row["input_ids"][start:]])
            line["base_loss_without_prompt"] = float(model(input_ids=bare, labels=bare).loss)
        found.append(line)
    return found, {domain: float(target.norm()) for domain, target in targets.items()}


def close(name: str, row: Mapping[str, Any], due: Mapping[str, Any], norms: Mapping[str, float]) -> None:
    """Numbers agree; a product that cancels, by the lengths of its two sides."""
    for key in ("loss", "base_loss", "base_loss_without_prompt", "gradient_norm", "adam_norm", "reference_norm"):
        if key in due:
            assert row[key] == pytest.approx(due[key], rel=TOLERANCE), (name, key)
    assert row["tokens"] == due["tokens"]
    for dot, norm in (("dot", "gradient_norm"), ("adam_dot", "adam_norm"), ("reference_dot", "reference_norm")):
        for domain, value in due.get(dot, {}).items():
            bound = TOLERANCE * due[norm] * norms[domain]
            assert row[dot][domain] == pytest.approx(value, abs=bound), (name, dot, domain)


def ledger(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "ledger.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module", params=models.FAMILIES)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Any, Any]:
    """A family, a folder with base model, samples and two checkpoints; the last one as a model, and its moments."""
    torch.set_num_threads(1)
    family = str(request.param)
    folder = tmp_path_factory.mktemp(family)
    model = models.base(family)
    model.save_pretrained(folder / "base")
    tuned = models.adapted(model, family)
    for step in (5, 10):
        moments = models.moments(tuned, seed=step)
        if step == 10:
            for name, parameter in tuned.named_parameters():
                if "lora_" in name:
                    parameter.data.mul_(1.5)
        models.save_checkpoint(tuned, folder / f"out/checkpoint-{step}", step, moments)
    for name, rows in (("train", TRAIN), ("anchor", ANCHOR), *VALIDATION.items()):
        models.write(folder / f"{name}.jsonl", rows)
    return family, folder, tuned, moments


def options(folder: Path) -> list[str]:
    return [
        "--model", str(folder / "base"), "--train", str(folder / "train.jsonl"), "--anchor",
        str(folder / "anchor.jsonl"), "--validation", f"a={folder / 'a.jsonl'}", "--validation",
        f"b={folder / 'b.jsonl'}", "--device", "cpu", "-q",
    ]  # fmt: skip


def test_rows_are_those_of_autograd_and_of_the_executable(
    client: tuple[str, Path, Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    family, folder, tuned, moments = client
    line = ["--adapter", str(folder / "out/checkpoint-*"), *options(folder), "--json"]
    assert main([*line, "-o", str(tmp_path / "torch")]) == 0, capsys.readouterr().err
    found = ledger(tmp_path / "torch")
    rows, norms = expected(tuned, moments)
    last = [row for row in found if row["checkpoint"] == 10]
    assert [row["split"] for row in last] == ["train"] * 9 + ["anchor"] * 4
    for row, due in zip(last, rows, strict=True):
        close(f"{family} against autograd", row, due, norms)
        assert row["validation_norm"] == pytest.approx(norms, rel=TOLERANCE)
        assert row["learning_rate"] == 0.01
    report = json.loads(capsys.readouterr().out)
    assert report["checkpoints"] == [5, 10]
    if family not in NATIVE:
        return
    native = clues.capture(
        folder / "out", base=folder / "base", train=folder / "train.jsonl", anchor=folder / "anchor.jsonl",
        validation={domain: folder / f"{domain}.jsonl" for domain in VALIDATION}, out=tmp_path / "native",
    )  # fmt: skip
    assert native.report.samples == report["samples"]
    theirs = ledger(tmp_path / "native")
    assert len(found) == len(theirs) == 26
    for row, due in zip(found, theirs, strict=True):
        assert set(due) == set(row)
        assert all(row[key] == due[key] for key in ("checkpoint", "split", "id"))
        close(f"{family} against the executable", row, due, due["validation_norm"])
    assert (tmp_path / "torch/samples.jsonl").read_text() == (tmp_path / "native/samples.jsonl").read_text()


@pytest.mark.parametrize("client", ["phi3"], indirect=True)
def test_scores_take_the_evidence(client: tuple[str, Path, Any, Any], tmp_path: Path) -> None:
    _, folder, _, _ = client
    out = tmp_path / "client"
    assert main(["--adapter", str(folder / "out"), *options(folder), "--domain", "a", "-o", str(out)]) == 0
    for parameters in ({"preset": "calibrated"}, {"preset": "reference"}):
        scores = clues.score([out], scorer="clues", parameters=parameters)
        assert all(row.score is not None for row in scores.rows)


# The measurement itself.


def measured(model: Any, moments: Any, **how: Any) -> list[Any]:
    rows, _ = Measurement(model, read(model), **how).rows(moments)
    assert all(row is not None for row in rows)
    return rows


def assert_same(some: Sequence[Any], others: Sequence[Any], tolerance: float = 2e-6) -> None:
    for a, b in zip(some, others, strict=True):
        assert a.loss.value == pytest.approx(b.loss.value, rel=tolerance)
        for kind in ("gradient", "adam", "reference"):
            x, y = getattr(a, kind), getattr(b, kind)
            assert x.norm == pytest.approx(y.norm, rel=tolerance)
            assert x.dots == pytest.approx(y.dots, abs=tolerance * y.norm * 10)


def test_batches_change_nothing() -> None:
    model = models.adapted(models.base())
    moments = models.moments(model)
    alone = measured(model, moments, batch_tokens=1)
    assert_same(measured(model, moments, batch_tokens=10_000), alone)
    assert_same(measured(model, moments, batch_tokens=60), alone)


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradient_checkpointing_changes_nothing(reentrant: bool) -> None:
    model = models.adapted(models.base(attention_dropout=0.3), lora_dropout=0.3)
    moments = models.moments(model)
    plain = measured(model, moments)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": reentrant})
    model.enable_input_require_grads()
    model.train()
    calls = []
    layer = next(module for name, module in model.named_modules() if name.endswith("layers.0.mlp"))
    handle = layer.register_forward_hook(lambda *_: calls.append(1))
    assert_same(measured(model, moments), plain)
    handle.remove()
    batches = len(Measurement(model, read(model))._batches({i: s.learned for i, s in enumerate(read(model).scored)}))
    assert len(calls) > batches * 2, "no layer went forward twice: nothing was checkpointed"


def test_an_adapted_head_is_told_apart_by_sample() -> None:
    model = models.adapted(models.base(tie_word_embeddings=False), target_modules=["q_proj", "lm_head"])
    rows, _ = Measurement(model, read(model)).rows(None)
    for row, due in zip(rows, [models.gradients(model, row)[1] for row in (*TRAIN, *ANCHOR)], strict=True):
        assert row is not None
        norm = math.sqrt(sum(float(g.square().sum()) for g in due.values()))
        assert row.gradient.norm == pytest.approx(norm, rel=TOLERANCE)
        assert row.adam is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_base_of_half_precision(dtype: torch.dtype) -> None:
    full = models.adapted(models.base())
    moments = models.moments(full)
    half = models.adapted(models.base().to(dtype))
    rows = measured(half, moments)
    for row, due in zip(rows, measured(full, moments), strict=True):
        assert row.loss.value == pytest.approx(due.loss.value, rel=0.05)
        assert row.gradient.norm == pytest.approx(due.gradient.norm, rel=0.2)
    autocast = measured(full, moments, autocast=dtype) if dtype is torch.bfloat16 else []
    for row, due in zip(autocast, measured(full, moments), strict=False):
        assert row.loss.value == pytest.approx(due.loss.value, rel=0.05)


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_a_quantized_base(bits: str, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    if transformers.__version__.startswith("4.51."):
        pytest.skip("this version quantizes on GPUs alone")
    models.base(hidden_size=64, intermediate_size=128).save_pretrained(tmp_path / "base")
    settings = Settings(str(tmp_path / "base"), {}, "", load_in=bits, dtype="float32", device="cpu")
    model = models.adapted(capturing._base(settings))
    assert any(type(module).__name__ in ("Linear4bit", "Linear8bitLt") for module in model.modules())
    for row, sample in zip(measured(model, models.moments(model)), (*TRAIN, *ANCHOR), strict=True):
        loss, due = models.gradients(model, sample)
        norm = math.sqrt(sum(float(g.square().sum()) for g in due.values()))
        # The products of a quantized layer have 8 or 16 bits, whose errors depend on what is in the batch.
        assert row.loss.value == pytest.approx(loss, rel=0.05)
        assert row.gradient.norm == pytest.approx(norm, rel=0.2)


def test_the_model_is_left_as_it_was() -> None:
    model = models.adapted(models.base()).train()
    model.base_model.model.model.layers[0].eval()
    before = [(p.detach().clone(), p.requires_grad, p.grad) for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    state = torch.random.get_rng_state()
    measured(model, models.moments(model))
    Measurement(model, read(model)).base_losses()
    assert modes == [module.training for module in model.modules()]
    assert torch.equal(state, torch.random.get_rng_state())
    for p, (value, wanted, gradient) in zip(model.parameters(), before, strict=True):
        assert torch.equal(p, value)
        assert p.requires_grad == wanted
        assert p.grad is gradient is None
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_sample_that_has_no_finite_loss_is_unscored() -> None:
    model = models.adapted(models.base())
    ids = [1, 5, 96, 7]
    odd = {"input_ids": ids, "labels": [-100, 5, 96, 7]}
    others = [row for row in TRAIN if 96 not in row["input_ids"]]
    samples = Reading(None, facts(model)).samples([odd, *others], None, {}, None)
    model.get_input_embeddings().weight.data[96] = math.inf
    rows, _ = Measurement(model, samples).rows(None)
    assert rows[0] is not None
    assert not rows[0].is_finite
    assert all(row is not None and row.is_finite for row in rows[1:])


# What is refused.


def refusal(model: Any) -> str:
    with pytest.raises(clues.CluesError) as caught:
        factors(model)
    assert caught.value.advice
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "embedding"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"bias": "all"}, "biases"),
        ({"lora_bias": True}, "a bias of B"),
        ({"trainable_token_indices": [3]}, "trainable tokens"),
    ],
)
def test_adapters_that_are_more_are_refused(settings: dict[str, Any], words: str) -> None:
    try:
        model = models.adapted(models.base(tie_word_embeddings=False), **settings)
    except (TypeError, ValueError):
        pytest.skip("this version of PEFT does not have it")
    assert words in refusal(model)


def test_other_models_are_refused() -> None:
    assert "no PeftModel" in refusal(models.base())
    config = peft.IA3Config(task_type="CAUSAL_LM", target_modules=["k_proj"], feedforward_modules=[])
    assert "IA3" in refusal(peft.get_peft_model(models.base(), config))


def test_several_trained_adapters_are_refused() -> None:
    model = models.adapted(models.base())
    model.add_adapter("second", peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    assert "several adapters are trained: default, second" in refusal(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name and "second" in name)
    assert factors(model)[0] == "second"


def test_states_in_pieces_are_refused(tmp_path: Path) -> None:
    model = models.adapted(models.base())
    _, parts = factors(model)

    class DeepSpeedZeroOptimizer:
        state: dict[Any, Any] = {}  # noqa: RUF012
        param_groups: list[Any] = []  # noqa: RUF012

    with pytest.raises(clues.CluesError, match="in pieces"):
        live(DeepSpeedZeroOptimizer(), parts)
    folder = tmp_path / "checkpoint-3"
    models.save_checkpoint(model, folder, 3, None)
    (folder / "global_step3").mkdir()
    models.base().save_pretrained(tmp_path / "base")
    train = str(models.write(tmp_path / "train.jsonl", TRAIN))
    line = ["--adapter", str(folder), "--model", str(tmp_path / "base"), "--train", train, "-q", "--device", "cpu"]
    assert main(line) == 65


def test_other_optimizers_leave_columns_out() -> None:
    model = models.adapted(models.base())
    _, parts = factors(model)
    trained = [part.parameter for part in parts]
    optimizer = torch.optim.SGD(trained, lr=0.1, momentum=0.9)
    found = live(optimizer, parts)
    assert found.moments is None
    assert "has no moments of Adam's" in found.notes[0]
    optimizer.state[trained[0]] = {"state1": torch.zeros(1), "state2": torch.zeros(1)}
    assert "8 bits" in live(optimizer, parts).notes[0]


def test_stored_moments_are_matched(tmp_path: Path) -> None:
    model = models.adapted(models.base())
    moments = models.moments(model)
    models.save_checkpoint(model, tmp_path, 3, moments)
    _, parts = factors(model)
    found = stored(tmp_path / "optimizer.pt", parts)
    assert found.moments is not None
    for name, (m, v) in moments.items():
        assert torch.equal(found.moments[name][0], m)
        assert torch.equal(found.moments[name][1], v)
    with pytest.raises(clues.CluesError, match="not those of the adapter's"):
        stored(tmp_path / "optimizer.pt", parts[:-1])
    (tmp_path / "optimizer.pt").write_bytes(b"no optimizer")
    with pytest.raises(clues.CluesError, match="cannot be read"):
        stored(tmp_path / "optimizer.pt", parts)


def test_learning_rates() -> None:
    log = [{"step": s, "epoch": s / 4, "learning_rate": 0.1 * s} for s in range(1, 9)]
    mean, notes = learning_rate([*log, {"step": 8, "epoch": 2.0, "eval_loss": 1.0}], 8, 2.0, None)
    assert mean == pytest.approx(sum(0.1 * s for s in (5, 6, 7, 8)) / 4)
    assert notes == []
    assert learning_rate([*log, {"step": 8, "epoch": 2.0, "learning_rate": 0.0}], 8, 2.0, None)[0] != mean
    assert learning_rate(log, 2, 0.5, None)[0] == pytest.approx(0.15)
    assert learning_rate([], 2, 0.5, 0.3) == (0.3, learning_rate([], 2, 0.5, 0.3)[1])
    assert learning_rate([], 2, 0.5, None)[0] is None


# While training.


class Rows(Dataset):
    def __len__(self) -> int:
        return len(TRAIN)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return TRAIN[place]


def collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    longest = max(len(row["input_ids"]) for row in rows)
    padded = {"input_ids": 0, "labels": -100}
    batch = {
        key: torch.tensor([row[key] + [fill] * (longest - len(row[key])) for row in rows])
        for key, fill in padded.items()
    }
    return {**batch, "attention_mask": (batch["input_ids"] != 0).long()}


def trainer(folder: Path, callbacks: list[Any], **how: Any) -> Any:
    model = models.adapted(models.base(), random_b=False, lora_dropout=0.1)
    settings = {
        "max_steps": 8, "save_steps": 4, "logging_steps": 1, "per_device_train_batch_size": 4, "learning_rate": 5e-3,
        "report_to": [], "remove_unused_columns": False, "use_cpu": True, "disable_tqdm": True, "seed": 3, **how,
    }  # fmt: skip
    arguments = TrainingArguments(str(folder), **settings)
    torch.manual_seed(11)
    return Trainer(model, arguments, train_dataset=Rows(), data_collator=collate, callbacks=callbacks)


def told(trainer: Any) -> list[Any]:
    return [(e["step"], e["loss"], e["grad_norm"]) for e in trainer.state.log_history if "loss" in e]


def callback(**how: Any) -> CluesCapture:
    return CluesCapture(train=TRAIN, anchor=ANCHOR, validation=VALIDATION, domain="a", **how)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_callback_writes_what_the_command_does_and_disturbs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_it = trainer(tmp_path / "with", [callback(gradients=True)])
    with_it.train()
    without = trainer(tmp_path / "without", [])
    without.train()
    assert told(with_it) == told(without)
    for a, b in zip(with_it.model.parameters(), without.model.parameters(), strict=True):
        assert torch.equal(a, b)
    models.base().save_pretrained(tmp_path / "base")
    for name, rows in (("train", TRAIN), ("anchor", ANCHOR), *VALIDATION.items()):
        models.write(tmp_path / f"{name}.jsonl", rows)
    out = tmp_path / "later"
    line = ["--adapter", str(tmp_path / "with"), *options(tmp_path), "--domain", "a", "--gradients", "-o", str(out)]
    assert main(line) == 0, capsys.readouterr().err
    mine, later = ledger(tmp_path / "with"), ledger(out)
    assert len(mine) == len(later) == 26
    for row, due in zip(mine, later, strict=True):
        assert set(row) == set(due)
        close("callback", row, due, due["validation_norm"])
        assert row["learning_rate"] == pytest.approx(due["learning_rate"])
    assert (tmp_path / "with/samples.jsonl").read_text() == (out / "samples.jsonl").read_text()
    inspection = clues.inspect(tmp_path / "with")
    assert isinstance(inspection, documents.BundleInspection)
    assert inspection.ledger is not None
    assert inspection.ledger.checkpoints == [4, 8]
    # Scores from the ledger are those from plain gradient files of the same client.
    by_ledger = clues.score([tmp_path / "with"], scorer="clues", parameters={"preset": "reference"}).rows
    (tmp_path / "with/ledger.jsonl").unlink()
    by_files = clues.score([tmp_path / "with"], scorer="clues", parameters={"preset": "reference"}).rows
    for some, other in zip(by_ledger, by_files, strict=True):
        assert some.score == pytest.approx(other.score, rel=1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gradient_files_are_autograds(tmp_path: Path) -> None:
    trainer(tmp_path, [callback(gradients=True)], max_steps=4).train()
    folder = tmp_path / "checkpoint-4"
    model = peft.PeftModel.from_pretrained(models.base(), str(folder), is_trainable=True).eval()
    for name, rows in (("train", TRAIN), ("anchor", ANCHOR), ("validation.b", VALIDATION["b"])):
        found = load_file(folder / f"gradients/{name}.safetensors")
        for place, row in enumerate(rows):
            loss, due = models.gradients(model, row)
            assert float(found["loss"][place]) == pytest.approx(loss, rel=TOLERANCE)
            assert int(found["tokens"][place]) == sum(label != -100 for label in row["labels"][1:])
            for key, gradient in due.items():
                scale = float(gradient.abs().max())
                assert torch.allclose(found[key][place].double(), gradient, rtol=0, atol=TOLERANCE * scale), key


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_training_that_is_resumed_goes_on_with_its_evidence(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", [callback()])
    whole.train()
    trainer(tmp_path / "parted", [callback()]).train()
    steps = tmp_path / "parted/checkpoint-4"
    again = trainer(tmp_path / "parted", [callback()])
    again.train(resume_from_checkpoint=str(steps))
    assert [row["checkpoint"] for row in ledger(tmp_path / "parted")] == [4] * 13 + [8] * 13
    assert ledger(tmp_path / "parted")[:13] == ledger(tmp_path / "whole")[:13]
    with pytest.raises(clues.CluesError, match="exists already"):
        trainer(tmp_path / "parted", [callback()]).train()
    trainer(tmp_path / "parted", [callback(replace=True)], max_steps=4).train()
    assert {row["checkpoint"] for row in ledger(tmp_path / "parted")} == {4}
    other = CluesCapture(train=TRAIN[:5], validation=VALIDATION)
    with pytest.raises(clues.CluesError, match="of other samples"):
        trainer(tmp_path / "parted", [other]).train(resume_from_checkpoint=str(steps))


# Interruption, output, several processes.


@pytest.mark.parametrize("client", ["llama"], indirect=True)
def test_a_capture_goes_on_where_it_was(
    client: tuple[str, Path, Any, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, folder, _, _ = client
    import shutil

    out = tmp_path / "out"
    shutil.copytree(folder / "out", out)
    line = ["--adapter", str(out), *options(folder), "--json"]
    real, calls = checkpoint.lines, []

    def stop(*arguments: Any) -> list[str]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(capturing, "lines", stop)
    assert main(line) == 130
    assert not (out / "ledger.jsonl").exists()
    assert main(line) == 0, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["resumed"] == [5]
    assert len(calls) == 3
    names = ["checkpoint-10", "checkpoint-5", "ledger.jsonl", "samples.jsonl"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert main(line) == 73
    assert "--force" in capsys.readouterr().err
    assert main([*line, "--force"]) == 0
    fresh = tmp_path / "fresh"
    assert main([*line, "-o", str(fresh)]) == 0
    assert (fresh / "ledger.jsonl").read_text() == (out / "ledger.jsonl").read_text()


# Trains with the callback and without, then measures the checkpoints, in as many processes as it is started in.
_TOGETHER = """
import json, sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
from pathlib import Path
import torch
from clues.evidence.command import main
from tests.test_evidence import callback, told, trainer
torch.set_num_threads(1)
folder = Path(sys.argv[2])
for name, callbacks in (("with", [callback()]), ("without", [])):
    it = trainer(folder / name, callbacks, max_steps=4, per_device_train_batch_size=2)
    it.train()
    if it.args.process_index == 0:
        (folder / f"{name}.json").write_text(json.dumps(told(it)))
sys.exit(main(sys.argv[3:]))
"""


def test_two_processes_do_what_one_does(tmp_path: Path, repository: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_TOGETHER)
    models.base().save_pretrained(tmp_path / "base")
    for name, rows in (("train", TRAIN), ("anchor", ANCHOR), *VALIDATION.items()):
        models.write(tmp_path / f"{name}.jsonl", rows)
    line = ["--adapter", str(tmp_path / "with"), *options(tmp_path), "--domain", "a"]
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29612"]
    done = subprocess.run(
        [*run, str(script), str(repository / "Python"), str(tmp_path), *line, "-o", str(tmp_path / "two")],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "with.json").read_text() == (tmp_path / "without.json").read_text()
    assert main([*line, "-o", str(tmp_path / "one")]) == 0
    one = ledger(tmp_path / "one")
    for name in ("with", "two"):
        for row, due in zip(ledger(tmp_path / name), one, strict=True):
            assert (row["id"], row["checkpoint"]) == (due["id"], due["checkpoint"])
            close(f"two processes, {name}", row, due, due["validation_norm"])
    model = peft.PeftModel.from_pretrained(models.base(), str(tmp_path / "with/checkpoint-4"), is_trainable=True).eval()
    optimizer = stored(tmp_path / "with/checkpoint-4/optimizer.pt", factors(model)[1])
    rows, norms = expected(model, optimizer.moments or {})
    for row, due in zip(one, rows, strict=True):
        close("one process against autograd", row, due, norms)

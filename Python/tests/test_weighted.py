"""Models of PEFT as inputs, and what PEFT's own `add_weighted_adapter` makes of them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("peft")

import peft
import torch
from peft import LoraConfig

import clues

from . import models

TARGETS = ["q_proj", "v_proj"]


@pytest.fixture
def model() -> Any:
    tuned = models.adapted(models.base(), target_modules=TARGETS)
    for name, rank in (("one", 4), ("two", 4)):
        tuned.add_adapter(name, LoraConfig(r=rank, lora_alpha=8, target_modules=TARGETS, task_type="CAUSAL_LM"))
    torch.manual_seed(5)
    for name, parameter in tuned.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(std=0.3)
    return tuned


def deltas(model: Any, adapter: str) -> torch.Tensor:
    layers = [module for module in model.modules() if adapter in getattr(module, "lora_A", {})]
    return torch.cat([layer.get_delta_weight(adapter).detach().flatten() for layer in layers])


@pytest.mark.parametrize(
    "how",
    [
        {"combination_type": "linear"},
        {"combination_type": "cat"},
        {"combination_type": "ties", "density": 0.5},
        {"combination_type": "ties", "density": 0.5, "majority_sign_method": "frequency"},
        {"combination_type": "magnitude_prune", "density": 0.5},
        {"combination_type": "svd", "svd_rank": 8},
        {"combination_type": "ties_svd", "svd_rank": 4, "density": 0.5},
    ],
    ids=lambda how: str(how["combination_type"]),
)
@pytest.mark.filterwarnings("ignore::clues.CluesWarning")
def test_results_are_pefts(model: Any, how: dict[str, Any]) -> None:
    weights = [1.0, 1.0] if "svd" in how["combination_type"] else [0.7, 0.4]
    merged = clues.add_weighted_adapter(model, ["one", "two"], weights, "ours", **how)
    assert merged.record.merge is not None
    model.add_weighted_adapter(["one", "two"], weights, "theirs", **how)
    ours, theirs = deltas(model, "ours"), deltas(model, "theirs")
    if "svd" in how["combination_type"] and tuple(map(int, peft.__version__.split(".")[:2])) < (0, 21):
        # It has the scaling alpha/r twice.
        theirs = theirs / 2
    # A numerical decomposition of PEFT's in single precision has errors of its own.
    assert torch.linalg.vector_norm(ours - theirs) < 2e-4 * torch.linalg.vector_norm(theirs)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"combination_type": "tyes"}, "no combination_type 'tyes'"),
        ({"combination_type": "ties"}, "needs a density"),
        ({"combination_type": "linear", "density": 0.5}, "knows no density"),
        ({"svd_clamp": 0.9}, "svd_clamp"),
        ({"weights": [1.0]}, "1 weights for 2 adapters"),
        ({"adapter_name": "one"}, "has an adapter 'one' already"),
        ({"adapters": ["one", "three"]}, "has no adapter 'three'"),
    ],
)
def test_what_peft_would_pass_over_is_refused(model: Any, how: dict[str, Any], words: str) -> None:
    arguments = {"adapters": ["one", "two"], "weights": [1.0, 1.0], "adapter_name": "ours", **how}
    with pytest.raises(clues.CluesError, match=words):
        clues.add_weighted_adapter(model, **arguments)


def test_models_are_inputs(model: Any, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "saved")
    clues.merge([(model, "one"), (model, "two"), model], method="average", out=tmp_path / "ours", weights=[1, 2, 3])
    paths = [tmp_path / "saved/one", tmp_path / "saved/two", tmp_path / "saved"]
    named = clues.merge(
        paths, method="average", out=tmp_path / "theirs", weights=[1, 2, 3], clients=["one", "two", "default"]
    )
    assert [client.name for client in named.record.clients] == ["default", "one", "two"]
    some, other = (tmp_path / name / "adapter_model.safetensors" for name in ("ours", "theirs"))
    assert some.read_bytes() == other.read_bytes()
    inspection = clues.inspect((model, "two"))
    assert isinstance(inspection, clues.documents.BundleInspection)
    assert inspection.client == "two"
    # Two models may have adapters of one name.
    twice = clues.merge([model, model], method="average", out=tmp_path / "twice")
    assert [client.name for client in twice.record.clients] == ["default", "default-2"]


def test_what_is_no_input_is_told(model: Any, tmp_path: Path) -> None:
    with pytest.raises(clues.CluesError, match="input 1 is of the type int"):
        clues.merge([3], method="average", out=tmp_path / "out")
    with pytest.raises(clues.CluesError, match="no adapter 'zz'"):
        clues.merge([(model, "zz")], method="average", out=tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.base_model.set_adapter(["one", "two"])
    with pytest.raises(clues.CluesError, match="2 active adapters: one, two"):
        clues.merge([model], method="average", out=tmp_path / "out")

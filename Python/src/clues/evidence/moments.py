"""Adam's moments and the learning rate of a checkpoint: from the live optimizer and log, or from their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..errors import CluesError
from .hooks import Factor
from .measurement import BETA1, BETA2, EPSILON, Moments


@dataclass
class OptimizerFacts:
    """What a ledger needs of an optimizer."""

    #: ``None`` where it has none that are Adam's.
    moments: Moments | None
    #: The rate of the next step.
    learning_rate: float | None
    notes: list[str] = field(default_factory=list)


_LEFT_OUT = "so the columns adam_… and reference_… are left out"


def live(optimizer: Any, parts: Sequence[Factor]) -> OptimizerFacts:
    """Of an optimizer that is at work: whose moments are whose, the parameters themselves say.

    :raises CluesError: where its state is in pieces.
    """
    # accelerate wraps it, and others may as well.
    while hasattr(optimizer, "optimizer") and not hasattr(optimizer, "state"):
        optimizer = optimizer.optimizer
    inner = getattr(optimizer, "optimizer", optimizer)
    name = type(inner).__name__
    if "DeepSpeed" in name or "ZeRO" in name or "Zero" in name:
        raise _sharded(name)
    groups = inner.param_groups
    notes = _notes(groups)
    rates = {float(group["lr"]) for group in groups if group["params"]}
    rate = rates.pop() if len(rates) == 1 else None
    moments: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for part in parts:
        state = inner.state.get(part.parameter, {})
        if (fault := _fault(state)) is not None:
            return OptimizerFacts(None, rate, [f"the optimizer {name} {fault}, {_LEFT_OUT}"])
        moments[part.name] = (_whole(state["exp_avg"]), _whole(state["exp_avg_sq"]))
    return OptimizerFacts(moments, rate, notes)


def stored(path: Path, parts: Sequence[Factor]) -> OptimizerFacts:
    """Of an ``optimizer.pt``, which is read without carrying out what is in it.

    Its parameters are numbered in the order in which the Trainer handed them over, which is that of the model.
    """
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CluesError(f"cannot be read: {str(error).splitlines()[0]}", kind="badData", file=str(path)) from None
    if not (isinstance(value, Mapping) and "state" in value and "param_groups" in value):
        raise CluesError("is no state of an optimizer", kind="badData", file=str(path))
    groups = [group for group in value["param_groups"] if group["params"]]
    rates = {float(group["lr"]) for group in groups}
    rate = rates.pop() if len(rates) == 1 else None
    states = [value["state"].get(number, {}) for group in groups for number in group["params"]]
    if (fault := next((fault for state in states if (fault := _fault(state)) is not None), None)) is not None:
        return OptimizerFacts(None, rate, [f"{path.name} {fault}, {_LEFT_OUT}"])
    pairs = [(_whole(state["exp_avg"]), _whole(state["exp_avg_sq"])) for state in states]
    names = [name for group in groups for name in group.get("param_names") or ()]
    order = _by_name(names, parts) if len(names) == len(pairs) else list(parts)
    fits = len(pairs) == len(order) and len(groups) == 1
    if not (fits and all(m.shape == part.parameter.shape for (m, _), part in zip(pairs, order, strict=True))):
        raise CluesError(
            f"holds the moments of {len(pairs)} parameters in {len(groups)} groups, which are not those of the "
            f"adapter's {len(parts)} in their order",
            kind="badData", file=str(path),
            advice="capture while training, with CluesCapture; or leave the file away, and the columns that need it",
        )  # fmt: skip
    return OptimizerFacts({p.name: pair for p, pair in zip(order, pairs, strict=True)}, rate, _notes(groups))


def _by_name(names: Sequence[str], parts: Sequence[Factor]) -> list[Factor]:
    def bare(name: str) -> str:
        words = name.split(".")
        # The adapter's own name stands behind lora_A and lora_B.
        return ".".join(w for i, w in enumerate(words) if not (i and words[i - 1] in ("lora_A", "lora_B") and w != "weight"))  # fmt: skip  # noqa: E501

    known = {part.name: part for part in parts}
    return [known[bare(name)] for name in names if bare(name) in known]


def _fault(state: Mapping[str, Any]) -> str | None:
    if "exp_avg" in state and "exp_avg_sq" in state:
        return None
    if "state1" in state:
        return "keeps its moments in 8 bits"
    return "has no moments of Adam's"


def _whole(tensor: torch.Tensor) -> torch.Tensor:
    if hasattr(tensor, "placements") or "Sharded" in type(tensor).__name__:
        raise _sharded(type(tensor).__name__)
    return tensor


def _sharded(name: str) -> CluesError:
    return CluesError(
        f"the optimizer's state is in pieces ({name})",
        advice="train with data parallelism alone, or measure the checkpoints afterwards without moments",
    )


def _notes(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    for group in groups:
        betas, epsilon = group.get("betas"), group.get("eps")
        if betas is not None and (tuple(betas) != (BETA1, BETA2) or epsilon != EPSILON):
            return [
                f"was trained with betas {betas[0]} and {betas[1]} and eps {epsilon}; a ledger's columns are those of "
                f"{BETA1}, {BETA2} and {EPSILON}"
            ]
    return []


def learning_rate(
    log: Sequence[Mapping[str, Any]], step: int, epoch: float | None, optimizer: float | None
) -> tuple[float | None, list[str]]:
    """The mean rate of what was logged in the last epoch before a checkpoint, else the optimizer's."""
    latest: dict[int, tuple[float | None, float]] = {}
    for entry in log:
        rate = entry.get("learning_rate")
        at = int(entry.get("step", step))
        if rate is not None and at <= step:
            # A resumed run logs its first steps again; what was logged last is what happened.
            latest[at] = (entry.get("epoch"), float(rate))
    if not latest:
        if optimizer is None:
            return None, ["no learning rate is known, so scorers that weight checkpoints cannot read it"]
        return optimizer, ["no learning rate was logged, so it is the optimizer's, which is that of the next step"]
    last = max(latest)
    until = epoch if epoch is not None else latest[last][0]
    notes = []
    rates = [] if until is None else [r for _, (e, r) in sorted(latest.items()) if e is not None and e > until - 1]
    if not rates:
        rates = [latest[last][1]]
        notes.append(f"no learning rate was logged in the last epoch, so it is that of step {last} alone")
    mean = sum(rates) / len(rates)
    if mean == 0:
        notes.append("the learning rate is 0, so a checkpoint that is weighted with it counts for nothing")
    return mean, notes


def trainer_state(path: Path) -> tuple[int | None, float | None, list[Mapping[str, Any]]]:
    """Step, epoch and log of a ``trainer_state.json``."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        log = value.get("log_history", [])
        return value.get("global_step"), value.get("epoch"), [entry for entry in log if isinstance(entry, Mapping)]
    except (ValueError, AttributeError) as error:
        raise CluesError(f"is no state of a Trainer: {error}", kind="badData", file=str(path)) from None

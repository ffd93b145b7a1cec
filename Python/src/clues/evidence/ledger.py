"""Writes `samples.jsonl`, `ledger.jsonl` and gradients; every file appears whole."""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import CluesError
from .hooks import Factor
from .measurement import Keep, Loss, Row, Target, Update
from .tokens import Sample, Samples

LEDGER, SAMPLES = "ledger.jsonl", "samples.jsonl"


def sample_lines(samples: Samples) -> list[str]:
    """The lines of `samples.jsonl`."""
    lines = []
    for sample in samples.all:
        row: dict[str, Any] = {"id": sample.id, "split": sample.split}
        if sample.domain is not None:
            row["domain"] = sample.domain
        if sample.fault is not None:
            row["unscored"] = sample.fault
        lines.append(_line(row))
    return lines


def ledger_line(
    step: int, rate: float | None, sample: Sample, row: Row | None, target: Target,
    base: tuple[Loss | None, Loss | None], has_moments: bool,
) -> str:  # fmt: skip
    """A line of `ledger.jsonl`. What is no number is null: the sample is unscored then, and never counts as 0."""
    if row is not None and not row.is_finite:
        row = None
    domains = list(target.norms)
    line: dict[str, Any] = {"checkpoint": step}
    if rate is not None:
        line["learning_rate"] = rate
    line |= {"split": sample.split, "id": sample.id}
    if sample.domain is not None:
        line["domain"] = sample.domain
    line["tokens"] = row.loss.tokens if row is not None else 0
    line["loss"] = row.loss.value if row is not None else None

    def put(norm: str, dot: str, update: Update | None) -> None:
        line[norm] = update.norm if update is not None else None
        if domains:
            line[dot] = dict(zip(domains, update.dots if update is not None else [None] * len(domains), strict=True))

    put("gradient_norm", "dot", row.gradient if row is not None else None)
    if has_moments:
        put("adam_norm", "adam_dot", row.adam if row is not None else None)
        put("reference_norm", "reference_dot", row.reference if row is not None else None)
    if domains:
        line["validation_norm"] = target.norms
    line["base_loss"] = base[0].finite if base[0] is not None else None
    line["base_loss_without_prompt"] = base[1].finite if base[1] is not None else None
    return _line(line)


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A draft that becomes the file once all is written, and is gone if that fails."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise CluesError(f"cannot be written: {error.strerror}", kind="cannotWrite", file=str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes a file of lines."""
    with whole(path) as draft:
        draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_lines(path: Path) -> list[str]:
    """The lines of a file; none where it is not there."""
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


class GradientFile:
    """A safetensors file with a tensor for each factor, the sample as its first axis, written as gradients come."""

    def __init__(self, path: Path, parts: Sequence[Factor], samples: int) -> None:
        self._path = path
        self._stack = contextlib.ExitStack()
        self._draft = self._stack.enter_context(whole(path))
        entries = [(part.name, "F32", [samples, *part.shape], 4) for part in parts]
        entries += [("loss", "F32", [samples], 4), ("tokens", "I64", [samples], 8)]
        # Eight bytes wide first: every tensor lies where its type wants it to.
        entries.sort(key=lambda entry: -entry[3])
        header: dict[str, Any] = {}
        end = 0
        for name, dtype, shape, width in entries:
            size = math.prod(shape) * width
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with self._draft.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + end)
        start = 8 + len(text)
        kinds = {"F32": np.float32, "I64": np.int64}
        self._arrays = {
            name: np.memmap(self._draft, kinds[dtype], "r+", start + header[name]["data_offsets"][0], tuple(shape))
            for name, dtype, shape, _ in entries
            if math.prod(shape)
        }

    def keep(self, first: int = 0, last: int | None = None) -> Keep:
        """Takes the gradients of the samples whose places are from `first` to before `last`."""

        def take(name: str, places: Sequence[int], gradients: torch.Tensor) -> None:
            values = gradients.detach().cpu().numpy()
            for place, value in zip(places, values, strict=True):
                if first <= place and (last is None or place < last):
                    self._arrays[name][place - first] = value

        return take

    def finish(self, losses: Sequence[Loss | None]) -> None:
        """Writes losses and lengths, and gives the file its name."""
        for place, loss in enumerate(losses):
            self._arrays["loss"][place] = math.nan if loss is None else loss.value
            self._arrays["tokens"][place] = 0 if loss is None else loss.tokens
        for array in self._arrays.values():
            array.flush()
        self._arrays.clear()
        self._stack.close()

    def abandon(self, error: BaseException) -> None:
        """Takes the draft away."""
        self._arrays.clear()
        self._stack.__exit__(type(error), error, error.__traceback__)

"""Evidence that is measured while a model is trained."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from ..errors import CluesError, CluesWarning
from .checkpoint import BaseLosses, Checkpoint, lines
from .hooks import unwrapped
from .ledger import LEDGER, SAMPLES, read_lines, sample_lines, write_lines
from .measurement import Measurement
from .moments import learning_rate, live
from .processes import Processes
from .samples import Span
from .tokens import Model, Reading, Source


class CluesCapture(TrainerCallback):
    """Measures the samples whenever the Trainer saves, and keeps the evidence in its output folder.

    Training goes on as it would without: weights, moments, random numbers and modes are left as they are.

    :param train: The training samples: a file, or rows in one of the forms of ``Documentation/Evidence.md``.
    :param anchor: Samples that are known to be good.
    :param validation: The samples that others are compared with, by domain.
    :param domain: The client's own domain; by default the only validation set's.
    :param tokenizer: What samples of text need; by default the Trainer's ``processing_class``.
    :param gradients: Whether the gradients themselves are written, too.
    :param replace: Whether evidence of an earlier training may be replaced.
    """

    def __init__(
        self,
        *,
        train: Source,
        anchor: Source | None = None,
        validation: Mapping[str, Source] | None = None,
        domain: str | None = None,
        tokenizer: Any = None,
        template: str | None = None,
        loss: Span = "answer",
        score_loss: Span | None = None,
        max_length: int | None = None,
        gradients: bool = False,
        batch_tokens: int = 1024,
        autocast: torch.dtype | None = None,
        replace: bool = False,
    ) -> None:
        self._sources = (train, anchor, dict(validation or {}))
        self._domain = domain
        self._tokenizer = tokenizer
        self._how = {"template": template, "loss": loss, "score_loss": score_loss, "max_length": max_length}
        self._gradients = gradients
        self._batch_tokens = batch_tokens
        self._autocast = autocast
        self._replace = replace
        self._measurement: Measurement | None = None
        self._base: BaseLosses | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        """Reads the samples, and refuses what cannot be measured before anything is trained."""
        processes = Processes()
        folder = Path(args.output_dir)
        model = unwrapped(model)
        tokenizer = self._tokenizer or more.get("processing_class") or more.get("tokenizer")
        samples = Reading(tokenizer, facts(model), **self._how).samples(  # type: ignore[arg-type]
            *self._sources, own_domain(self._domain, self._sources[2], folder.name)
        )
        self._measurement = Measurement(
            model, samples, batch_tokens=self._batch_tokens, autocast=self._autocast, processes=processes
        )
        self._base = None
        processes.together(lambda: self._begin(folder, state.global_step) if processes.is_first else None)
        _warn(samples.notes, processes)

    def _begin(self, folder: Path, step: int) -> None:
        assert self._measurement is not None
        table = sample_lines(self._measurement.samples)
        there = [name for name in (SAMPLES, LEDGER) if (folder / name).exists()]
        kept: list[str] = []
        if step and there:
            # A training that is resumed goes on with its evidence; what was saved after the step is trained anew.
            if read_lines(folder / SAMPLES) != table:
                raise CluesError(
                    "is of other samples, and training is resumed", kind="cannotWrite", file=str(folder / SAMPLES),
                    advice="capture the same samples, or move the evidence away",
                )  # fmt: skip
            kept = [line for line in read_lines(folder / LEDGER) if json.loads(line)["checkpoint"] <= step]
        elif there and not self._replace:
            raise CluesError(
                "the evidence exists already", kind="cannotWrite", file=str(folder / there[0]),
                advice="train into a new folder, or say replace=True",
            )  # fmt: skip
        write_lines(folder / SAMPLES, table)
        write_lines(folder / LEDGER, kept)

    def on_save(self, args: Any, state: Any, control: Any, optimizer: Any = None, **more: Any) -> None:
        """Measures the samples."""
        measurement = self._measurement
        if measurement is None:
            raise CluesError("the callback was added after training had begun", advice="hand it to the Trainer")
        processes, folder, step = measurement.processes, Path(args.output_dir), int(state.global_step)
        facts = processes.together(lambda: live(optimizer, measurement.factors))
        rate, notes = learning_rate(state.log_history, step, state.epoch, facts.learning_rate)
        if self._base is None:
            self._base = measurement.base_losses()
        gradients = folder / f"checkpoint-{step}" / "gradients" if self._gradients else None
        found = lines(measurement, Checkpoint(step, rate, facts), self._base, gradients)

        def write() -> None:
            # A step that is saved twice is measured twice, and the last time counts.
            before = [line for line in read_lines(folder / LEDGER) if json.loads(line)["checkpoint"] != step]
            write_lines(folder / LEDGER, [*before, *found])

        processes.together(lambda: write() if processes.is_first else None)
        _warn([f"checkpoint {step}: {note}" for note in [*facts.notes, *notes]], processes)


def facts(model: Any) -> Model:
    """What has to be known of a model to encode samples for it."""
    config = model.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    return Model(model.get_input_embeddings().weight.shape[0], getattr(text, "max_position_embeddings", None))


def own_domain(named: str | None, validation: Mapping[str, Any], client: str) -> str | None:
    """The client's own domain: what the user says, else the one that its name or its validation leave open."""
    if named is not None or client in validation:
        return named or client
    return next(iter(validation)) if len(validation) == 1 else None


def _warn(notes: list[str], processes: Processes) -> None:
    if processes.is_first:
        for note in notes:
            warnings.warn(note, CluesWarning, stacklevel=3)

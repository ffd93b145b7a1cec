"""The evidence of one checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import CluesError
from .ledger import GradientFile, ledger_line
from .measurement import Keep, Loss, Measurement, Row, Target
from .moments import OptimizerFacts

BaseLosses = list[tuple[Loss | None, Loss | None]]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint brings beside its adapter."""

    step: int
    learning_rate: float | None
    optimizer: OptimizerFacts | None

    @property
    def has_moments(self) -> bool:
        """Whether the columns of Adam can be measured."""
        return self.optimizer is not None and self.optimizer.moments is not None


def lines(
    measurement: Measurement, checkpoint: Checkpoint, base: BaseLosses, gradients: Path | None = None
) -> list[str]:
    """The lines of the ledger; of all processes' samples, in every process.

    :param gradients: The folder for the gradients themselves, of which one process has all.
    :raises CluesError: where nothing has a finite loss.
    """
    files = _Files(measurement, gradients) if gradients is not None else None
    moments = checkpoint.optimizer.moments if checkpoint.optimizer is not None else None
    try:
        rows, target = measurement.rows(moments, files.keep if files is not None else None)
        if files is not None:
            files.finish(rows)
    except BaseException as error:
        if files is not None:
            files.abandon(error)
        raise
    if not any(row is not None and row.is_finite for row in rows):
        raise CluesError(
            f"no sample has a finite loss at step {checkpoint.step}", kind="badData",
            advice="leave the checkpoint out, or use an earlier one",
        )  # fmt: skip
    return _written(measurement, checkpoint, base, rows, target)


def _written(
    measurement: Measurement, checkpoint: Checkpoint, base: BaseLosses, rows: list[Row | None], target: Target
) -> list[str]:
    scored = measurement.samples.scored
    return [
        ledger_line(
            checkpoint.step, checkpoint.learning_rate, sample, row, target, losses, checkpoint.has_moments
        )
        for sample, row, losses in zip(scored, rows, base, strict=True)
    ]  # fmt: skip


class _Files:
    """The files of gradients: of training samples, of anchors, and of each validation set."""

    def __init__(self, measurement: Measurement, folder: Path) -> None:
        if measurement.processes.count > 1:
            raise CluesError(
                "gradients themselves are written by one process alone, and several are at work",
                advice="capture without gradients, or from the checkpoints with one process",
            )
        samples, parts = measurement.samples, measurement.factors
        self._measurement = measurement
        self._trained = sum(sample.split == "train" for sample in samples.scored)
        self._train = GradientFile(folder / "train.safetensors", parts, self._trained)
        anchors = len(samples.scored) - self._trained
        self._anchor = GradientFile(folder / "anchor.safetensors", parts, anchors) if anchors else None
        self._validation = {
            domain: GradientFile(folder / f"validation.{domain}.safetensors", parts, len(of_domain))
            for domain, of_domain in samples.validation.items()
        }
        train = self._train.keep(0, self._trained)
        anchor = self._anchor.keep(self._trained) if self._anchor is not None else None
        self._losses: dict[str, dict[int, Loss]] = {}

        def scored(name: str, places: object, gradients: object) -> None:
            train(name, places, gradients)  # type: ignore[arg-type]
            if anchor is not None:
                anchor(name, places, gradients)  # type: ignore[arg-type]

        self.keep: Mapping[str, Keep] = {
            "scored": scored,
            **{f"validation.{domain}": file.keep() for domain, file in self._validation.items()},
        }

    def finish(self, rows: list[Row | None]) -> None:
        losses = [row.loss if row is not None else None for row in rows]
        self._train.finish(losses[: self._trained])
        if self._anchor is not None:
            self._anchor.finish(losses[self._trained :])
        for domain, file in self._validation.items():
            file.finish(self._measurement.validation_losses[domain])

    def abandon(self, error: BaseException) -> None:
        for file in (self._train, self._anchor, *self._validation.values()):
            if file is not None:
                file.abandon(error)

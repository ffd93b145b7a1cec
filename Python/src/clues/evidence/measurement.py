"""Measures samples with a model: losses, and the sums over gradients that a ledger holds."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..errors import CluesError
from .hooks import Factor, PerSample, factors, frozen
from .processes import Processes
from .samples import UNLEARNED
from .tokens import Encoded, Sample, Samples

# What a ledger is defined with, whatever training had.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

#: First and second moments by the names of factors.
Moments = Mapping[str, tuple[torch.Tensor, torch.Tensor]]
#: Takes the gradients of a factor, the places of their samples, and the factor's name.
Keep = Callable[[str, Sequence[int], torch.Tensor], None]


@dataclass(frozen=True)
class Loss:
    """A mean loss and how many tokens it is over."""

    value: float
    tokens: int

    @property
    def finite(self) -> float | None:
        """The loss, if it is a number."""
        return self.value if math.isfinite(self.value) else None


@dataclass(frozen=True)
class Update:
    """A gradient in a ledger: its norm and its products with the mean validation gradients."""

    norm: float
    dots: tuple[float, ...]


@dataclass(frozen=True)
class Row:
    """What one checkpoint's model makes of a sample."""

    loss: Loss
    gradient: Update
    adam: Update | None
    reference: Update | None

    @property
    def is_finite(self) -> bool:
        """Whether all of it are numbers."""
        updates = [update for update in (self.gradient, self.adam, self.reference) if update is not None]
        values = [self.loss.value, *(value for update in updates for value in (update.norm, *update.dots))]
        return all(map(math.isfinite, values))


@dataclass
class Target:
    """The mean gradients of validation sets: of every factor a matrix with a column for each domain."""

    columns: dict[str, torch.Tensor] = field(default_factory=dict)
    norms: dict[str, float] = field(default_factory=dict)


@dataclass
class Measurement:
    """A model that is to measure samples."""

    model: Any
    samples: Samples
    adapter: str | None = None
    #: At most so many tokens are in a batch, padding included.
    batch_tokens: int = 1024
    #: The type of autocast; without it numbers are of the types that the model's parameters have.
    autocast: torch.dtype | None = None
    processes: Processes = field(default_factory=Processes)
    #: Told how many samples were measured.
    advance: Callable[[int], None] = lambda count: None

    def __post_init__(self) -> None:
        self.adapter, self.factors = factors(self.model, self.adapter)
        self.device = self.model.get_input_embeddings().weight.device
        head = self.model.get_output_embeddings() if hasattr(self.model, "get_output_embeddings") else None
        # Where the head is adapted, every row of it must be told apart by sample.
        is_adapted = any(factor.module in set(head.modules()) for factor in self.factors) if head is not None else True
        self._head = None if is_adapted else head
        self._wanted: torch.Tensor | None = None
        #: The losses of validation samples by domain, in order; of this process alone.
        self.validation_losses: dict[str, list[Loss | None]] = {}

    # What is asked.

    def base_losses(self) -> list[tuple[Loss | None, Loss | None]]:
        """Of every scored sample the loss of the untuned model, with its prompt and without."""
        scored = self.samples.scored
        places = [place for place, sample in enumerate(scored) if sample.fault is None]
        bare = [place for place in places if scored[place].bare is not None and _counts(scored[place].bare)]
        with torch.no_grad(), self._measuring(), self.model.disable_adapter():
            with_prompt = self._losses({place: scored[place].measured for place in places}, tells=True)
            without = self._losses({place: b for place in bare if (b := scored[place].bare) is not None})
        return [(with_prompt.get(place), without.get(place)) for place in range(len(scored))]

    def rows(self, moments: Moments | None, keep: Mapping[str, Keep] | None = None) -> tuple[list[Row | None], Target]:
        """The rows of all scored samples at the model's present state, and the validation sets' mean gradients.

        :param keep: What takes gradients themselves: those of `scored`, and of domains as `validation.DOMAIN`.
        """
        keep = keep or {}
        hooks = PerSample(self.factors)
        try:
            with self._measuring():
                target = self._target(hooks, keep)
                rows = self._rows(hooks, moments, target, keep.get("scored"))
        finally:
            hooks.close()
        return rows, target

    # How it is done.

    @contextlib.contextmanager
    def _measuring(self) -> Iterator[None]:
        devices = [self.device] if self.device.type == "cuda" else []
        with contextlib.ExitStack() as stack:
            # Random numbers are training's own.
            stack.enter_context(torch.random.fork_rng(devices=devices))
            stack.enter_context(frozen(self.model))
            stack.enter_context(torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None))
            if self._head is not None:
                handle = self._head.register_forward_pre_hook(self._select)
                stack.callback(handle.remove)
            yield

    def _select(self, module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Gives the head only the rows that are to be told; what models do to logits, they do to each by itself."""
        if self._wanted is None:
            return None
        hidden = inputs[0] if inputs else torch.empty(0)
        if hidden.shape[:2] != self._wanted.shape:
            raise CluesError(
                f"{type(self.model).__name__} gives its head {tuple(hidden.shape)} instead of a row for each token",
                kind="badData",
            )
        return (hidden[self._wanted].unsqueeze(0), *inputs[1:])

    def _forward(self, batch: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
        """The samples' mean losses, and how many tokens they are over."""
        length = max(len(sample.ids) for sample in batch)
        ids = torch.zeros(len(batch), length, dtype=torch.long)
        labels = torch.full((len(batch), length), UNLEARNED)
        mask = torch.zeros(len(batch), length, dtype=torch.long)
        for place, sample in enumerate(batch):
            size = len(sample.ids)
            ids[place, :size] = torch.tensor(sample.ids)
            labels[place, :size] = torch.tensor(sample.labels)
            mask[place, :size] = 1
        ids, labels, mask = (tensor.to(self.device) for tensor in (ids, labels, mask))
        # A token is told from those before it.
        due = torch.full_like(labels, UNLEARNED)
        due[:, :-1] = labels[:, 1:]
        wanted = due != UNLEARNED
        self._wanted = wanted if self._head is not None else None
        try:
            logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        finally:
            self._wanted = None
        logits = logits.squeeze(0) if self._head is not None else logits[wanted]
        entropies = torch.nn.functional.cross_entropy(logits.float(), due[wanted], reduction="none")
        counts = wanted.sum(1)
        rows = torch.arange(len(batch), device=self.device).repeat_interleave(counts)
        sums = torch.zeros(len(batch), device=self.device).index_add(0, rows, entropies)
        return sums / counts, counts

    def _losses(self, encoded: Mapping[int, Encoded], tells: bool = False) -> dict[int, Loss]:
        """The losses of samples by their places, shared out among the processes."""

        def work() -> list[tuple[int, Loss]]:
            found = []
            for places in self.processes.share(self._batches(encoded)):
                values, counts = self._forward([encoded[place] for place in places])
                losses = map(Loss, values.double().tolist(), counts.tolist())
                found += list(zip(places, losses, strict=True))
                if tells:
                    self.advance(len(places))
            return found

        return dict(self.processes.gather(self.processes.together(work)))

    def _batches(self, encoded: Mapping[int, Encoded]) -> list[list[int]]:
        """By length, so that there is little padding."""
        batches: list[list[int]] = []
        longest = 0
        for place in sorted(encoded, key=lambda place: (-len(encoded[place].ids), place)):
            if batches and (len(batches[-1]) + 1) * longest <= self.batch_tokens:
                batches[-1].append(place)
            else:
                longest = len(encoded[place].ids)
                batches.append([place])
        return batches

    def _backward(
        self, hooks: PerSample, batch: Sequence[Encoded], sink: Callable[[str, torch.Tensor], None]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with hooks.into(sink), torch.enable_grad():
            losses, counts = self._forward(batch)
            losses.nansum().backward()
        return losses.detach(), counts

    def _target(self, hooks: PerSample, keep: Mapping[str, Keep]) -> Target:
        target = Target()
        domains = list(self.samples.validation)
        if not domains:
            return target
        means = {
            factor.name: torch.zeros(factor.parameter.numel(), len(domains), device=self.device)
            for factor in self.factors
        }

        def work() -> None:
            for column, domain in enumerate(domains):
                self._add(hooks, domain, column, means, keep.get(f"validation.{domain}"))

        self.processes.together(work)
        squares = torch.zeros(len(domains), dtype=torch.float64)
        for mean in means.values():
            self.processes.sum(mean)
            squares += mean.cpu().double().square().sum(0)
        target.columns = means
        target.norms = dict(zip(domains, squares.sqrt().tolist(), strict=True))
        for domain, norm in target.norms.items():
            if not math.isfinite(norm):
                raise CluesError(f"the mean gradient of the validation set '{domain}' is no number", kind="badData")
        return target

    def _add(
        self, hooks: PerSample, domain: str, column: int, means: Mapping[str, torch.Tensor], keep: Keep | None
    ) -> None:
        samples = self.samples.validation[domain]
        learned = {place: sample.learned for place, sample in enumerate(samples)}
        told: list[Loss | None] = [None] * len(samples)
        self.validation_losses[domain] = told
        for places in self.processes.share(self._batches(learned)):

            def sink(name: str, gradients: torch.Tensor, places: Sequence[int] = places) -> None:
                means[name][:, column] += gradients.flatten(1).sum(0) / len(samples)
                if keep is not None:
                    keep(name, places, gradients)

            losses, counts = self._backward(hooks, [learned[place] for place in places], sink)
            for place, loss, count in zip(places, losses.tolist(), counts.tolist(), strict=True):
                if not math.isfinite(loss):
                    raise _unmeasured(samples[place])
                told[place] = Loss(loss, count)
            self.advance(len(places))

    def _rows(self, hooks: PerSample, moments: Moments | None, target: Target, keep: Keep | None) -> list[Row | None]:
        scored = self.samples.scored
        learned = {place: sample.learned for place, sample in enumerate(scored) if sample.fault is None}
        device_moments = None if moments is None else _on(self.device, moments, self.factors)

        def work() -> list[tuple[int, Row]]:
            found = []
            for places in self.processes.share(self._batches(learned)):
                sums = _Sums(len(places), self.device, device_moments, target)

                def sink(
                    name: str, gradients: torch.Tensor, places: Sequence[int] = places, sums: _Sums = sums
                ) -> None:
                    sums.take(name, gradients.flatten(1))
                    if keep is not None:
                        keep(name, places, gradients)

                losses, counts = self._backward(hooks, [learned[place] for place in places], sink)
                values = list(map(Loss, losses.double().tolist(), counts.tolist()))
                found += list(zip(places, sums.rows(values), strict=True))
                self.advance(len(places))
            return found

        rows = dict(self.processes.gather(self.processes.together(work)))
        if any(scored[place].measured != scored[place].learned for place in learned):
            with torch.no_grad():
                others = self._losses({place: scored[place].measured for place in learned})
            rows = {place: Row(others[place], row.gradient, row.adam, row.reference) for place, row in rows.items()}
        return [rows.get(place) for place in range(len(scored))]


class _Sums:
    """What a ledger says of the gradients of a batch, added up factor by factor."""

    def __init__(self, count: int, device: torch.device, moments: Moments | None, target: Target) -> None:
        # What is small here cancels, so it is summed in double precision where the device has it.
        dtype = torch.float32 if device.type == "mps" else torch.float64
        kinds = ("gradient",) if moments is None else ("gradient", "adam", "reference")
        self._moments, self._target = moments, target
        self._squares = {kind: torch.zeros(count, dtype=dtype, device=device) for kind in kinds}
        self._dots = {kind: torch.zeros(count, len(target.norms), dtype=dtype, device=device) for kind in kinds}

    def take(self, name: str, G: torch.Tensor) -> None:
        self._add("gradient", name, G)
        if self._moments is None:
            return
        m, v = self._moments[name]
        scale = torch.addcmul(BETA2 * v + EPSILON, G, G, value=1 - BETA2).rsqrt_()
        self._add("adam", name, G * scale)
        self._add("reference", name, torch.add(BETA1 * m, G, alpha=1 - BETA1).mul_(scale))

    def _add(self, kind: str, name: str, X: torch.Tensor) -> None:
        self._squares[kind] += torch.linalg.vector_norm(X, dim=1).to(self._squares[kind].dtype).square()
        if self._target.norms:
            self._dots[kind] += X @ self._target.columns[name]

    def rows(self, losses: Sequence[Loss]) -> list[Row]:
        updates = {
            kind: [
                Update(norm, tuple(dots))
                for norm, dots in zip(squares.sqrt().tolist(), self._dots[kind].tolist(), strict=True)
            ]
            for kind, squares in self._squares.items()
        }
        return [
            Row(
                loss,
                updates["gradient"][place],
                updates["adam"][place] if "adam" in updates else None,
                updates["reference"][place] if "reference" in updates else None,
            )
            for place, loss in enumerate(losses)
        ]


def _on(device: torch.device, moments: Moments, parts: Sequence[Factor]) -> Moments:
    found = {}
    for part in parts:
        if part.name not in moments:
            raise CluesError("has no moments in the optimizer's state", kind="badData", tensor=part.name)
        m, v = (tensor.detach().to(device=device, dtype=torch.float32).flatten() for tensor in moments[part.name])
        if m.numel() != part.parameter.numel() or v.numel() != part.parameter.numel():
            raise CluesError("has moments of another shape", kind="badData", tensor=part.name)
        if not bool(torch.isfinite(m).all() and torch.isfinite(v).all() and (v >= 0).all()):
            raise CluesError("has moments that are no numbers of Adam's", kind="badData", tensor=part.name)
        found[part.name] = (m, v)
    return found


def _counts(encoded: Encoded | None) -> bool:
    return encoded is not None and encoded.counted > 0


def _unmeasured(sample: Sample) -> CluesError:
    return CluesError(
        "has a validation sample that cannot be measured: its loss is no number", kind="badData", file=sample.file,
        line=sample.line, column=1, advice="leave it out: all others are compared with the mean of these",
    )  # fmt: skip

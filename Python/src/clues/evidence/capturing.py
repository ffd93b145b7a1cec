"""What `clues-capture` does."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

from .._version import __version__
from ..errors import CluesError
from .callback import facts, own_domain
from .checkpoint import BaseLosses, Checkpoint, lines
from .ledger import LEDGER, SAMPLES, read_lines, sample_lines, write_lines
from .measurement import Measurement
from .moments import learning_rate, stored, trainer_state
from .processes import Processes
from .samples import Span
from .tokens import Model, Reading, Samples

#: Where finished checkpoints wait until all are.
KEPT = ".clues-capture-torch"


@dataclass(frozen=True)
class Settings:
    """What is to be captured, from what, and where to."""

    model: str
    checkpoints: Mapping[int, Path]
    train: str
    anchor: str | None = None
    validation: Mapping[str, str] = field(default_factory=dict)
    domain: str | None = None
    tokenizer: str | None = None
    template: str | None = None
    loss: Span = "answer"
    score_loss: Span | None = None
    max_length: int | None = None
    gradients: bool = False
    output: Path | None = None
    force: bool = False
    device: str | None = None
    dtype: str = "float32"
    load_in: str | None = None
    batch_tokens: int = 1024
    quiet: bool = False

    @property
    def folder(self) -> Path:
        """Where the evidence goes."""
        if self.output is not None:
            return self.output
        parents = {path.parent for path in self.checkpoints.values()}
        if len(parents) > 1:
            raise CluesError("the checkpoints lie in several folders", advice="name a new folder with -o")
        return parents.pop()


@dataclass(frozen=True)
class Report:
    """What came of it."""

    document: dict[str, Any]
    text: str


def run(settings: Settings) -> Report | None:
    """Measures and writes; the report is the first process's."""
    with _processes() as processes:
        return _run(settings, processes)


def show(settings: Settings, count: int) -> str:
    """The first samples of each file token by token, with what is learned of them."""
    tokenizer = _tokenizer(settings)
    config = transformers.AutoConfig.from_pretrained(settings.model)
    samples = _read(settings, tokenizer, Model(config.vocab_size, getattr(config, "max_position_embeddings", None)))
    told: list[str] = []
    seen: dict[str, int] = {}
    for sample in samples.all:
        seen[sample.file] = seen.get(sample.file, 0) + 1
        if seen[sample.file] > count:
            continue
        told.append(f"{sample.file}:{sample.line} ({sample.split} '{sample.id}'): {len(sample.learned.ids)} tokens")
        for place, token in enumerate(sample.learned.ids):
            mark = ("*" if sample.learned.labels[place] >= 0 else " ") + (
                "+" if sample.measured.labels[place] >= 0 else " "
            )
            word = f"  {tokenizer.decode([token])!r}" if tokenizer is not None else ""
            told.append(f"  {place:4} {mark} {token:6}{word}")
    return "\n".join(told)


@contextlib.contextmanager
def _processes() -> Iterator[Processes]:
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1 and not torch.distributed.is_initialized()
    if several:
        torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Processes()
    finally:
        if several:
            torch.distributed.destroy_process_group()


def _run(settings: Settings, processes: Processes) -> Report | None:
    folder = settings.folder
    tokenizer = _tokenizer(settings)
    base = _base(settings)
    step, first = next(iter(settings.checkpoints.items()))
    model = _adapted(base, first)
    samples = _read(settings, tokenizer, facts(model))
    notes = list(samples.notes)
    kept = _Kept(folder if settings.output is None else folder.parent, folder.name if settings.output else "")
    keys = _Keys(settings, samples)
    processes.together(lambda: _check(settings, folder, kept, keys) if processes.is_first else None)
    resumed = [step for step in settings.checkpoints if kept.lines(keys.of(step)) is not None]
    if settings.gradients:
        resumed = []
    bar = _Bar(settings, samples, len(settings.checkpoints) - len(resumed), processes)
    finished: dict[int, list[str]] = {}
    losses: BaseLosses | None = None
    for step, path in settings.checkpoints.items():
        if step in resumed:
            finished[step] = kept.lines(keys.of(step)) or []
            continue
        if path != first:
            base = model.unload()
            model = _adapted(base, path)
        measurement = Measurement(
            model, samples, batch_tokens=settings.batch_tokens, processes=processes, advance=bar.advance
        )
        checkpoint, more = _checkpoint(step, path, measurement)
        notes += [f"checkpoint {step}: {note}" for note in more]
        losses = losses or measurement.base_losses()
        target = folder if settings.output is None else kept.folder
        gradients = target / f"checkpoint-{step}" / "gradients" if settings.gradients else None
        finished[step] = lines(measurement, checkpoint, losses, gradients)
        if processes.is_first:
            kept.keep(keys.of(step), finished[step])
    bar.close()
    if not processes.is_first:
        return None
    ledger = [line for step in settings.checkpoints for line in finished[step]]
    _write(settings, folder, samples, ledger, kept)
    if not settings.quiet:
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
    return _report(settings, folder, samples, resumed, notes)


# Models and tokenizers.


def _tokenizer(settings: Settings) -> Any:
    place = settings.tokenizer or settings.model
    names = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json")
    if Path(place).is_dir() and settings.tokenizer is None and not any((Path(place) / name).exists() for name in names):
        # transformers would make up one without a vocabulary. Samples that are tokens need none.
        return None
    try:
        return transformers.AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError) as error:
        if settings.tokenizer is not None:
            raise CluesError(f"has no tokenizer: {error}", kind="missingInput", file=place) from None
        return None


def _base(settings: Settings) -> Any:
    device = settings.device or _device()
    dtype = settings.dtype if settings.dtype == "auto" else getattr(torch, settings.dtype)
    version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
    more: dict[str, Any] = {"dtype" if version >= (4, 56) else "torch_dtype": dtype}
    if settings.load_in is not None:
        compute = torch.bfloat16 if settings.dtype in ("auto", "float32") else dtype
        quantization = transformers.BitsAndBytesConfig(
            load_in_4bit=settings.load_in == "4bit", load_in_8bit=settings.load_in == "8bit",
            bnb_4bit_compute_dtype=compute, bnb_4bit_quant_type="nf4",
        )  # fmt: skip
        more |= {"quantization_config": quantization, "device_map": {"": device}}
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(settings.model, **more)
    except (OSError, ValueError, ImportError) as error:
        raise CluesError(f"cannot be loaded: {error}", kind="badData", file=settings.model) from None
    return model if settings.load_in is not None else model.to(device)


def _device() -> str:
    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return "cpu"


def _adapted(base: Any, path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # What PEFT says of keys that do not fit is an error here.
            warnings.filterwarnings("error", message=".*missing adapter keys.*")
            return peft.PeftModel.from_pretrained(base, str(path), is_trainable=True)
    except (OSError, ValueError, RuntimeError, TypeError, UserWarning) as error:
        raise CluesError(
            f"does not fit the model: {str(error).splitlines()[0]}", kind="badData", file=str(path),
            advice="name the base model that it was trained on",
        ) from error  # fmt: skip


# Samples and checkpoints.


def _read(settings: Settings, tokenizer: Any, model: Model) -> Samples:
    reading = Reading(
        tokenizer, model, template=settings.template, loss=settings.loss, score_loss=settings.score_loss,
        max_length=settings.max_length,
    )  # fmt: skip
    domain = own_domain(settings.domain, settings.validation, settings.folder.name)
    return reading.samples(settings.train, settings.anchor, dict(settings.validation), domain)


def _checkpoint(step: int, path: Path, measurement: Measurement) -> tuple[Checkpoint, list[str]]:
    notes: list[str] = []
    optimizer = None
    file = path / "optimizer.pt"
    if file.exists():
        optimizer = stored(file, measurement.factors)
        notes += optimizer.notes
    else:
        sharded = [inner.name for inner in path.iterdir() if inner.is_dir() and inner.name.startswith(("global_step", "optimizer_"))]  # fmt: skip  # noqa: E501
        if sharded:
            raise CluesError(
                f"holds an optimizer's state in pieces: {', '.join(sorted(sharded))}", kind="badData", file=str(path),
                advice="train with data parallelism alone, or move that folder away: the columns that need it are left out",  # noqa: E501
            )  # fmt: skip
        notes.append("there is no optimizer.pt, so the columns adam_… and reference_… are left out")
    epoch: float | None = None
    log: list[Mapping[str, Any]] = []
    state = path / "trainer_state.json"
    if state.exists():
        told, epoch, log = trainer_state(state)
        if told is not None and told != step:
            raise CluesError(f"is of step {told}, but lies in the checkpoint of step {step}", kind="badData", file=str(state))  # fmt: skip  # noqa: E501
    rate, more = learning_rate(log, step, epoch, optimizer.learning_rate if optimizer is not None else None)
    return Checkpoint(step, rate, optimizer), notes + more


# What is kept and written.


class _Kept:
    """Checkpoints that an interrupted capture had finished."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / (f".{name}{KEPT}" if name else KEPT)

    def lines(self, key: str) -> list[str] | None:
        path = self.folder / key
        return read_lines(path) if path.exists() else None

    def keep(self, key: str, found: list[str]) -> None:
        write_lines(self.folder / key, found)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class _Keys:
    """What finished checkpoints go by: the digests of all that their numbers depend on."""

    def __init__(self, settings: Settings, samples: Samples) -> None:
        self._checkpoints = settings.checkpoints
        self._common = [
            __version__, torch.__version__, transformers.__version__, peft.__version__, settings.dtype,
            settings.load_in, _state(settings.model), [asdict(sample) for sample in samples.all],
        ]  # fmt: skip

    def of(self, step: int) -> str:
        folder = self._checkpoints[step]
        names = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin", "optimizer.pt", "trainer_state.json")  # fmt: skip  # noqa: E501
        digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() if (folder / name).exists() else None for name in names]  # fmt: skip  # noqa: E501
        return hashlib.sha256(json.dumps([self._common, step, digests]).encode()).hexdigest()


def _state(model: str) -> Any:
    """A base model's files by name, size and time."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]


def _check(settings: Settings, folder: Path, kept: _Kept, keys: _Keys) -> None:
    if settings.output is not None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CluesError("the output is there", kind="cannotWrite", file=str(folder), advice="choose another one")
    elif not settings.force:
        for name in (LEDGER, SAMPLES):
            if (folder / name).exists():
                raise CluesError(
                    "the evidence exists already", kind="cannotWrite", file=str(folder / name),
                    advice="replace it with --force, or name a new folder with -o",
                )  # fmt: skip
        if (folder / "clues.json").exists():
            raise CluesError(
                "holds a clues.json, which lists its files and would no longer be true", kind="cannotWrite",
                file=str(folder), advice="name a new folder with -o",
            )  # fmt: skip
    wanted = {keys.of(step) for step in settings.checkpoints}
    if kept.folder.is_dir():
        for path in kept.folder.iterdir():
            if path.is_dir():
                # Gradients are measured anew.
                shutil.rmtree(path)
            elif path.name not in wanted:
                path.unlink()


def _write(settings: Settings, folder: Path, samples: Samples, ledger: list[str], kept: _Kept) -> None:
    target = folder
    if settings.output is not None:
        # A new bundle appears whole.
        target = kept.folder
        for step, path in settings.checkpoints.items():
            for name in ("adapter_config.json", "adapter_model.safetensors", "trainer_state.json"):
                if (path / name).exists():
                    (target / f"checkpoint-{step}").mkdir(parents=True, exist_ok=True)
                    shutil.copy(path / name, target / f"checkpoint-{step}" / name)
    write_lines(target / SAMPLES, sample_lines(samples))
    write_lines(target / LEDGER, ledger)
    if settings.output is None:
        kept.remove()
        return
    for path in target.iterdir():
        if path.is_file() and path.name not in (SAMPLES, LEDGER):
            path.unlink()
    if folder.is_dir():
        folder.rmdir()
    target.rename(folder)


def _report(settings: Settings, folder: Path, samples: Samples, resumed: list[int], notes: list[str]) -> Report:
    counts: dict[str, int] = {}
    for sample in samples.all:
        counts[sample.split] = counts.get(sample.split, 0) + 1
    unscored = [
        {"split": s.split, "id": s.id, "file": s.file, "line": s.line, "reason": s.fault}
        for s in samples.scored
        if s.fault is not None
    ]
    files = [SAMPLES, LEDGER]
    if settings.gradients:
        files += sorted(str(path.relative_to(folder)) for path in folder.glob("checkpoint-*/gradients/*.safetensors"))
    document = {
        "schema": "clues/capture/1", "client": folder.absolute().name, "folder": str(folder),
        "checkpoints": list(settings.checkpoints), "resumed": resumed, "samples": dict(sorted(counts.items())),
        "domains": list(samples.validation), "unscored": unscored, "files": files, "notes": notes,
    }  # fmt: skip
    told = ", ".join(f"{counts[split]} {split}" for split in ("train", "anchor", "validation") if split in counts)
    left = f", {len(unscored)} of them unscored" if unscored else ""
    steps = ", ".join(map(str, settings.checkpoints))
    text = f"{' and '.join(files[:2])} are in {folder}: {told} samples{left}, checkpoints {steps}"
    return Report(document, text)


class _Bar:
    """How far it is."""

    def __init__(self, settings: Settings, samples: Samples, checkpoints: int, processes: Processes) -> None:
        scored = sum(sample.fault is None for sample in samples.scored)
        validated = len(samples.all) - len(samples.scored)
        total = (scored + checkpoints * (scored + validated)) // processes.count if checkpoints else 0
        is_shown = not settings.quiet and processes.is_first and sys.stderr.isatty()
        self._bar: Any = None
        if is_shown:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc="capturing", unit=" samples", leave=False)

    def advance(self, count: int) -> None:
        if self._bar is not None:
            self._bar.update(count)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

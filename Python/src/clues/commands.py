"""The commands as functions."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from . import process
from .decoding import decode
from .documents import (
    BundleInspection,
    CaptureReport,
    Conversion,
    Evaluation,
    ExperimentRecord,
    Measurement,
    OptimizerInspection,
    PackingList,
    PluginInfo,
    PluginList,
    RecipeCheck,
    RunPlan,
    RunRecord,
    ScoreRow,
    ScoringOrigin,
    Selection,
    TensorsInspection,
    TrainingReport,
    Vetting,
)
from .errors import CluesError
from .inputs import Input, paths
from .progress import Progress

StrPath: TypeAlias = "str | os.PathLike[str]"
Inspection: TypeAlias = BundleInspection | TensorsInspection | OptimizerInspection


@dataclass(frozen=True)
class Merged:
    """A merged adapter: a PEFT folder, or an archive of one."""

    path: Path
    record: RunRecord


@dataclass(frozen=True)
class Scores:
    """Scores of samples."""

    #: The file they are in; ``None`` where none was asked for.
    path: Path | None
    rows: list[ScoreRow]
    #: How they came about; it is written beside a file.
    origin: ScoringOrigin | None


@dataclass(frozen=True)
class Selected:
    """A selection of samples."""

    #: The folder it is in; ``None`` where none was asked for.
    path: Path | None
    record: Selection
    #: The ids of the kept samples by client, in order; empty where no folder was asked for.
    kept: dict[str, list[str]]


@dataclass(frozen=True)
class Captured:
    """Evidence that was written."""

    path: Path
    report: CaptureReport


@dataclass(frozen=True)
class Trained:
    """An adapter that was trained, and its checkpoints."""

    path: Path
    report: TrainingReport


# What goes on a command line.


def _text(value: Any) -> str:
    if isinstance(value, (str, os.PathLike)):
        return str(os.fspath(value))
    # Numbers, truth values and lists are the same in JSON and in the language of recipes.
    return json.dumps(value, ensure_ascii=False)


def _option(name: str, value: Any) -> list[str]:
    """An option, once for every element of a list; nothing for what is not set."""
    if value is None or value is False:
        return []
    if value is True:
        return [name]
    if isinstance(value, Mapping):
        return [part for key, item in value.items() for part in (name, f"{key}={_text(item)}")]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [part for item in value for part in (name, _text(item))]
    return [name, _text(value)]


def _options(options: Mapping[str, Any]) -> list[str]:
    return [part for name, value in options.items() for part in _option(name, value)]


def _parameters(named: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> list[str]:
    values = {**(named or {}), **keywords}
    return [part for key, value in values.items() if value is not None for part in ("-p", f"{key}={_text(value)}")]


def _numbers(name: str, values: Iterable[float] | None) -> list[str]:
    # A weight may be negative, and must not be taken for an option.
    return [] if values is None else [part for value in values for part in (name, repr(float(value)))]


def _inputs(inputs: Sequence[str]) -> list[str]:
    return ["--", *inputs]


# Commands.


def merge(
    inputs: Sequence[Input],
    *,
    method: str,
    out: StrPath,
    weights: Sequence[float] | None = None,
    clients: Sequence[str] | None = None,
    adapters: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    space: Literal["stack", "core", "delta", "factors"] | None = None,
    rank: int | Literal["same", "full"] | None = None,
    energy: float | None = None,
    exact: bool = False,
    residual: bool = False,
    dtype: Literal["float32", "float16", "bfloat16"] | None = None,
    rank_layout: Literal["uniform", "exact"] | None = None,
    split: Literal["sqrt", "whole"] | None = None,
    missing: Literal["zero", "renormalize"] | None = None,
    absolute: str | None = None,
    base_model: str | None = None,
    output_format: Literal["peft", "archive", "gguf"] | None = None,
    base: StrPath | None = None,
    seed: int | None = None,
    without: Sequence[str] = (),
    threads: int | None = None,
    force: bool = False,
    plugin_dirs: Sequence[StrPath] = (),
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
    **method_parameters: Any,
) -> Merged:
    """Merges adapters without a recipe: ``clues.merge(["a", "b.zip"], method="ties", density=0.2, out="merged")``.

    :param inputs: Bundles, Trainer folders, PEFT folders; or models of PEFT.
    :param weights: One for each input, in order.
    :param clients: The clients' names, one for each input.
    :param parameters: The method's parameters, beside those that are given as keywords.
    :param base: The base model, for the format ``gguf``: its folder, its config.json, or a GGUF file.
    :raises CluesError: what cannot be merged rightly.
    """
    with paths(inputs) as places:
        options = [
            *_numbers("--weight", weights),
            *_parameters(parameters, method_parameters),
            *_options(
                {
                    "--client": clients, "--adapter": adapters, "--space": space, "--rank": rank, "--energy": energy,
                    "--exact": exact, "--residual": residual, "--dtype": dtype, "--rank-layout": rank_layout,
                    "--split": split, "--missing": missing, "--absolute": absolute, "--base-model": base_model,
                    "--format": output_format, "--base": base, "--seed": seed, "--without": list(without),
                    "--plugin-dir": list(plugin_dirs), "--limit": limits, "--threads": threads, "--force": force,
                }
            ),
        ]  # fmt: skip
        value = process.document(
            ["merge"],
            ["--method", method, "--output", _text(out), *options, *_inputs(places)],
            progress=progress,
        )
    return Merged(Path(out), decode(RunRecord, value, "the record"))


def plan_merge(
    inputs: Sequence[Input],
    *,
    method: str,
    weights: Sequence[float] | None = None,
    parameters: Mapping[str, Any] | None = None,
    space: Literal["stack", "core", "delta", "factors"] | None = None,
    rank: int | Literal["same", "full"] | None = None,
    progress: Progress = None,
    **method_parameters: Any,
) -> RunPlan:
    """Checks everything that :func:`merge` would, and says what it would do."""
    with paths(inputs) as places:
        options = [
            *_numbers("--weight", weights),
            *_parameters(parameters, method_parameters),
            *_options({"--space": space, "--rank": rank}),
        ]
        value = process.document(
            ["merge"],
            ["--dry-run", "--method", method, "--output", "unused", *options, *_inputs(places)],
            progress=progress,
        )
    return decode(RunPlan, value, "the plan")


def run(
    recipe: StrPath | Mapping[str, Any],
    *,
    out: StrPath | None = None,
    settings: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
    threads: int | None = None,
    force: bool = False,
    plugin_dirs: Sequence[StrPath] = (),
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Merged:
    """Carries out a recipe: a file, a run to repeat, or a mapping with the keys of a recipe.

    :param out: The run directory; by default ``output.path`` of the recipe.
    :param settings: Values of the recipe, as in ``{"merge.parameters.density": 0.5}``.
    """
    with tempfile.TemporaryDirectory(prefix="clues-") as temporary:
        path = _recipe(recipe, temporary)
        place = Path(out) if out is not None else _output(path, settings)
        options = _options(
            {
                "--set": settings, "--without": list(without), "--threads": threads, "--force": force,
                "--plugin-dir": list(plugin_dirs), "--limit": limits,
            }
        )  # fmt: skip
        value = process.document(["run"], ["--output", str(place), *options, *_inputs([path])], progress=progress)
    return Merged(place, decode(RunRecord, value, "the record"))


def _recipe(recipe: StrPath | Mapping[str, Any], folder: str) -> str:
    if not isinstance(recipe, Mapping):
        return _text(recipe)

    # Paths of a recipe start from its folder, and this one's is a temporary one.
    def client(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {**value, "path": str(Path(value["path"]).absolute())} if "path" in value else value
        return str(Path(value).absolute())

    whole = dict(recipe)
    if "clients" in whole:
        whole["clients"] = [client(value) for value in whole["clients"]]
    path = Path(folder) / "recipe.yaml"
    # What is JSON is YAML as well.
    path.write_text(json.dumps(whole, ensure_ascii=False, default=_text), encoding="utf-8")
    return str(path)


def _output(recipe: str, settings: Mapping[str, Any] | None) -> Path:
    value = process.document(
        ["recipe", "explain"], [*_option("--set", settings), *_inputs([recipe])], tells_progress=False
    )
    output = value.get("output", {}).get("path") if isinstance(value, dict) else None
    if not isinstance(output, str):
        raise CluesError("the recipe names no output, and `out` names none", file=recipe, advice="name one with out=…")
    return Path(output)


def score(
    inputs: Sequence[Input] = (),
    *,
    scorer: str | None = None,
    recipe: StrPath | None = None,
    out: StrPath | None = None,
    parameters: Mapping[str, Any] | None = None,
    clients: Sequence[str] | None = None,
    adapters: Sequence[str] | None = None,
    anchors_only: bool = False,
    threads: int | None = None,
    force: bool = False,
    plugin_dirs: Sequence[StrPath] = (),
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
    **scorer_parameters: Any,
) -> Scores:
    """Scores the samples of clients by their evidence, with one scorer or with those of a recipe.

    :param out: A file for the scores, beside which it is written how they came about.
    """
    with paths(inputs) as places:
        options = _options(
            {
                "--scorer": scorer, "--recipe": recipe, "--output": out, "--client": clients, "--adapter": adapters,
                "--anchors-only": anchors_only, "--threads": threads, "--force": force,
                "--plugin-dir": list(plugin_dirs), "--limit": limits,
            }
        )  # fmt: skip
        text = process.run(
            ["score"], [*options, *_parameters(parameters, scorer_parameters), *_inputs(places)], progress=progress
        )
    if out is None:
        return Scores(None, _rows(text), None)
    path = Path(out)
    beside = path.with_name(path.name.removesuffix(".jsonl") + ".origin.json")
    origin = decode(ScoringOrigin, json.loads(beside.read_text(encoding="utf-8")), "the origin")
    return Scores(path, read_scores(path), origin)


def read_scores(path: StrPath) -> list[ScoreRow]:
    """The rows of a ``scores.jsonl``."""
    return _rows(Path(path).read_text(encoding="utf-8"))


def _rows(text: str) -> list[ScoreRow]:
    # Ids may hold what Python, but not JSON Lines, takes for the end of a line.
    lines = text.split("\n")
    return [decode(ScoreRow, json.loads(line), "a score") for line in lines if line.strip()]


def select(
    scores: StrPath | Sequence[StrPath],
    *,
    threshold: str | None = None,
    recipe: StrPath | None = None,
    threshold_file: StrPath | None = None,
    out: StrPath | None = None,
    parameters: Mapping[str, Any] | None = None,
    calibrate: bool = False,
    draws: int | None = None,
    force: bool = False,
    plugin_dirs: Sequence[StrPath] = (),
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
    **rule_parameters: Any,
) -> Selected:
    """Decides which scored samples are kept: by a rule, as a recipe does, or by a threshold that an operator sent.

    :param scores: A file of scores, or one of each client.
    :param out: A folder for the selection; without it nothing is written.
    """
    files = [scores] if isinstance(scores, (str, os.PathLike)) else list(scores)
    options = _options(
        {
            "--threshold": threshold, "--recipe": recipe, "--with": threshold_file, "--output": out,
            "--calibrate": calibrate, "--draws": draws, "--force": force, "--plugin-dir": list(plugin_dirs),
            "--limit": limits,
        }
    )  # fmt: skip
    value = process.document(
        ["select"],
        [*options, *_parameters(parameters, rule_parameters), *_inputs([_text(file) for file in files])],
        progress=progress,
    )
    record = decode(Selection, value, "the selection")
    if out is None:
        return Selected(None, record, {})
    folder = Path(out) / "clues" / "selected"
    kept = {client.client: _ids(folder / f"{client.client}.txt") for client in record.clients}
    return Selected(Path(out), record, kept)


def _ids(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def inspect(
    item: Input, *, adapter: str | None = None, limits: Mapping[str, Any] | None = None
) -> BundleInspection | TensorsInspection | OptimizerInspection:
    """Says what a bundle, an adapter, a checkpoint or a file holds; nothing in it is executed."""
    with paths([item]) as places:
        value = process.document(
            ["inspect"], [*_options({"--adapter": adapter, "--limit": limits}), *_inputs(places)], tells_progress=False
        )
    kinds: dict[str, type[Inspection]] = {
        "bundle": BundleInspection, "safetensors": TensorsInspection, "optimizer": OptimizerInspection,
    }  # fmt: skip
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind not in kinds:
        raise CluesError(f"the inspection is of the kind '{kind}', which is not known here", kind="badData")
    return decode(kinds[str(kind)], value, "the inspection")


def report(run: StrPath, *, out: StrPath | None = None) -> Path:
    """Makes the report of a run again and returns where the page is."""
    process.run(["report"], [*_option("--output", out), *_inputs([_text(run)])], tells_progress=False)
    return Path(out) if out is not None else Path(run) / "clues" / "report.html"


def capture(
    client: StrPath,
    *,
    base: StrPath,
    train: StrPath,
    anchor: StrPath | None = None,
    validation: Mapping[str, StrPath] | None = None,
    domain: str | None = None,
    checkpoints: Sequence[int] = (),
    adapter: str | None = None,
    template: str | None = None,
    loss: Literal["answer", "all"] | None = None,
    score_loss: Literal["answer", "all"] | None = None,
    max_length: int | None = None,
    gradients: bool = False,
    out: StrPath | None = None,
    force: bool = False,
    threads: int | None = None,
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Captured:
    """Measures a client's samples on the CPU, with the engine of the executable and without PyTorch.

    For other devices and model families there is ``clues-capture``, and :class:`clues.evidence.CluesCapture`.
    """
    options = _options(
        {
            "--base": base, "--train": train, "--anchor": anchor, "--validation": validation, "--domain": domain,
            "--checkpoint": list(checkpoints), "--adapter": adapter, "--template": template, "--loss": loss,
            "--score-loss": score_loss, "--max-length": max_length, "--gradients": gradients, "--output": out,
            "--force": force, "--threads": threads, "--limit": limits,
        }
    )  # fmt: skip
    value = process.document(["capture"], [*options, *_inputs([_text(client)])], progress=progress)
    return Captured(Path(out if out is not None else client), decode(CaptureReport, value, "the report"))


def evaluate(scores: StrPath | Sequence[StrPath], *, labels: StrPath) -> Evaluation:
    """Compares scores and a selection with labels.

    :param scores: A file of scores, or one of each client.
    """
    files = [scores] if isinstance(scores, (str, os.PathLike)) else list(scores)
    value = process.document(
        ["evaluate"], [*_option("--labels", labels), *_inputs([_text(file) for file in files])], tells_progress=False
    )
    return decode(Evaluation, value, "the evaluation")


def vet(
    inputs: Sequence[Input],
    *,
    clients: Sequence[str] | None = None,
    adapters: Sequence[str] | None = None,
    final_only: bool = False,
    without: Sequence[str] = (),
    threads: int | None = None,
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Vetting:
    """Ranks clients by how suspicious their adapters are."""
    with paths(inputs) as places:
        options = _options(
            {
                "--client": clients, "--adapter": adapters, "--final-only": final_only, "--without": list(without),
                "--threads": threads, "--limit": limits,
            }
        )  # fmt: skip
        value = process.document(["vet"], [*options, *_inputs(places)], progress=progress)
    return decode(Vetting, value, "the vetting")


def pack(
    folder: Input,
    *,
    out: StrPath,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    adapter: str | None = None,
    client: str | None = None,
    domain: str | None = None,
    dtype: Literal["float32", "float16", "bfloat16"] | None = None,
    force: bool = False,
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> PackingList:
    """Packs a training folder into a bundle to hand in.

    :param include: What goes in that stays otherwise: ``gradients``, ``optimizer``.
    :param exclude: What stays: ``gradients``, ``ledger``, ``optimizer``, ``samples``, ``trainer-state``.
    """
    with paths([folder]) as places:
        options = _options(
            {
                "--output": out, "--with": ",".join(include) or None, "--without": ",".join(exclude) or None,
                "--adapter": adapter, "--client": client, "--domain": domain, "--dtype": dtype, "--force": force,
                "--limit": limits,
            }
        )  # fmt: skip
        value = process.document(["pack"], [*options, *_inputs(places)], progress=progress)
    return decode(PackingList, value, "the packing list")


def convert(
    adapter: Input,
    *,
    base: StrPath,
    out: StrPath,
    name: str | None = None,
    dtype: Literal["float32", "float16", "bfloat16"] = "float32",
    force: bool = False,
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Conversion:
    """Writes an adapter as one GGUF file, for llama.cpp and what is built on it.

    :param base: The base model: its folder, its config.json, or a GGUF file.
    :param name: The adapter to convert if there are several.
    """
    with paths([adapter]) as places:
        options = _options(
            {
                "--base": base, "--output": out, "--adapter": name, "--dtype": dtype, "--force": force,
                "--limit": limits,
            }
        )  # fmt: skip
        value = process.document(["convert"], [*options, *_inputs(places)], progress=progress)
    return decode(Conversion, value, "the conversion")


def plugins() -> PluginList:
    """The plugins that there are."""
    return decode(PluginList, process.document(["plugins", "list"], tells_progress=False), "the list of plugins")


def plugin(name: str) -> PluginInfo:
    """All that is known about a plugin, its parameters included."""
    value = process.document(["plugins", "show"], _inputs([name]), tells_progress=False)
    return decode(PluginInfo, value, "the plugin")


def check_recipe(recipe: StrPath | Mapping[str, Any], *, settings: Mapping[str, Any] | None = None) -> RecipeCheck:
    """The mistakes of a recipe; none is an error."""
    with tempfile.TemporaryDirectory(prefix="clues-") as temporary:
        path = _recipe(recipe, temporary)
        value = process.document(
            ["recipe", "check"],
            [*_option("--set", settings), *_inputs([path])],
            tells_progress=False,
            even_refused=True,
        )
    return decode(RecipeCheck, value, "the check")


def train(
    data: StrPath | Sequence[StrPath],
    *,
    base: StrPath,
    out: StrPath,
    init: Input | None = None,
    rank: int | None = None,
    alpha: float | None = None,
    rslora: bool = False,
    targets: Sequence[str] | Literal["all-linear"] | None = None,
    dropout: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    batch: int | None = None,
    accumulation: int | None = None,
    order: Literal["random", "sequential"] | None = None,
    learning_rate: float | None = None,
    schedule: Literal["linear", "cosine", "constant"] | None = None,
    warmup: float | None = None,
    clip: float | None = None,
    weight_decay: float | None = None,
    beta1: float | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    seed: int | None = None,
    save_steps: int | None = None,
    keep: StrPath | None = None,
    template: str | None = None,
    loss: Literal["answer", "all"] | None = None,
    max_length: int | None = None,
    capture: bool = False,
    anchor: StrPath | None = None,
    validation: Mapping[str, StrPath] | None = None,
    domain: str | None = None,
    score_loss: Literal["answer", "all"] | None = None,
    threads: int | None = None,
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Trained:
    """Trains a LoRA adapter on the CPU, with the engine of the executable and without PyTorch.

    What is not set is as it is in PEFT and the Trainer. An interrupted training goes on when it is called again.

    :param data: A file of samples, or several.
    :param out: A Trainer's folder: the adapter, and checkpoints beside it.
    :param init: The adapter to go on from.
    :param capture: Whether the checkpoints are measured, too, for which ``anchor``, ``validation``, ``domain`` and
        ``score_loss`` are.
    """
    with paths([] if init is None else [init]) as places:
        options = _options(
            {
                "--base": base, "--data": data, "--output": out, "--init": places or None, "--rank": rank,
                "--alpha": alpha, "--rslora": rslora,
                "--targets": targets if targets is None or isinstance(targets, str) else ",".join(targets),
                "--dropout": dropout, "--steps": steps, "--epochs": epochs, "--batch": batch,
                "--accumulation": accumulation, "--order": order, "--learning-rate": learning_rate,
                "--schedule": schedule, "--warmup": warmup, "--clip": clip, "--weight-decay": weight_decay,
                "--beta1": beta1, "--beta2": beta2, "--epsilon": epsilon, "--seed": seed, "--save-steps": save_steps,
                "--keep": keep, "--template": template, "--loss": loss, "--max-length": max_length,
                "--capture": capture, "--anchor": anchor, "--validation": validation, "--domain": domain,
                "--score-loss": score_loss, "--threads": threads, "--limit": limits,
            }
        )  # fmt: skip
        value = process.document(["train"], options, progress=progress)
    return Trained(Path(out), decode(TrainingReport, value, "the report"))


def measure(
    inputs: Sequence[Input] = (),
    *,
    base: StrPath,
    data: StrPath | Sequence[StrPath] | Mapping[str, StrPath],
    clients: Sequence[str] | None = None,
    adapters: Sequence[str] | None = None,
    no_base: bool = False,
    template: str | None = None,
    loss: Literal["answer", "all"] | None = None,
    max_length: int | None = None,
    generate: bool = False,
    max_new_tokens: int | None = None,
    answers: StrPath | None = None,
    marks: StrPath | None = None,
    samples: StrPath | None = None,
    html: StrPath | None = None,
    draws: int | None = None,
    seed: int | None = None,
    force: bool = False,
    threads: int | None = None,
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Measurement:
    """Measures adapters and their base model on held-out samples, on the CPU.

    :param data: A file of samples, several, or files by domain.
    :param clients: The models' names, one for each input.
    :param generate: Whether the models answer the questions themselves.
    :param answers: A file for their answers; ``marks`` is one of marks that they got.
    :param samples: A file for what each model makes of each sample.
    :param html: A file for a page with pictures.
    """
    with paths(inputs) as places:
        options = _options(
            {
                "--base": base, "--data": data, "--client": clients, "--adapter": adapters, "--no-base": no_base,
                "--template": template, "--loss": loss, "--max-length": max_length, "--generate": generate,
                "--max-new-tokens": max_new_tokens, "--answers": answers, "--marks": marks, "--samples": samples,
                "--html": html, "--draws": draws, "--seed": seed, "--force": force, "--threads": threads,
                "--limit": limits,
            }
        )  # fmt: skip
        value = process.document(["measure"], [*options, *_inputs(places)], progress=progress)
    return decode(Measurement, value, "the measurement")


def experiment(
    file: StrPath,
    *,
    out: StrPath | None = None,
    settings: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    threads: int | None = None,
    plugin_dirs: Sequence[StrPath] = (),
    limits: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> ExperimentRecord:
    """Carries out an experiment: makes data bad on purpose and measures what selection wins back.

    :param out: The folder for steps and results; by default that of the experiment.
    :param settings: Values of the experiment, as in ``{"training.steps": 20}``.
    :param jobs: How many steps are done at once.
    """
    options = _options(
        {
            "--set": settings, "--output": out, "--jobs": jobs, "--threads": threads,
            "--plugin-dir": list(plugin_dirs), "--limit": limits,
        }
    )  # fmt: skip
    value = process.document(["experiment"], [*options, *_inputs([_text(file)])], progress=progress)
    return decode(ExperimentRecord, value, "the record")


def version() -> str:
    """The version of the executable."""
    return process.run(["--version"], tells_progress=False).strip()

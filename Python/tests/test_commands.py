"""The functions against the executable."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest

import clues
from clues import documents, locations, process
from clues.documents import ProgressEvent


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> clues.Scores:
    return clues.score(
        recipe=repository / "recipes/clues-calibrated.yaml", out=tmp_path_factory.mktemp("scores") / "scores.jsonl"
    )


def test_versions_are_the_same() -> None:
    assert clues.version() == clues.__version__


def test_merge_gives_a_folder_and_its_record(tmp_path: Path, bundles: list[Path]) -> None:
    merged = clues.merge(
        bundles, method="ties", density=0.3, parameters={"lambda": 0.5}, weights=[2, 1, -0.5], clients=["a", "b", "c"],
        space="factors", out=tmp_path / "merged",
    )  # fmt: skip
    assert merged.path == tmp_path / "merged"
    assert (merged.path / "adapter_model.safetensors").exists()
    assert merged.record.merge is not None
    assert merged.record.merge.parameters == {"density": 0.3, "lambda": 0.5, "preset": "peft"}
    assert {client.name: client.weight for client in merged.record.clients} == {"a": 2.0, "b": 1.0, "c": -0.5}
    assert merged.record == documents_of(merged.path / "clues/run.json")


def documents_of(path: Path) -> documents.RunRecord:
    from clues.decoding import decode

    return decode(documents.RunRecord, json.loads(path.read_text()), "the record")


def test_lists_over_layers_are_parameters(tmp_path: Path, bundles: list[Path]) -> None:
    merged = clues.merge(bundles[:2], method="ties", density=[0.1, 0.4], out=tmp_path / "merged")
    assert merged.record.merge is not None
    assert merged.record.merge.parameters["density"] == [0.1, 0.4]


def test_a_plan_writes_nothing(tmp_path: Path, bundles: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = clues.plan_merge(bundles, method="average", rank=4)
    assert [client.name for client in plan.clients] == ["financial", "medical", "multilingual"]
    assert list(tmp_path.iterdir()) == []


def test_run_carries_out_files_and_mappings(tmp_path: Path, repository: Path, bundles: list[Path]) -> None:
    file = clues.run(repository / "recipes/average.yaml", out=tmp_path / "file")
    mapping = clues.run(
        {"clients": bundles, "merge": {"method": "average"}, "output": {"path": str(tmp_path / "mapping")}},
        settings={"merge.rank": 4},
    )
    assert mapping.path == tmp_path / "mapping"
    assert mapping.record.merge is not None
    assert mapping.record.merge.rank_layout is not None
    assert mapping.record.merge.rank_layout.rank == 4
    again = clues.run(file.path, out=tmp_path / "again")
    name = "adapter_model.safetensors"
    assert (again.path / name).read_bytes() == (file.path / name).read_bytes()


def test_a_recipe_without_output_is_asked_for_one(bundles: list[Path]) -> None:
    with pytest.raises(clues.CluesError, match="names no output") as caught:
        clues.run({"clients": bundles, "merge": {"method": "average"}})
    assert caught.value.kind == "usage"


def test_scores_and_selection(tmp_path: Path, repository: Path, scored: clues.Scores) -> None:
    assert len(scored.rows) == 750
    assert scored.origin is not None
    assert [scorer.name for scorer in scored.origin.scorers] == [
        "contribution",
        "direction",
        "ifd",
        "pmi",
        "perplexity",
    ]
    assert scored.path is not None
    selected = clues.select(scored.path, recipe=repository / "recipes/clues-calibrated.yaml", out=tmp_path / "selected")
    counts = {client.client: client.kept for client in selected.record.clients}
    assert {client: len(ids) for client, ids in selected.kept.items()} == counts
    assert selected.path is not None
    rows = clues.read_scores(selected.path / "clues/scores.jsonl")
    for client, ids in selected.kept.items():
        assert ids == [row.id for row in rows if row.client == client and row.kept]
    threshold = selected.path / "clues/threshold.json"
    applied = clues.select(scored.path, threshold_file=threshold, out=tmp_path / "applied")
    assert applied.kept == selected.kept
    figures = clues.evaluate(selected.path / "clues/scores.jsonl", labels=repository / "checkpoints/labels.jsonl")
    assert figures.all.auroc is not None
    assert figures.all.auroc > 0.98
    assert clues.select(scored.path, threshold="top-ratio", ratio=0.25).kept == {}


def test_scores_without_a_file(bundles: list[Path]) -> None:
    scores = clues.score(bundles[:1], scorer="tracin")
    assert scores.path is None
    assert len(scores.rows) == 250
    assert scores.rows[0].client == "medical"


def test_thresholds_beyond_all_numbers(scored: clues.Scores) -> None:
    assert scored.path is not None
    record = clues.select(scored.path, threshold="fixed", parameters={"value": 1e30}).record
    assert {client.kept for client in record.clients} == {0}
    from clues.decoding import decode

    value: dict[str, Any] = {"rule": "x", "parameters": {}, "threshold": "-inf", "thresholds": {"a": "inf"}}
    rest: dict[str, Any] = {"calibrate": "none", "scorers": [], "combine": None, "evidence": {}}
    threshold = decode(documents.ThresholdFile, {**value, **rest}, "it")
    assert threshold.threshold == -math.inf
    assert threshold.thresholds == {"a": math.inf}


def test_inspections(bundles: list[Path], repository: Path, tmp_path: Path) -> None:
    bundle = clues.inspect(bundles[0])
    assert isinstance(bundle, documents.BundleInspection)
    assert bundle.ledger is not None
    assert bundle.ledger.samples == {"anchor": 10, "train": 240}
    tiny = repository / "Tests/Fixtures/tiny/c1/checkpoint-8"
    tensors = clues.inspect(tiny / "adapter_model.safetensors")
    assert isinstance(tensors, documents.TensorsInspection)
    assert tensors.tensors[0].shape
    optimizer = clues.inspect(tiny / "optimizer.pt")
    assert isinstance(optimizer, documents.OptimizerInspection)
    assert optimizer.groups[0].beta2 == 0.999


def test_report_vet_and_pack(tmp_path: Path, bundles: list[Path]) -> None:
    merged = clues.merge(bundles, method="average", out=tmp_path / "merged")
    assert clues.report(merged.path) == merged.path / "clues/report.html"
    assert clues.report(merged.path, out=tmp_path / "page.html").read_text().startswith("<!")
    assert len(clues.vet(bundles, final_only=True).clients) == 3
    packed = clues.pack(bundles[0], out=tmp_path / "m.zip", exclude=["samples"], client="renamed")
    assert "samples.jsonl" in {file.path for file in packed.left_out}
    inspection = clues.inspect(tmp_path / "m.zip")
    assert isinstance(inspection, documents.BundleInspection)
    assert inspection.client == "renamed"


def test_adapters_for_llama_cpp(tmp_path: Path, repository: Path) -> None:
    model = repository / "Tests/Fixtures/models/qwen2"
    converted = clues.convert(model / "adapter", base=model, out=tmp_path / "a.gguf", dtype="float16")
    assert (converted.architecture, converted.rank) == ("qwen2", 3)
    assert (tmp_path / "a.gguf").stat().st_size == converted.bytes
    merged = clues.merge(
        [model / "adapter"], method="average", out=tmp_path / "merged", output_format="gguf", base=model
    )
    assert (merged.path / "adapter.gguf").exists()


def test_native_capture(tmp_path: Path, repository: Path) -> None:
    folder = repository / "Tests/Fixtures/capture"
    captured = clues.capture(
        folder / "client", base=folder / "base", train=folder / "train.jsonl", anchor=folder / "anchor.jsonl",
        validation={"a": folder / "validation.jsonl"}, out=tmp_path / "client",
    )  # fmt: skip
    assert captured.report.samples == {"anchor": 1, "train": 4, "validation": 2}
    assert (captured.path / "ledger.jsonl").exists()


def test_training_and_its_evidence(tmp_path: Path, repository: Path) -> None:
    folder = repository / "Tests/Fixtures/training"
    rows = (folder / "data.jsonl").read_text().splitlines(keepends=True)
    for name, part in (("train", rows[:6]), ("anchor", rows[6:8]), ("validation", rows[8:])):
        text = "".join(part).replace('"s', f'"{name}')
        (tmp_path / f"{name}.jsonl").write_text(text)
    events: list[ProgressEvent] = []
    trained = clues.train(
        tmp_path / "train.jsonl", base=folder / "llama/base", out=tmp_path / "medical", steps=4, batch=2,
        save_steps=2, learning_rate=5e-5, targets=["q_proj", "o_proj"], rank=2, capture=True,
        anchor=tmp_path / "anchor.jsonl", validation={"medical": tmp_path / "validation.jsonl"},
        progress=events.append,
    )  # fmt: skip
    assert trained.path == tmp_path / "medical"
    assert (trained.path / "checkpoint-2/adapter_model.safetensors").exists()
    report = trained.report
    assert (report.steps, report.samples, report.checkpoints, report.resumed_from) == (4, 6, [2, 4], None)
    assert report.capture is not None
    assert report.capture.checkpoints == [2, 4]
    assert (trained.path / "ledger.jsonl").exists()
    steps = [event for event in events if event.stage == "training" and event.type == "end"]
    assert steps[0].done == 4
    assert steps[0].loss == report.last_loss
    config = json.loads((trained.path / "adapter_config.json").read_text())
    assert (config["r"], sorted(config["target_modules"])) == (2, ["o_proj", "q_proj"])
    # It goes on from an adapter, as a path or as a model.
    again = clues.train(
        [tmp_path / "train.jsonl"], base=folder / "llama/base", out=tmp_path / "more", init=trained.path, steps=1
    )
    assert again.report.parameters == report.parameters
    with pytest.raises(clues.CluesError, match="rank, alpha, rsLoRA and targets") as caught:
        clues.train(
            tmp_path / "train.jsonl", base=folder / "llama/base", out=tmp_path / "no", init=trained.path, rank=4
        )
    assert caught.value.kind == "usage"


def test_measurements(tmp_path: Path, repository: Path) -> None:
    folder = repository / "Tests/Fixtures/capture"
    events: list[ProgressEvent] = []
    measured = clues.measure(
        [folder / "client"], base=folder / "base", clients=["tuned"], draws=50, generate=True, max_new_tokens=4,
        data={"text": folder / "train.jsonl", "choices": repository / "Tests/Fixtures/measure/choices.jsonl"},
        answers=tmp_path / "answers.jsonl", html=tmp_path / "page.html", progress=events.append,
    )  # fmt: skip
    assert [(model.name, model.step) for model in measured.models] == [("base", None), ("tuned", 3)]
    assert measured.losses is not None
    assert measured.choices is not None
    assert measured.answers is not None
    assert measured.marks is None
    (losses,) = measured.losses
    base, tuned = losses.models
    assert (losses.domain, losses.samples) == ("text", 3)
    assert base.per_token.value is not None
    assert base.perplexity == pytest.approx(math.exp(base.per_token.value))
    (difference,) = losses.differences
    assert (difference.model, difference.against) == ("tuned", "base")
    assert tuned.per_token.value is not None
    assert difference.per_token.value == pytest.approx(tuned.per_token.value - base.per_token.value)
    assert difference.per_token.interval is not None
    assert [model.cut_off for model in measured.answers[0].models] == [3, 3]
    assert [sample.line for sample in measured.left_out] == [3]
    assert len(measured.examples) == 3
    assert measured.examples[0].answers["tuned"].tokens == 4
    assert (tmp_path / "page.html").read_text().startswith("<!")
    marks = tmp_path / "marks.jsonl"
    marks.write_text(json.dumps({"id": measured.examples[0].id, "adapter": "base", "mark": 3}))
    marked = clues.measure(base=folder / "base", data={"text": folder / "train.jsonl"}, marks=marks, seed=7)
    assert marked.marks is not None
    assert marked.marks[0].models[0].mark.value == 3
    # Progress is told between the samples of a model.
    assert len([event for event in events if event.stage == "measuring"]) >= 2
    with pytest.raises(clues.CluesError, match="give adapters"):
        clues.measure(base=folder / "base", data=folder / "train.jsonl", no_base=True)


def test_an_experiment(tmp_path: Path, experiment: Path) -> None:
    record = clues.experiment(experiment, settings={"training.steps": 2}, jobs=1)
    assert [client.name for client in record.clients] == ["a", "b"]
    assert {loss.arm for loss in record.losses} == {None, "all", "loss"}
    selection = next(row for row in record.selections if row.arm == "loss" and row.client is None)
    assert selection.kept_share is not None
    assert selection.kept_share.value is not None
    assert 0 < selection.kept_share.value <= 1
    assert set(selection.bad_kept) == {"shuffle", "swap"}
    assert (tmp_path / "out/experiment.html").exists()


def test_plugins() -> None:
    assert "ties" in {plugin.id for plugin in clues.plugins().plugins}
    ties = clues.plugin("ties")
    assert ties.parameters["density"].maximum == 1
    assert ties.default_space == "delta"


def test_recipes_are_checked() -> None:
    check = clues.check_recipe({"clients": ["a.zip"], "merge": {"method": "tiez"}})
    assert not check.ok
    assert check.problems[0].kind == "pluginNotFound"
    assert clues.check_recipe({"clients": ["a.zip"], "merge": {"method": "ties"}}).ok


# Errors.


def test_errors_have_their_parts(tmp_path: Path, bundles: list[Path]) -> None:
    with pytest.raises(clues.CluesError) as caught:
        clues.merge([tmp_path / "nothing.zip"], method="ties", out=tmp_path / "merged")
    error = caught.value
    assert (error.kind, error.exit_code, error.file) == ("missingInput", 66, str(tmp_path / "nothing.zip"))
    assert error.advice == "check the path"
    assert "help: check the path" in str(error)
    # Exceptions travel between processes.
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.kind, copy.file, str(copy)) == (error.kind, error.file, str(error))


def test_a_client_that_is_at_fault_is_named(tmp_path: Path, repository: Path, bundles: list[Path]) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (broken / name).write_bytes((repository / "Tests/Fixtures/tiny/c1/checkpoint-8" / name).read_bytes())
    weights = broken / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(clues.CluesError) as caught:
        clues.merge([broken, bundles[0]], method="average", out=tmp_path / "merged")
    assert caught.value.kind == "badData"
    assert caught.value.client == "broken"


@pytest.mark.parametrize("command", ["merge", "inspect"])
def test_wrong_usage_is_told(command: str) -> None:
    with pytest.raises(clues.CluesError) as caught:
        process.run([command], ["--no-such-option", "x"], tells_progress=command == "merge")
    assert caught.value.kind == "usage"
    assert caught.value.exit_code == 64
    assert "Missing expected argument" in caught.value.message or "no-such-option" in caught.value.message


def test_errors_of_commands_without_progress(tmp_path: Path) -> None:
    with pytest.raises(clues.CluesError) as caught:
        clues.inspect(tmp_path / "nothing.zip")
    assert (caught.value.kind, caught.value.file) == ("missingInput", str(tmp_path / "nothing.zip"))
    assert caught.value.advice


def test_several_errors_come_together(tmp_path: Path) -> None:
    recipe = tmp_path / "bad.yaml"
    recipe.write_text("clients: [a, b]\nmerge: {method: ties, space: nowhere, rank: x}\n")
    with pytest.raises(clues.CluesError) as caught:
        clues.run(recipe, out=tmp_path / "out")
    assert caught.value.kind == "badRecipe"
    assert caught.value.line == 2
    assert len(caught.value.others) == 1


def test_one_path_is_no_list_of_inputs(tmp_path: Path) -> None:
    with pytest.raises(clues.CluesError, match="a list of inputs"):
        clues.merge("a.zip", method="average", out=tmp_path / "out")


def test_names_that_look_like_options_are_inputs(tmp_path: Path) -> None:
    with pytest.raises(clues.CluesError) as caught:
        clues.inspect("--json")
    assert caught.value.kind == "missingInput"


def test_without_an_executable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CLUES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(locations, "_installed", list)
    with pytest.raises(clues.CluesError, match="no executable") as caught:
        clues.plugins()
    assert "make wheel" in str(caught.value)
    monkeypatch.setenv("CLUES", str(tmp_path / "gone"))
    with pytest.raises(clues.CluesError, match="names no executable"):
        clues.plugins()


def test_a_crash_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "clues"
    script.write_text("#!/bin/sh\necho gone wrong >&2\nkill -SEGV $$\n")
    script.chmod(0o755)
    monkeypatch.setenv("CLUES", str(script))
    with pytest.raises(clues.CluesError, match=r"ended by SIGSEGV: gone wrong") as caught:
        clues.plugins()
    assert caught.value.kind == "crashed"


def test_output_of_another_version_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "clues"
    script.write_text('#!/bin/sh\necho \'{"schema": "clues/plugins/1", "plugins": 3, "problems": []}\'\n')
    script.chmod(0o755)
    monkeypatch.setenv("CLUES", str(script))
    with pytest.raises(clues.CluesError, match=r"the list of plugins.plugins is a number instead of list"):
        clues.plugins()


# Progress.


def test_progress_is_told(tmp_path: Path, bundles: list[Path]) -> None:
    events: list[ProgressEvent] = []
    clues.merge(bundles, method="average", out=tmp_path / "merged", progress=events.append)
    stages = [event.stage for event in events if event.type == "begin"]
    assert "merging" in stages
    ends = {event.stage: event for event in events if event.type == "end"}
    assert ends["merging"].done == ends["merging"].total == 60


def test_a_display_that_fails_stops_nothing(tmp_path: Path, bundles: list[Path]) -> None:
    def fail(event: ProgressEvent) -> None:
        raise RuntimeError(event.type)

    assert clues.merge(bundles, method="average", out=tmp_path / "merged", progress=fail).path.exists()


def test_warnings_are_warnings(tmp_path: Path, bundles: list[Path]) -> None:
    with pytest.warns(clues.CluesWarning, match="cross terms between clients") as caught:
        clues.merge(bundles, method="ties", space="factors", out=tmp_path / "merged")
    assert caught[0].filename == __file__


def test_bars_are_drawn(tmp_path: Path, bundles: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    clues.merge(bundles, method="average", out=tmp_path / "merged", progress=True)
    assert "merging" in capsys.readouterr().err
    clues.merge(bundles, method="average", out=tmp_path / "quiet", progress=False)
    assert capsys.readouterr().err == ""

"""The committed JSON Schemas are those of the dataclasses, and say all that real documents hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import clues
from clues import process
from tools import schemas


def closed(schema: Any) -> Any:
    """The schema with no room for members that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema else inner


def check(name: str, document: Any) -> None:
    jsonschema.Draft202012Validator(closed(schemas.schema(name))).validate(document)


@pytest.mark.parametrize("name", schemas.DOCUMENTS)
def test_what_is_committed_is_up_to_date(name: str, repository: Path) -> None:
    path = repository / "Documentation/schemas" / schemas.file_name(name)
    assert path.read_text(encoding="utf-8") == schemas.text(name), (
        "run `python Python/tools/schemas.py Documentation/schemas` and commit it"
    )
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_nothing_else_is_there(repository: Path) -> None:
    names = {path.name for path in (repository / "Documentation/schemas").iterdir()}
    assert names == {schemas.file_name(name) for name in schemas.DOCUMENTS}


def test_every_document_has_one(repository: Path) -> None:
    sources = (path.read_text(encoding="utf-8") for path in (repository / "Sources").rglob("*.swift"))
    named = {name for text in sources for name in re.findall(r'"(clues/[a-z-]+/\d+)"', text)}
    # What clues keeps for itself.
    own = {"clues/catalog/1", "clues/experiment-step/1", "clues/training-settings/1", "clues/trusted/1"}
    classes = (cls for _, classes in schemas.DOCUMENTS.values() for cls in classes)
    described = {name for cls in classes if (name := getattr(cls, "SCHEMA", None)) is not None}
    assert named - own == described


def test_a_member_that_is_unknown_missing_or_wrong_is_noticed() -> None:
    good = {"schema": "clues/plan/1", "method": "m", "space": "s", "dtype": "d", "clients": [], "modules": []}
    check("plan", {**good, "partial": []})
    for bad in (good, {**good, "partial": [], "more": 1}, {**good, "partial": [1]}, {**good, "partial": None}):
        with pytest.raises(jsonschema.ValidationError):
            check("plan", bad)


def lines(path: Path) -> Iterator[Any]:
    return (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    return clues.run(repository / "recipes/clues-calibrated.yaml", out=tmp_path_factory.mktemp("run") / "run").path


def test_files_of_a_run(run_folder: Path) -> None:
    folder = run_folder / "clues"
    check("run", json.loads((folder / "run.json").read_text()))
    check("scoring", json.loads((folder / "scores.origin.json").read_text()))
    check("threshold", json.loads((folder / "threshold.json").read_text()))
    for row in lines(folder / "scores.jsonl"):
        check("score-row", row)


@pytest.mark.parametrize(
    "options",
    [["average", "--residual", "--rank", "4"], ["knots"], ["krum"], ["ties", "--space", "factors"]],
    ids=lambda options: str(options[0]),
)
def test_records_of_merges(tmp_path: Path, bundles: list[Path], options: list[str]) -> None:
    line = ["--method", *options, "--output", str(tmp_path / "merged"), *map(str, bundles)]
    check("run", process.document(["merge"], line))
    check("plan", process.document(["merge"], ["--dry-run", *line]))


def test_selections(run_folder: Path, tmp_path: Path) -> None:
    scores = str(run_folder / "clues/scores.jsonl")
    for options in (["--threshold", "otsu"], ["--threshold", "anchor-sigma", "--calibrate"], ["--draws", "0"]):
        check("selection", process.document(["select"], [*options, scores]))
    check("selection", process.document(["select"], ["--threshold", "fixed", "-p", "value=5", scores]))


def test_inspections(repository: Path, bundles: list[Path]) -> None:
    tiny = repository / "Tests/Fixtures/tiny/c1"
    for path in (*bundles, tiny, tiny / "checkpoint-8/adapter_model.safetensors", tiny / "checkpoint-8/optimizer.pt"):
        check("inspection", process.document(["inspect"], [str(path)], tells_progress=False))


def test_evidence(tmp_path: Path, repository: Path) -> None:
    folder = repository / "Tests/Fixtures/capture"
    train = tmp_path / "train.jsonl"
    rows = [{"input_ids": [5, 6, 7], "labels": labels} for labels in ([-100, 6, 7], [-100, -100, -100])]
    train.write_text("".join(json.dumps(row) + "\n" for row in rows))
    value = process.document(
        ["capture"],
        [
            str(folder / "client"), "--base", str(folder / "base"), "--train", str(train),
            "--anchor", str(folder / "anchor.jsonl"), "--validation", f"a={folder / 'validation.jsonl'}",
            "--output", str(tmp_path / "client"),
        ],
    )  # fmt: skip
    check("capture", value)
    assert value["unscored"]
    for row in lines(tmp_path / "client/samples.jsonl"):
        check("sample-row", row)
    for row in lines(tmp_path / "client/ledger.jsonl"):
        check("ledger-row", row)


def test_trainings(tmp_path: Path, repository: Path) -> None:
    folder = repository / "Tests/Fixtures/training"
    rows = (folder / "data.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "train.jsonl").write_text('{"id": "bad", "input_ids": [1, 2], "labels": [-100, -100]}\n' + rows[0])
    (tmp_path / "validation.jsonl").write_text(rows[1])
    line = [
        "--base", str(folder / "llama/base"), "--data", str(tmp_path / "train.jsonl"), "--steps", "2",
        "--output", str(tmp_path / "out"), "--capture", "--validation", f"a={tmp_path / 'validation.jsonl'}",
    ]  # fmt: skip
    first, again = process.document(["train"], line), process.document(["train"], line)
    assert first["left_out"]
    assert "capture" in first
    assert again["resumed_from"] == 2
    for value in (first, again):
        check("training", value)


def test_measurements(tmp_path: Path, repository: Path) -> None:
    folder = repository / "Tests/Fixtures"
    line = [
        "--base", str(folder / "capture/base"), "--data", str(folder / "capture/train.jsonl"),
        "--data", str(folder / "measure/choices.jsonl"), "--draws", "20", "--generate", "--max-new-tokens", "4",
        "--answers", str(tmp_path / "answers.jsonl"), "--samples", str(tmp_path / "samples.jsonl"), "--force",
        str(folder / "capture/client"),
    ]  # fmt: skip
    whole = process.document(["measure"], line)
    check("measure", whole)
    check("measure", process.document(["measure"], [*line[:4], "--draws", "20"]))
    rows = list(lines(tmp_path / "answers.jsonl"))
    assert rows == whole["examples"]
    for row in rows:
        check("answer-row", row)
    samples = list(lines(tmp_path / "samples.jsonl"))
    assert {"bytes" in row for row in samples} == {True, False}
    for row in samples:
        check("measured-row", row)
    marks = tmp_path / "marks.jsonl"
    marks.write_text(json.dumps({"id": rows[0]["id"], "adapter": "client", "mark": 4}))
    marked = process.document(["measure"], ["--marks", str(marks), *line])
    assert {"losses", "choices", "answers", "marks", "left_out"} <= {key for key, value in marked.items() if value}
    check("measure", marked)


def test_experiments(tmp_path: Path, experiment: Path) -> None:
    value = process.document(["experiment"], [str(experiment)])
    check("experiment", value)
    assert value == json.loads((tmp_path / "out/experiment.json").read_text())
    assert value["examples"]
    assert value["selections"]


def test_a_conversion(tmp_path: Path, repository: Path) -> None:
    model = repository / "Tests/Fixtures/models/qwen2"
    options = ["--base", str(model), "--output", str(tmp_path / "a.gguf"), str(model / "adapter")]
    check("conversion", process.document(["convert"], options))


def test_bundles(tmp_path: Path, bundles: list[Path], repository: Path) -> None:
    check("packing", process.document(["pack"], ["--output", str(tmp_path / "m.tar"), str(bundles[0])]))
    import tarfile

    with tarfile.open(tmp_path / "m.tar") as archive:
        manifest = archive.extractfile("clues.json")
        assert manifest is not None
        check("clues.json", json.load(manifest))
    check("vetting", process.document(["vet"], [str(path) for path in bundles]))
    labels = str(repository / "checkpoints/labels.jsonl")
    scores = clues.score(bundles[:1], scorer="tracin", out=tmp_path / "scores.jsonl").path
    check("evaluation", process.document(["evaluate"], ["--labels", labels, str(scores)], tells_progress=False))
    for row in lines(tmp_path / "scores.jsonl"):
        check("score-row", row)


def test_plugins(tmp_path: Path) -> None:
    listed = process.document(["plugins", "list"], tells_progress=False)
    check("plugins", listed)
    for plugin in listed["plugins"]:
        check("plugin", process.document(["plugins", "show"], [plugin["id"]], tells_progress=False))
    check("plugin-checks", process.document(["plugins", "check", "--list"], tells_progress=False))
    library = next(plugin["path"] for plugin in listed["plugins"] if plugin["id"] == "otsu")
    checked = process.document(["plugins", "check"], [library], tells_progress=False, even_refused=True)
    check("plugin-check", checked)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_manifests_of_plugins(tmp_path: Path) -> None:
    line = [str(clues.executable()), "plugins", "new", "--language", "c", "my-median"]
    subprocess.run(line, cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["make"], cwd=tmp_path / "my-median", check=True, capture_output=True)
    library = str(next((tmp_path / "my-median").glob("**/*.so")))
    check("plugin-manifest", json.loads(process.run(["plugins", "manifest"], [library], tells_progress=False)))


def test_recipes(tmp_path: Path, repository: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("clients: [a]\nmerge: {method: tiez, rank: x}\n")
    for path in (bad, repository / "recipes/ties.yaml"):
        line = ["recipe", "check"]
        check("recipe-check", process.document(line, [str(path)], tells_progress=False, even_refused=True))
    explained = process.document(
        ["recipe", "explain"], ["--modules", str(repository / "recipes/ties.yaml")], tells_progress=False
    )
    check("parameters", explained)
    schema = json.loads((repository / "recipes/recipe.schema.json").read_text())
    recipe = str(repository / "recipes/clues-calibrated.yaml")
    jsonschema.validate(process.document(["recipe", "explain"], [recipe], tells_progress=False), schema)


def test_progress(tmp_path: Path, bundles: list[Path]) -> None:
    inputs = [str(path) for path in bundles]
    line = [str(clues.executable()), "merge", "--progress", "json", "--method", "ties", "--space", "factors"]
    done = subprocess.run([*line, "-o", str(tmp_path / "out"), *inputs], capture_output=True, text=True, check=True)
    failed = subprocess.run(
        [*line, "-o", str(tmp_path / "no"), "gone.zip"], capture_output=True, text=True, check=False
    )
    events = [json.loads(text) for text in (done.stderr + failed.stderr).splitlines()]
    assert {event["type"] for event in events} >= {"begin", "end", "warning", "error"}
    for event in events:
        check("progress", event)


def test_progress_of_a_training(tmp_path: Path, repository: Path) -> None:
    folder = repository / "Tests/Fixtures/training"
    line = [
        str(clues.executable()), "train", "--progress", "json", "--base", str(folder / "llama/base"),
        "--data", str(folder / "data.jsonl"), "--steps", "2", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    events = [json.loads(text) for text in done.stderr.splitlines()]
    assert any("loss" in event for event in events)
    for event in events:
        check("progress", event)

"""Writes the JSON Schemas of all documents to a folder: ``python tools/schemas.py Documentation/schemas``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from clues import documents as d
from clues.decoding import json_schema

#: Of every file the title and the dataclasses that the document is one of.
DOCUMENTS: dict[str, tuple[str, tuple[type, ...]]] = {
    "answer-row": ("Line of the answers of a measurement", (d.AnswerRow,)),
    "capture": ("Capture", (d.CaptureReport,)),
    "clues.json": ("Manifest of a bundle", (d.Manifest,)),
    "evaluation": ("Evaluation", (d.Evaluation,)),
    "experiment": ("Experiment", (d.ExperimentRecord,)),
    "inspection": ("Inspection", (d.BundleInspection, d.TensorsInspection, d.OptimizerInspection)),
    "ledger-row": ("Line of ledger.jsonl", (d.LedgerRow,)),
    "measure": ("Measurement", (d.Measurement,)),
    "measured-row": ("Line of the samples of a measurement", (d.MeasuredSampleRow, d.MeasuredQuestionRow)),
    "packing": ("Packing list", (d.PackingList,)),
    "conversion": ("Conversion", (d.Conversion,)),
    "parameters": ("Values of parameters", (d.ParameterTable,)),
    "plan": ("Plan of a run", (d.RunPlan,)),
    "plugin": ("Plugin", (d.PluginInfo,)),
    "plugin-check": ("Check of plugins", (d.PluginCheck,)),
    "plugin-checks": ("Checks of plugins that there are", (d.PluginChecks,)),
    "plugin-manifest": ("Manifest of plugins", (d.PluginManifest,)),
    "plugins": ("Plugins", (d.PluginList,)),
    "progress": ("Line of --progress json", (d.ProgressEvent,)),
    "recipe-check": ("Check of a recipe", (d.RecipeCheck,)),
    "run": ("Record of a run", (d.RunRecord,)),
    "sample-row": ("Line of samples.jsonl", (d.SampleRow,)),
    "score-row": ("Line of scores.jsonl", (d.ScoreRow,)),
    "scoring": ("Origin of scores", (d.ScoringOrigin,)),
    "selection": ("Selection", (d.Selection,)),
    "threshold": ("Threshold", (d.ThresholdFile,)),
    "training": ("Training", (d.TrainingReport,)),
    "vetting": ("Vetting", (d.Vetting,)),
}


#: What documents are that are one of several dataclasses.
_ABOUT = {"inspection": "What `clues inspect --json` prints.", "measured-row": "A line of `clues measure --samples`."}


def schema(name: str) -> dict[str, Any]:
    """The schema of a document."""
    title, classes = DOCUMENTS[name]
    about = _ABOUT.get(name) or " ".join((classes[0].__doc__ or "").split())
    return json_schema(*classes, title=title, description=about)


def file_name(name: str) -> str:
    """The file of a document's schema."""
    return f"{name.removesuffix('.json')}.schema.json"


def text(name: str) -> str:
    """The file's text."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in DOCUMENTS:
        (folder / file_name(name)).write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()

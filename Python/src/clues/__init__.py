"""Merges the LoRA adapters of many clients, and selects which of their samples are good.

The functions are the commands of the executable ``clues``, which this package brings along or finds on PATH.
"""

from ._version import __version__
from .commands import (
    Captured,
    Merged,
    Scores,
    Selected,
    Trained,
    capture,
    check_recipe,
    convert,
    evaluate,
    experiment,
    inspect,
    measure,
    merge,
    pack,
    plan_merge,
    plugin,
    plugins,
    read_scores,
    report,
    run,
    score,
    select,
    train,
    version,
    vet,
)
from .errors import CluesError, CluesWarning
from .locations import documentation, recipes
from .locations import find as executable
from .weighted import add_weighted_adapter

__all__ = [
    "Captured",
    "CluesError",
    "CluesWarning",
    "Merged",
    "Scores",
    "Selected",
    "Trained",
    "__version__",
    "add_weighted_adapter",
    "capture",
    "check_recipe",
    "convert",
    "documentation",
    "evaluate",
    "executable",
    "experiment",
    "inspect",
    "measure",
    "merge",
    "pack",
    "plan_merge",
    "plugin",
    "plugins",
    "read_scores",
    "recipes",
    "report",
    "run",
    "score",
    "select",
    "train",
    "version",
    "vet",
]

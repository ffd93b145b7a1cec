"""How far the work is: events of ``--progress json``, and a bar of tqdm where that is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from .documents import ProgressEvent

#: What takes the events of a command that works.
ProgressCallback: TypeAlias = Callable[[ProgressEvent], None]

#: ``None``: a bar where tqdm is installed and standard error is a terminal. ``True``: a bar wherever tqdm is installed.
#: ``False``: nothing. A function: every event.
Progress: TypeAlias = bool | ProgressCallback | None


def display(progress: Progress) -> ProgressCallback | None:
    """What shows the events, as the user wants it."""
    if callable(progress):
        return progress
    if progress is False or (progress is None and not sys.stderr.isatty()):
        return None
    try:
        bar = import_module("tqdm.auto").tqdm
    except ImportError:
        return None
    return _Bars(bar)


class _Bars:
    """One bar for each stage."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._bar: Any = None

    def __call__(self, event: ProgressEvent) -> None:
        if event.type == "begin":
            unit = event.unit or ""
            self._bar = self._make(
                total=event.total, desc=event.stage, unit="B" if unit == "bytes" else f" {unit}", leave=False,
                unit_scale=unit == "bytes",
            )  # fmt: skip
        elif self._bar is not None and event.type in ("advance", "end"):
            self._bar.update((event.done or 0) - self._bar.n)
            if event.type == "end":
                self._bar.close()
                self._bar = None

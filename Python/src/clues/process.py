"""Runs the executable and reads what it says."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterable, Sequence
from typing import IO, Any

from . import locations
from .decoding import decode
from .documents import ProgressEvent
from .errors import CluesError, CluesWarning, from_event, from_text, joined
from .progress import Progress, ProgressCallback, display

_log = logging.getLogger("clues")


def run(
    command: Sequence[str],
    arguments: Iterable[str] = (),
    *,
    progress: Progress = False,
    tells_progress: bool = True,
    even_refused: bool = False,
) -> str:
    """Runs a command to its end and returns its standard output.

    Warnings become :class:`CluesWarning`, notes go to the logger ``clues``.

    :param tells_progress: Whether the command has ``--progress``.
    :param even_refused: Whether output counts although the exit code says that something is wrong.
    :raises CluesError: what the command refuses.
    """
    line = [str(locations.find()), *command, *(["--progress", "json"] if tells_progress else []), *arguments]
    reader = _Reader(display(progress) if tells_progress else None)
    # The child reads no terminal, and its messages are for programs however the terminal is coloured.
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("CLICOLOR_FORCE", None)
    with subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        errors="replace", env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        messages = threading.Thread(target=reader.read, args=(process.stderr,), daemon=True)
        messages.start()
        try:
            output = process.stdout.read()
            process.wait()
        except BaseException:
            # It stops in order, so that nothing half-written is left behind; what it had to say is not awaited.
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait()
            raise
        finally:
            messages.join(timeout=10)
    if process.returncode == -signal.SIGINT or process.returncode == 130:
        raise CluesError("interrupted", kind="interrupted")
    if process.returncode != 0 and not (even_refused and output):
        raise reader.error(process.returncode)
    for warning in reader.warnings:
        warnings.warn(warning, CluesWarning, stacklevel=_depth())
    return output


def _depth() -> int:
    """How far up the first line lies that is not of this package."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "clues":
        frame, depth = frame.f_back, depth + 1
    return depth


def document(
    command: Sequence[str],
    arguments: Iterable[str] = (),
    *,
    progress: Progress = False,
    tells_progress: bool = True,
    even_refused: bool = False,
) -> Any:
    """Runs a command with ``--json`` and returns the document that it prints."""
    line = [*command, "--json"]
    text = run(line, arguments, progress=progress, tells_progress=tells_progress, even_refused=even_refused)
    try:
        return json.loads(text)
    except ValueError as error:
        raise CluesError(f"`clues {command[0]}` printed no JSON: {error}", kind="crashed") from error


class _Reader:
    """What stands on standard error, sorted."""

    def __init__(self, show: ProgressCallback | None) -> None:
        self._show = show
        self._errors: list[CluesError] = []
        self._texts: list[str] = []
        self.warnings: list[str] = []

    def read(self, stream: IO[str]) -> None:
        for line in stream:
            line = line.rstrip("\n")
            event = _event(line)
            if event is None:
                self._texts.append(line)
                continue
            kind = event.get("type")
            if kind == "error":
                self._errors.append(from_event(event))
            elif kind == "warning":
                self.warnings.append(str(event.get("message")))
            elif kind == "log":
                _log.info("%s", event.get("message"))
            elif self._show is not None:
                self._tell(event)

    def _tell(self, event: dict[str, Any]) -> None:
        show = self._show
        if show is None:
            return
        try:
            show(decode(ProgressEvent, event, "an event"))
        except Exception:
            # A display that fails must not stop the work, nor fill the pipe that the work writes into.
            _log.exception("progress cannot be shown")
            self._show = None

    def error(self, code: int) -> CluesError:
        if self._errors:
            return joined(self._errors)
        if code < 0:
            name = signal.Signals(-code).name
            said = " ".join(text.strip() for text in self._texts[-5:])
            words = f"the executable was ended by {name}" + (f": {said}" if said else "")
            return CluesError(words, kind="crashed", exit_code=code)
        return from_text(self._texts, code)


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and str(value.get("schema", "")).startswith("clues/progress/") else None

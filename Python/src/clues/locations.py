"""Where the executable is, and what came along with it."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from .errors import CluesError


def find() -> Path:
    """The executable: the one of this package's wheel, else the one on PATH; ``CLUES`` in the environment goes first.

    :raises CluesError: ``missingInput`` where there is none.
    """
    if (named := os.environ.get("CLUES")) is not None:
        if (path := shutil.which(named)) is None:
            raise CluesError("CLUES in the environment names no executable", kind="missingInput", file=named)
        return Path(path)
    for candidate in _installed():
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
    if (path := shutil.which("clues")) is not None:
        return Path(path)
    raise CluesError(
        "there is no executable: this installation of clues-merge brings none, and PATH has none",
        kind="missingInput",
        advice="install the wheel that `make wheel` builds, or run `make install` and put its bin on PATH",
    )


def _installed() -> list[Path]:
    """Where an installer of wheels puts scripts: into this environment, into the user's, or beside `--target`."""
    folders = [Path(sysconfig.get_path("scripts"))]
    user = sysconfig.get_preferred_scheme("user")
    folders.append(Path(sysconfig.get_path("scripts", user)))
    folders.append(Path(__file__).resolve().parent.parent / "bin")
    folders.append(Path(sys.prefix) / "bin")
    return [folder / "clues" for folder in folders]


def _share(name: str) -> Path:
    # `bin/clues` and `share` lie below one prefix, wherever that is.
    folder = find().resolve().parent.parent / "share" / name
    if not folder.is_dir():
        raise CluesError(
            "is not there: the executable that is used came without it",
            kind="missingInput",
            file=str(folder),
            advice="it comes with the wheel that `make wheel` builds",
        )
    return folder


def recipes() -> Path:
    """The folder of the recipes that come along, and of their JSON Schema."""
    return _share("clues/recipes")


def documentation() -> Path:
    """The folder of the documentation that comes along: ``README.md``, ``Documentation/*.md`` and the JSON Schemas."""
    return _share("doc/clues")

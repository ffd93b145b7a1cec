"""Puts the built tree into the wheel and names the platform that it needs.

Without ``CLUES_WHEEL_TREE`` the wheel is pure Python, and needs an executable on PATH.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuiltTree(BuildHookInterface):  # type: ignore[misc]
    """Takes ``bin`` as scripts, and all else as data: installers put both below one prefix, as `make install` does."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the files."""
        tree = os.environ.get("CLUES_WHEEL_TREE")
        if not tree or self.target_name != "wheel" or version == "editable":
            return
        root = Path(tree)
        build_data["tag"] = f"py3-none-{os.environ['CLUES_WHEEL_PLATFORM']}"
        build_data["pure_python"] = False
        for path in sorted(root.rglob("*")):
            if path.is_file():
                name = str(path.relative_to(root))
                kind = "shared_scripts" if name.startswith("bin/") else "shared_data"
                build_data[kind][str(path)] = name.removeprefix("bin/")

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def bundles() -> list[Path]:
    return [REPOSITORY / "checkpoints" / name for name in ("medical.tar.zst", "financial.tar.gz", "multilingual.zip")]

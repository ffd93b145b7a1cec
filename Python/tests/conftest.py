from __future__ import annotations

import json
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


@pytest.fixture
def experiment(tmp_path: Path, repository: Path) -> Path:
    """An experiment on the tiny model of the fixtures, with the data that it needs."""
    for client, verb in (("a", "lives in"), ("b", "is west of")):
        rows = [
            {"prompt": f"{client} {n}?", "completion": f" Number {n} {verb} area {n + 10} and {7 * n % 40}."}
            for n in range(20)
        ]
        for name, start, end in (("train", 0, 10), ("anchor", 10, 14), ("validation", 14, 16), ("test", 16, 20)):
            lines = "".join(json.dumps(row) + "\n" for row in rows[start:end])
            (tmp_path / f"{client}-{name}.jsonl").write_text(lines, encoding="utf-8")
    clients = "".join(
        f"  - {{name: {c}, train: {c}-train.jsonl, anchor: {c}-anchor.jsonl, validation: {c}-validation.jsonl, "
        f"test: {c}-test.jsonl}}\n"
        for c in "ab"
    )
    path = tmp_path / "experiment.yaml"
    path.write_text(
        f"""base: {repository / "Tests/Fixtures/capture/base"}
output: out
clients:
{clients}training: {{steps: 4, batch: 4, rank: 2, targets: [q_proj], learning_rate: 0.01}}
corruption: {{shares: [0.5], kinds: [shuffle, swap]}}
seeds: [1]
arms:
  - {{name: all, keep: all}}
  - {{name: loss, score: {{scorer: loss}}, select: {{threshold: anchor-sigma}}}}
merges:
  - {{name: mean, merge: {{method: average, rank: same}}}}
measure: {{draws: 50, examples: 1, answer_tokens: 4}}
""",
        encoding="utf-8",
    )
    return path

"""What the documentation measures with runs, on a model that takes no time."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("peft")

from benchmarks import capture


@pytest.mark.parametrize(
    "options",
    [["--against", "loop"], ["--against", "step", "--dtype", "bfloat16", "--checkpointing"]],
    ids=lambda options: str(options[1]),
)
def test_capturing(options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["capture.py", "--shape", "tiny", "--length", "16", "--samples", "4", "--rounds", "1", *options]
    monkeypatch.setattr(sys, "argv", line)
    capture.main()
    told = capsys.readouterr().out
    assert "samples/s" in told
    assert f"hooks / {options[1]}: " in told

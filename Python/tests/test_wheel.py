"""The wheel with the executable, installed into an environment that has nothing else; CLUES_WHEEL names it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from tools.wheel import PROMISED

WHEEL = os.environ.get("CLUES_WHEEL")
pytestmark = pytest.mark.skipif(WHEEL is None, reason="CLUES_WHEEL names no wheel; `make test-python` builds one")


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment") / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet", "--no-index"]
    subprocess.run([*pip, str(WHEEL)], check=True)
    return folder


def outside(*line: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command without what this environment says about executables and libraries."""
    kept = {key: value for key, value in os.environ.items() if key not in ("CLUES", "PYTHONPATH", "LD_LIBRARY_PATH")}
    return subprocess.run(
        [str(part) for part in line], capture_output=True, text=True, check=False, env={**kept, **more}
    )


def test_the_executable_of_the_package_is_used(prefix: Path) -> None:
    done = outside(prefix / "bin/python", "-c", "import clues; print(clues.executable(), clues.version())")
    assert done.stdout.split() == [str(prefix / "bin/clues"), "0.1.0"], done.stderr
    script = "import clues; print(clues.merge([clues.recipes() / '../none'], method='x', out='y'))"
    assert "CluesError" in outside(prefix / "bin/python", "-c", script).stderr


def merged(clues: Path, out: Path, bundles: list[Path]) -> str:
    done = outside(clues, "merge", "--method", "knots", "-q", "-o", out, *bundles)
    assert done.returncode == 0, done.stderr
    return hashlib.sha256((out / "adapter_model.safetensors").read_bytes()).hexdigest()


def test_results_are_those_of_the_build(prefix: Path, tmp_path: Path, bundles: list[Path]) -> None:
    native = os.environ.get("CLUES")
    if native is None:
        pytest.skip("CLUES names no build to compare with")
    assert merged(prefix / "bin/clues", tmp_path / "a", bundles) == merged(Path(native), tmp_path / "b", bundles)


def test_all_plugins_come_along(prefix: Path) -> None:
    done = outside(prefix / "bin/clues", "plugins", "list")
    for name in ("average", "knots", "ties", "krum", "ifd", "otsu"):
        assert f"  {name} " in done.stdout


def test_it_runs_where_nothing_else_is(prefix: Path, tmp_path: Path, bundles: list[Path]) -> None:
    """A root with the promised libraries of the system, and no others."""
    root = tmp_path / "root"
    for name in ("bin", "lib/clues", "share/clues"):
        source = prefix / name
        if source.is_dir() and name != "bin":
            shutil.copytree(source, root / "opt" / name)
    (root / "opt/bin").mkdir(parents=True)
    shutil.copy(prefix / "bin/clues", root / "opt/bin/clues")
    needed = subprocess.run(["ldd", prefix / "bin/clues"], capture_output=True, text=True, check=True).stdout
    for line in needed.splitlines():
        found = re.match(r"\s*(?:(\S+) => )?(/\S+) \(", line)
        if found and PROMISED.fullmatch(Path(found[2]).name):
            target = root / found[2].lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(found[2]).resolve(), target)
    (root / "tmp").mkdir()
    (root / "proc").mkdir()
    for bundle in bundles:
        shutil.copy(bundle, root / bundle.name)
    # Its plugins are looked for from /proc/self/exe.
    inside = f'mount --bind /proc {root}/proc && exec chroot {root} /opt/bin/clues "$@"'
    enter = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside, "sh"]
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], check=False).returncode != 0:
        pytest.skip("namespaces are not allowed here")
    done = outside(*enter, "merge", "--method", "knots", "-q", "-o", "/merged", *[f"/{path.name}" for path in bundles])
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256((root / "merged/adapter_model.safetensors").read_bytes()).hexdigest()
    assert digest == merged(prefix / "bin/clues", tmp_path / "outside", bundles)


def test_libraries_of_others_are_not_taken(prefix: Path, tmp_path: Path, bundles: list[Path]) -> None:
    """An OpenBLAS that LD_LIBRARY_PATH leads to, as in a conda environment, is passed over."""
    (tmp_path / "libopenblas.so.0").write_bytes(b"no library")
    assert outside(prefix / "bin/clues", "--version", LD_LIBRARY_PATH=str(tmp_path)).stdout == "0.1.0\n"


def test_data_that_nothing_reads_stay_out(prefix: Path) -> None:
    for library in (prefix / "lib/clues").glob("libicudata.so.*"):
        assert library.stat().st_size < 100_000


def test_licences_are_complete(prefix: Path) -> None:
    folder = prefix / "share/doc/clues/licences"
    told = (folder / "README.md").read_text(encoding="utf-8")
    for library in (prefix / "lib/clues").glob("*.so*"):
        is_runtime = "swift" in library.name or library.name in ("libdispatch.so", "libBlocksRuntime.so")
        assert is_runtime or f"| {library.name} |" in told, library
    for name in re.findall(r"\]\(([^)]+)\)", told):
        assert (folder / name).stat().st_size > 500


def test_what_help_texts_name_is_there(prefix: Path) -> None:
    told = outside(prefix / "bin/clues", "--experimental-dump-help").stdout
    names = set(re.findall(r"Documentation/\w+\.md", told.replace("\\/", "/")))
    assert names
    documentation = prefix / "share/doc/clues"
    assert {name for name in names if not (documentation / name).exists()} == set()
    assert (prefix / "share/clues/recipes/recipe.schema.json").exists()
    assert (prefix / "share/man/man1/clues-merge.1").exists()


def test_it_starts_as_quickly_as_the_build(prefix: Path) -> None:
    native = os.environ.get("CLUES")
    if native is None:
        pytest.skip("CLUES names no build to compare with")

    def seconds(path: Path) -> float:
        start = time.perf_counter()
        subprocess.run([path, "--version"], check=True, capture_output=True)
        return time.perf_counter() - start

    best = {path: seconds(path) for path in (Path(native), prefix / "bin/clues")}
    for _ in range(30):
        best = {path: min(least, seconds(path)) for path, least in best.items()}
    print({path.name: f"{least * 1000:.1f} ms" for path, least in best.items()}, best)
    assert best[prefix / "bin/clues"] < best[Path(native)] + 0.010


def test_evidence_says_what_it_needs(prefix: Path) -> None:
    done = outside(prefix / "bin/clues-capture", "--help")
    assert done.returncode == 0, done.stderr
    line = ["--adapter", "client", "--model", "base", "--train", "train.jsonl"]
    done = outside(prefix / "bin/clues-capture", *line)
    assert done.returncode == 64
    assert "clues-merge[capture]" in done.stderr

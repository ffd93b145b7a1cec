"""Builds the wheel with the executable: ``python tools/wheel.py BUILD_FOLDER OUTPUT_FOLDER``.

The tree of `make install` goes in, with every shared library that manylinux does not promise, so that it runs where
there is no Swift, OpenBLAS or libarchive. Which glibc it needs is what auditwheel finds out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[1]
REPOSITORY = PYTHON.parent

#: What comes with glibc or is promised by manylinux, in versions that auditwheel checks.
PROMISED = re.compile(
    r"(linux-vdso|ld-linux.*|libc|libm|libdl|librt|libpthread|libutil|libresolv|libgcc_s|libstdc\+\+|libz)\.so[.\d]*"
)


def run(*command: str | Path, **environment: str) -> str:
    """What a command prints; an error of it ends this one."""
    line = [str(part) for part in command]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}, check=False)
    if done.returncode != 0:
        sys.exit(f"wheel: {' '.join(map(str, command))} failed: {done.stdout}")
    return done.stdout


def is_elf(path: Path) -> bool:
    """Whether the file is an executable or a library."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path: Path) -> dict[str, Path]:
    """The shared libraries that the loader finds for a file, by name."""
    found = {}
    for line in run("ldd", path).splitlines():
        if (match := re.match(r"\s*(\S+) => (\S+|not found)", line)) is None:
            continue
        if match[2] == "not found":
            sys.exit(f"wheel: {path} needs {match[1]}, which is not found")
        found[match[1]] = Path(match[2])
    return found


def install(build: Path, tree: Path) -> None:
    """`make install`, without what an installer of wheels does itself."""
    run(REPOSITORY / "scripts/install", build, "/", DESTDIR=str(tree))
    (tree / "lib/clues/install.manifest").unlink()
    # The manual and the schemas, at paths that help texts name.
    documentation = tree / "share/doc/clues"
    shutil.copytree(REPOSITORY / "Documentation", documentation / "Documentation")
    for name in ("README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, documentation / name)


def bundle(tree: Path) -> list[Path]:
    """Puts the libraries that are not promised beside the Swift runtime; returns where they came from."""
    libraries = tree / "lib/clues"
    binaries = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink() and is_elf(path)]
    sources: dict[str, Path] = {}
    for binary in binaries:
        for name, path in needed(binary).items():
            if not PROMISED.fullmatch(name) and tree not in path.parents:
                sources[name] = path
    for name, path in sources.items():
        if not (libraries / name).exists():
            shutil.copy(path.resolve(), libraries / name)
            (libraries / name).chmod(0o644)
    for path in {*binaries, *(libraries / name for name in sources)}:
        if path.parent == tree / "bin":
            place = "$ORIGIN/../lib/clues"
        else:
            place = "$ORIGIN/.." if path.parent.name == "plugins" else "$ORIGIN"
        run("strip", "--strip-unneeded", path)
        # RPATH and not RUNPATH: LD_LIBRARY_PATH of a conda environment must not bring in another OpenBLAS.
        run("patchelf", "--force-rpath", "--set-rpath", place, path)
    return sorted(sources.values())


#: ICU's `stubdata`, a table of contents without contents, as a library of data may be where nothing needs data.
STUB = """\
#include <stdint.h>
#define DATA icudt%s_dat
const struct { _Alignas(16) uint16_t header; uint8_t magic[2]; uint16_t info, reserved; uint8_t is_big_endian, charset,
  character, more, format[4], version[8], padding[8]; uint32_t count, rest; } DATA =
  { 32, {0xda, 0x27}, 20, 0, 0, 0, 2, 0, {'T', 'o', 'C', 'P'}, {1}, {0}, 0, 0 };
"""


def without_unused_data(tree: Path, scratch: Path) -> None:
    """Takes out ICU's 31 MB of data, for which libarchive's reader of XAR archives asks, and clues reads none."""
    for library in (tree / "lib/clues").glob("libicudata.so.*"):
        source = scratch / "icudata.c"
        source.write_text(STUB % library.name.rpartition(".")[2], encoding="ascii")
        run("cc", "-shared", "-nostdlib", "-s", f"-Wl,-soname,{library.name}", "-o", library, source)


def licences(tree: Path, sources: list[Path], build: Path) -> None:
    """The licences of all that is bundled: what Debian says of its packages, and that of Swift."""
    target = tree / "share/doc/clues/licences"
    target.mkdir(parents=True)
    rows = []
    for source in sources:
        if "/swift/linux/" in str(source):
            continue
        package = owner(source)
        shutil.copy(f"/usr/share/doc/{package}/copyright", target / f"{package}.txt")
        version = run("dpkg-query", "-W", "-f", "${Version}", package)
        part = ", without its data" if source.name.startswith("libicudata") else ""
        rows.append(f"| {source.name} | Debian's {package} {version}{part} | [{package}.txt]({package}.txt) |")
    shutil.copy(swift_licence(), target / "swift.txt")
    runtime = "the Swift runtime, Foundation and libdispatch, in the executable and beside it"
    rows.append(f"| {runtime} | Swift | [swift.txt](swift.txt) |")
    for checkout in sorted((build_root(build) / "checkouts").iterdir()):
        file = next(path for name in ("LICENSE.txt", "LICENSE") if (path := checkout / name).exists())
        shutil.copy(file, target / f"{checkout.name}.txt")
        rows.append(
            f"| {checkout.name}, in the executable | its repository | [{checkout.name}.txt]({checkout.name}.txt) |"
        )
    head = "# What is bundled\n\n| what | from | licence |\n|---|---|---|\n"
    (target / "README.md").write_text(head + "\n".join(sorted(set(rows))) + "\n", encoding="utf-8")


def build_root(build: Path) -> Path:
    """The folder `.build` that a build folder lies in."""
    return next(parent for parent in build.absolute().parents if parent.name.startswith(".build"))


def owner(library: Path) -> str:
    """The package of Debian that a library is from, whose folder in /usr/share/doc holds its licence."""
    for path in (library, library.resolve(), Path("/usr") / library.relative_to("/")):
        done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True, check=False)
        packages = [line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith("diversion")]
        if packages and (Path("/usr/share/doc") / packages[0] / "copyright").exists():
            return packages[0]
    sys.exit(f"wheel: no package of Debian says what licence {library} has")


def swift_licence() -> Path:
    """The licence that the toolchain brings."""
    toolchain = Path(shutil.which("swiftc") or sys.exit("wheel: swiftc is not on PATH")).resolve().parents[1]
    for path in (toolchain / "share/swift/LICENSE.txt", toolchain / "share/doc/swift/LICENSE.txt"):
        if path.exists():
            return path
    sys.exit(f"wheel: the toolchain in {toolchain} brings no licence")


def platform(tree: Path, scratch: Path) -> str:
    """The platform that auditwheel gives the tree; it ends with an error where libraries are missing.

    auditwheel looks at files as they lie in a wheel, where scripts and data lie apart: so it gets them as they lie once
    they are installed.
    """
    folder = scratch / "installed"
    shutil.copytree(tree, folder / "clues_tree")
    info = folder / "clues_tree-1.dist-info"
    info.mkdir()
    tag = f"py3-none-linux_{os.uname().machine}"
    about = f"Wheel-Version: 1.0\nGenerator: clues\nRoot-Is-Purelib: false\nTag: {tag}\n"
    (info / "WHEEL").write_text(about)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clues_tree\nVersion: 1\n")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))
    wheel = scratch / f"clues_tree-1-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in [*files, (info / "RECORD").relative_to(folder)]:
            archive.write(folder / path, path)
    told = " ".join(run("auditwheel", "show", wheel).split())
    tags = re.search(r'consistent with the following platform tag: "(manylinux_[^"]+)"', told)
    if tags is None:
        sys.exit(f"wheel: auditwheel finds libraries that are not promised: {told}")
    outside = re.findall(r"(lib\S+\.so[.\d]*) with versions", told)
    strangers = [name for name in outside if not PROMISED.fullmatch(name) and not (tree / "lib/clues" / name).exists()]
    if strangers:
        sys.exit(f"wheel: these libraries are missing: {' '.join(strangers)}")
    return tags[1].split(".")[0]


def main() -> None:
    """Builds the wheel and says where it is."""
    build, output = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    # The tools that came with this Python go first.
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="clues-wheel-") as temporary:
        scratch = Path(temporary)
        tree = scratch / "tree"
        tree.mkdir()
        install(build, tree)
        sources = bundle(tree)
        without_unused_data(tree, scratch)
        licences(tree, sources, build)
        name = platform(tree, scratch)
        output.mkdir(parents=True, exist_ok=True)
        for old in output.glob("clues_merge-*.whl"):
            old.unlink()
        run(
            sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", output, PYTHON,
            CLUES_WHEEL_TREE=str(tree), CLUES_WHEEL_PLATFORM=name,
        )  # fmt: skip
    for wheel in output.glob("clues_merge-*.whl"):
        print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

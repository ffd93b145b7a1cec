"""The command `clues-capture`: evidence from the checkpoints of a training that is over, on any device."""

from __future__ import annotations

import argparse
import glob
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .._version import __version__
from ..errors import CluesError

if TYPE_CHECKING:
    from .capturing import Settings

_EXAMPLES = """\
Files of samples are JSON or JSON Lines, in the forms that `clues capture` reads. At every checkpoint each sample's
gradient and losses are measured, and samples.jsonl and ledger.jsonl go into the folder of the checkpoints. With several
GPUs: torchrun --nproc-per-node 4 -m clues.evidence …

examples:
  clues-capture --model HuggingFaceTB/SmolLM2-135M --adapter outputs/checkpoint-* --train t.jsonl --anchor a.jsonl \\
    --validation medical=v.jsonl
  clues-capture --model Qwen/Qwen2-7B --load-in 4bit --adapter 'outputs/checkpoint-*' --train t.jsonl --dtype bfloat16
  clues score outputs --scorer clues -p preset=calibrated -o scores.jsonl
"""


def parser() -> argparse.ArgumentParser:
    """The options."""
    p = argparse.ArgumentParser(
        prog="clues-capture", epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure a client's samples with PyTorch: from a model, checkpoints and data to a ledger.",
    )  # fmt: skip
    p.add_argument("--version", action="version", version=__version__)
    p.add_argument("--model", required=True, metavar="MODEL", help="the base model: a folder, or a name of the hub")
    p.add_argument(
        "--adapter", required=True, nargs="+", metavar="FOLDER",
        help="the checkpoints, or a folder of checkpoint-N; * is understood",
    )  # fmt: skip
    p.add_argument("--train", required=True, metavar="FILE", help="the training samples")
    p.add_argument("--anchor", metavar="FILE", help="samples that are known to be good")
    p.add_argument(
        "--validation", action="append", default=[], metavar="DOMAIN=FILE",
        help="the samples that others are compared with; may be repeated",
    )  # fmt: skip
    p.add_argument("--domain", metavar="NAME", help="the client's own domain, of samples that name none")
    p.add_argument("--tokenizer", metavar="FOLDER", help="the tokenizer; by default the model's")
    p.add_argument(
        "--template", metavar="NAME",
        help="how samples become text: chatml, llama2, llama3, mistral, qwen, qwen2, qwen3, smollm2, alpaca, plain, "
        "alpaca-clues; by default as the model's own chat template says",
    )  # fmt: skip
    p.add_argument(
        "--loss", choices=("answer", "all"), default="answer", help="the tokens that gradients are of, as in training"
    )
    p.add_argument("--score-loss", choices=("answer", "all"), help="the tokens that losses are measured over")
    p.add_argument("--max-length", type=int, metavar="N", help="cut samples off at so many tokens")
    p.add_argument("--gradients", action="store_true", help="write the gradients themselves, too")
    p.add_argument("-o", "--output", metavar="FOLDER", help="a new folder for adapters and evidence")
    p.add_argument("--force", action="store_true", help="replace evidence that is there")
    p.add_argument("--device", metavar="DEVICE", help="cpu, cuda, cuda:1, …; by default a GPU if there is one")
    p.add_argument(
        "--dtype", choices=("float32", "bfloat16", "float16", "auto"), default="float32",
        help="the type of the base model's numbers; auto is that of its files",
    )  # fmt: skip
    p.add_argument("--load-in", choices=("4bit", "8bit"), help="quantize the base model, with bitsandbytes")
    p.add_argument(
        "--batch-tokens", type=int, default=1024, metavar="N", help="tokens measured at a time (default %(default)s)"
    )
    p.add_argument(
        "--show", type=int, metavar="N", help="print the first samples of each file token by token, and do no more"
    )
    p.add_argument("--json", action="store_true", help="print what was measured as JSON")
    p.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries the command out; the exit codes are those of `clues`."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as end:
        return 64 if end.code == 2 else int(end.code or 0)
    try:
        try:
            from .capturing import run, show
        except ImportError as error:
            raise CluesError(
                f"PyTorch and its friends are missing: {error}",
                advice="pip install 'clues-merge[capture]'; or measure with `clues capture`, which needs none of them",
            ) from None
        settings = _settings(options)
        if options.show is not None:
            print(show(settings, options.show))
            return 0
        report = run(settings)
        if report is not None and options.json:
            print(json.dumps(report.document, indent=2, ensure_ascii=False))
        elif report is not None and not options.quiet:
            print(report.text)
    except CluesError as error:
        print(_told(error), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted; finished checkpoints are kept", file=sys.stderr)
        return 130
    return 0


def _told(error: CluesError) -> str:
    place = ":".join(str(part) for part in (error.file, error.line, error.column) if part is not None)
    words = (f"tensor '{error.tensor}': " if error.tensor else "") + error.message
    advice = f"\n  help: {error.advice}" if error.advice else ""
    return f"{place + ': ' if place else ''}error: {words}{advice}"


def _settings(options: argparse.Namespace) -> Settings:
    from .capturing import Settings

    validation = {}
    for text in options.validation:
        domain, is_parted, path = text.partition("=")
        if not (domain and is_parted):
            raise CluesError(f"--validation {text}: write DOMAIN=FILE")
        if domain in validation:
            raise CluesError(f"--validation names the domain '{domain}' twice")
        validation[domain] = path
    counts = (options.batch_tokens, options.max_length, options.show)
    if any(count is not None and count < 1 for count in counts):
        raise CluesError("--batch-tokens, --max-length and --show must be at least 1")
    return Settings(
        model=options.model, checkpoints=checkpoints(options.adapter), train=options.train, anchor=options.anchor,
        validation=validation, domain=options.domain, tokenizer=options.tokenizer, template=options.template,
        loss=options.loss, score_loss=options.score_loss, max_length=options.max_length, gradients=options.gradients,
        output=Path(options.output) if options.output else None, force=options.force, device=options.device,
        dtype=options.dtype, load_in=options.load_in, batch_tokens=options.batch_tokens, quiet=options.quiet,
    )  # fmt: skip


def checkpoints(patterns: Sequence[str]) -> dict[int, Path]:
    """The checkpoints that are meant, by step."""
    found: dict[int, Path] = {}
    for pattern in patterns:
        # A pattern that the shell did not write out; a folder may have such a name, too.
        is_pattern = glob.has_magic(pattern) and not Path(pattern).exists()
        paths = [Path(path) for path in glob.glob(pattern)] if is_pattern else [Path(pattern)]  # noqa: PTH207
        if not paths:
            raise CluesError("is matched by nothing", kind="missingInput", file=pattern)
        for path in paths:
            for step, folder in _checkpoints(path).items():
                if step in found and found[step] != folder:
                    raise CluesError(f"is of step {step}, and so is {found[step]}", file=str(folder))
                found[step] = folder
    return dict(sorted(found.items()))


def _checkpoints(path: Path) -> dict[int, Path]:
    if not path.is_dir():
        raise CluesError("is no folder", kind="missingInput", file=str(path), advice="check the path")
    path = path.absolute()
    if (step := _step(path)) is not None:
        return {step: path}
    inner = {step: folder for folder in path.glob("checkpoint-*") if (step := _step(folder)) is not None}
    if not inner:
        raise CluesError(
            "holds no checkpoint", kind="badData", advice="give the Trainer's output folder, or its checkpoint-N",
            file=str(path),
        )  # fmt: skip
    return inner


def _step(path: Path) -> int | None:
    if not (path / "adapter_config.json").exists():
        return None
    name = re.fullmatch(r"checkpoint-(\d+)", path.name)
    return int(name[1]) if name is not None else None

"""Inputs of commands: paths, and models of PEFT that are saved for the time of the command."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from .errors import CluesError

#: A path; a ``PeftModel``, of which the active adapter is meant; or a ``PeftModel`` and the name of an adapter.
Input: TypeAlias = "str | os.PathLike[str] | Any | tuple[Any, str]"


@contextlib.contextmanager
def paths(inputs: Sequence[Input]) -> Iterator[list[str]]:
    """The inputs as paths; models are saved to temporary folders that bear the adapters' names."""
    if isinstance(inputs, (str, os.PathLike)):
        raise CluesError("expected a list of inputs, not one path", advice=f"write [{os.fspath(inputs)!r}]")
    with contextlib.ExitStack() as stack:
        taken: set[str] = set()
        yield [_path(item, place, stack, taken) for place, item in enumerate(inputs)]


def _path(item: Input, place: int, stack: contextlib.ExitStack, taken: set[str]) -> str:
    if isinstance(item, (str, os.PathLike)):
        return str(os.fspath(item))
    model, name = item if isinstance(item, tuple) and len(item) == 2 else (item, None)
    if not (hasattr(model, "peft_config") and hasattr(model, "save_pretrained")):
        raise CluesError(
            f"input {place + 1} is of the type {type(item).__name__}",
            advice="give a path, a PeftModel, or a PeftModel and the name of an adapter",
        )
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clues-")))
    return str(save(model, name or active_adapter(model), folder, taken))


def active_adapter(model: Any) -> str:
    """The one adapter of a ``PeftModel`` that is active."""
    active = getattr(model, "active_adapters", None)
    names = list(active() if callable(active) else active or [model.active_adapter])
    if len(names) != 1:
        raise CluesError(
            f"the model has {len(names)} active adapters: {', '.join(names)}",
            advice="say which is meant: (model, NAME)",
        )
    return str(names[0])


def save(model: Any, name: str, folder: Path, taken: set[str] | None = None) -> Path:
    """Writes an adapter of a ``PeftModel`` as a PEFT folder named after it, below ``folder``."""
    if name not in model.peft_config:
        raise CluesError(
            f"the model has no adapter '{name}'", advice=f"it has {', '.join(sorted(model.peft_config))}"
        )  # fmt: skip
    taken = set() if taken is None else taken
    unique = next(n for n in (name, *(f"{name}-{i}" for i in range(2, len(taken) + 3))) if n not in taken)
    taken.add(unique)
    whole = folder / ".saved"
    # Older versions of PEFT take every tensor whose name holds the adapter's, such as `a` in `default`.
    others = "|".join(re.escape(other) for other in model.peft_config if other != name)
    of_others = re.compile(rf"\.(lora_\w+|modules_to_save)\.({others})(\.|$)") if others else None
    state = {
        key: tensor for key, tensor in model.state_dict().items() if of_others is None or not of_others.search(key)
    }
    # Embeddings of the base model are no part of the adapter, and asking whether they are goes to the network.
    model.save_pretrained(str(whole), selected_adapters=[name], save_embedding_layers=False, state_dict=state)
    # PEFT puts `default` at the root and all others into folders of their names.
    target = folder / unique
    if name == "default":
        whole.rename(target)
    else:
        (whole / name).rename(target)
        shutil.rmtree(whole, ignore_errors=True)
    return target

"""PEFT's ``add_weighted_adapter``, carried out by Clues."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from .commands import Merged, merge
from .errors import CluesError
from .inputs import save
from .progress import Progress

_METHODS = {
    "linear": ("task-arithmetic", "factors"),
    "cat": ("task-arithmetic", "stack"),
    "svd": ("task-arithmetic", "stack"),
    "ties": ("ties", "factors"),
    "dare_ties": ("dare-ties", "factors"),
    "dare_linear": ("dare-linear", "factors"),
    "magnitude_prune": ("magnitude-prune", "factors"),
    "ties_svd": ("ties", "delta"),
    "dare_ties_svd": ("dare-ties", "delta"),
    "dare_linear_svd": ("dare-linear", "delta"),
    "magnitude_prune_svd": ("magnitude-prune", "delta"),
}


def add_weighted_adapter(
    model: Any,
    adapters: Sequence[str],
    weights: Sequence[float],
    adapter_name: str,
    combination_type: Literal[
        "svd", "linear", "cat", "ties", "ties_svd", "dare_ties", "dare_linear", "dare_ties_svd", "dare_linear_svd",
        "magnitude_prune", "magnitude_prune_svd",
    ] = "svd",
    svd_rank: int | None = None,
    svd_clamp: float | None = None,
    svd_full_matrices: bool = True,
    svd_driver: str | None = None,
    density: float | None = None,
    majority_sign_method: Literal["total", "frequency"] = "total",
    *,
    seed: int | None = None,
    progress: Progress = None,
) -> Merged:  # fmt: skip
    """Merges adapters of a ``PeftModel`` and adds the result to it, as ``model.add_weighted_adapter(…)`` does.

    The arguments after the model are those of PEFT, and so are the numbers, but that the scaling alpha/r counts once in
    types with ``svd``, where PEFT up to 0.20 has it twice. ``svd_full_matrices`` and ``svd_driver`` change nothing, for
    the decomposition is exact or checked.

    :param seed: Where the random numbers of ``dare_…`` start.
    :returns: The record of the merge; the folder that it was in is gone.
    """
    if combination_type not in _METHODS:
        raise CluesError(
            f"there is no combination_type '{combination_type}'", advice=f"known are {', '.join(sorted(_METHODS))}"
        )
    if svd_clamp is not None:
        raise CluesError("svd_clamp is not known here: results are not clamped", advice="leave it out")
    if len(weights) != len(adapters):
        raise CluesError(f"there are {len(weights)} weights for {len(adapters)} adapters")
    if adapter_name in model.peft_config:
        raise CluesError(f"the model has an adapter '{adapter_name}' already", advice="choose another name")
    method, space = _METHODS[combination_type]
    parameters: dict[str, Any] = {}
    if method != "task-arithmetic":
        if density is None:
            raise CluesError(f"'{combination_type}' needs a density", advice="say density=0.2, or another share")
        parameters["density"] = density
    elif density is not None:
        raise CluesError(f"'{combination_type}' knows no density", advice="leave it out")
    if method in ("ties", "dare-ties"):
        parameters["elect"] = majority_sign_method
    if method in ("ties", "dare-ties", "dare-linear"):
        parameters["preset"] = "peft"
    with tempfile.TemporaryDirectory(prefix="clues-") as temporary:
        folder = Path(temporary)
        names: set[str] = set()
        inputs = [save(model, name, folder / f"{place}", names) for place, name in enumerate(adapters)]
        merged = merge(
            inputs,
            method=method,
            out=folder / "merged",
            weights=weights,
            clients=[f"{place}-{name}" for place, name in enumerate(adapters)],
            parameters=parameters,
            space=space,  # type: ignore[arg-type]
            rank=_rank(model, adapters, combination_type, svd_rank),
            seed=seed,
            progress=progress,
        )
        model.load_adapter(str(merged.path), adapter_name=adapter_name)
    return merged


def _rank(model: Any, adapters: Sequence[str], kind: str, svd_rank: int | None) -> int | Literal["same", "full"] | None:
    if kind == "cat":
        return "full"
    if not kind.endswith("svd"):
        return None
    return svd_rank or max(int(model.peft_config[name].r) for name in adapters)

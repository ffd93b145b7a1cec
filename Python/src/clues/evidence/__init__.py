"""Evidence from models of Hugging Face, on any device; needs ``clues-merge[capture]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .callback import CluesCapture

__all__ = ["CluesCapture"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and `clues-capture --help` needs none of it.
    if name != "CluesCapture":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .callback import CluesCapture
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}; pip install 'clues-merge[capture]'", name=error.name) from error
    return CluesCapture

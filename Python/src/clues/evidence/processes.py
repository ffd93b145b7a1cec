"""Several processes that measure together, or one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as distributed

from ..errors import CluesError

T = TypeVar("T")


class Processes:
    """The processes of a training run; one where none were started."""

    def __init__(self) -> None:
        self._is_several = distributed.is_available() and distributed.is_initialized()
        self.rank: int = distributed.get_rank() if self._is_several else 0
        self.count: int = distributed.get_world_size() if self._is_several else 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def share(self, items: list[T]) -> list[T]:
        """This process's part of a list."""
        return items[self.rank :: self.count]

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def gather(self, items: list[T]) -> list[T]:
        """The items of all processes."""
        if self.count == 1:
            return items
        lists: list[list[T]] = [[] for _ in range(self.count)]
        distributed.all_gather_object(lists, items)
        return [item for part in lists for item in part]

    def together(self, work: Callable[[], T]) -> T:
        """Does something that may fail, and fails everywhere if it fails anywhere: none waits for one that is gone.

        Nothing within may wait for other processes.
        """
        fault: Exception | None = None
        result: Any = None
        try:
            result = work()
        except Exception as error:
            if self.count == 1:
                raise
            fault = error
        faults = self.gather([(self.rank, fault if isinstance(fault, CluesError) else repr(fault))] if fault else [])
        if fault is not None:
            raise fault
        for rank, other in faults:
            if isinstance(other, CluesError):
                raise other
            raise CluesError(f"process {rank} failed: {other}", kind="crashed")
        return result

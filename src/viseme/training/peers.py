"""The processes of a run: which samples each learns from, what they must agree on, and what to say when one is lost."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from lightning_fabric import Fabric

from viseme.errors import ModelError, VisemeError

T = TypeVar("T")

_LOST = re.compile(r"gloo|nccl|connection (closed|reset|refused)|process group|broken pipe", re.IGNORECASE)
"""What the libraries that connect processes write when the other end is gone."""
_PATIENCE = timedelta(seconds=3)
"""How long a process waits for the others to say that they are still here."""


class PeerLost(ModelError):
    """Another process of the run has ended; nothing is wrong here."""


class Peers:
    """The processes of a run as one of them sees them; a run of one process pays nothing for it.

    Args:
        fabric: connected.

    Attributes:
        rank: of this process, 0 the one that writes.
        count: of processes.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.rank, self.count = fabric.global_rank, fabric.world_size
        self._fabric = fabric
        # Beside the gradients' own way, so that asking never waits for a GPU.
        self._group: Any = dist.new_group(backend="gloo") if self.count > 1 else None
        self._asked: tuple[torch.Tensor, Any] | None = None

    def rows(self, whole: int) -> range:
        """The samples of a batch that this process learns from."""
        return range(self.rank, whole, self.count)

    def first(self, act: Callable[[], None]) -> None:
        """Let the first process act while the others wait; what it raises, all raise. Raises `VisemeError`."""
        error: VisemeError | None = None
        if self.rank == 0:
            try:
                act()
            except VisemeError as raised:
                error = raised
        if self.count > 1:
            error = self._fabric.broadcast(error)
        if error is not None:
            raise error

    def same(self, value: T) -> T:
        """The first process's value."""
        return self._fabric.broadcast(value) if self.count > 1 else value

    def agreed(self, asked: bool) -> bool:
        """Whether any process is asked to stop, the same answer everywhere.

        With several it is the answer to the question put one step before, so that no step waits for it.
        """
        if self.count == 1:
            return asked
        answer = self._answer()
        flag = torch.tensor(int(asked))
        self._asked = flag, dist.all_reduce(flag, dist.ReduceOp.MAX, self._group, async_op=True)
        return answer

    def mean(self, scalars: Mapping[str, float]) -> dict[str, float]:
        """The mean of each scalar over the processes that have it; every process must ask."""
        if self.count == 1:
            return dict(scalars)
        told: list[Mapping[str, float]] = [{}] * self.count
        dist.all_gather_object(told, dict(scalars), self._group)
        names = dict.fromkeys(name for one in told for name in one)
        return {name: statistics.fmean(one[name] for one in told if name in one) for name in names}

    @contextmanager
    def watched(self, last: Callable[[], str]) -> Iterator[None]:
        """Turn the loss of another process into one line that names it and `last()`.

        Raises:
            PeerLost: the connection to another process broke in here.
        """
        try:
            yield
        except RuntimeError as error:
            if self.count == 1 or not _LOST.search(str(error)):
                raise
            gone = " and ".join(str(rank) for rank in self._absent())
            raise PeerLost(lost(f"process {gone}" if gone else "another process", self.count, last())) from error

    def leave(self) -> None:
        """Take leave of the others, all being done."""
        if self.count > 1:
            self._answer()
            dist.destroy_process_group()

    def _answer(self) -> bool:
        if self._asked is None:
            return False
        flag, work = self._asked
        work.wait()
        self._asked = None
        return bool(flag)

    def _absent(self) -> list[int]:
        """The processes that do not say within three seconds that they, too, have lost somebody."""
        try:
            store = dist.distributed_c10d._get_default_store()
            store.set(f"viseme/{self.rank}", "here")
        except RuntimeError:
            return [0]  # it keeps what the others write
        absent = []
        for rank in set(range(self.count)) - {self.rank}:
            try:
                store.wait([f"viseme/{rank}"], _PATIENCE)
            except RuntimeError:
                absent.append(rank)
        return absent


def lost(who: str, count: int, last: str) -> str:
    """The line that tells of a lost process."""
    return f"lost {who} of {count}, and the run ends with it; {last}; --resume carries on"

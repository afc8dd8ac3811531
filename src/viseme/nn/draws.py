"""Random numbers of a batch that is divided: each sample's are the same, wherever it is learned from.

A batch is shared out among processes, and may be learned from in parts, one after another. Every draw is made for the
whole batch, and each part takes its samples' rows; so what is learned depends on neither division.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from typing import Any

import torch
from torch import Tensor

from viseme.types import Batch

Part = tuple[Batch, torch.Generator]
"""Samples of a batch, and the generator of their numbers."""


class Share(torch.Generator):
    """A generator of a whole batch's numbers, of which those of some samples are taken.

    Args:
        whole: samples of the batch.
        rows: which of them are here; process r of W has `range(r, whole, W)`.
    """

    whole: int
    rows: range

    def __new__(cls, _whole: int, _rows: range) -> Share:
        return super().__new__(cls)

    def __init__(self, whole: int, rows: range) -> None:
        self.whole, self.rows = whole, rows


def rand(shape: tuple[int, ...], rng: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """Even on [0, 1), `[B,...]`; of a `Share`, B must be its number of samples."""
    return _drawn(partial(torch.rand, dtype=dtype), shape, rng)


def randn(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Standard normal, float32 `[B,...]`; of a `Share`, B must be its number of samples."""
    return _drawn(torch.randn, shape, rng)


def randint(high: int, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Whole numbers from 0 to high - 1, int64 `[B,...]`; of a `Share`, B must be its number of samples."""
    return _drawn(partial(torch.randint, high), shape, rng)


def divided(batch: Batch, rng: torch.Generator, parts: int) -> Iterator[Part]:
    """A batch and its generator in equal parts of successive samples; dividing again gives the same again.

    Raises:
        ValueError: the batch cannot be divided so.
    """
    count = len(batch.identity)
    if count % parts:
        raise ValueError(f"{count} samples cannot be divided into {parts} parts")
    if parts == 1:
        yield batch, rng
        return
    whole, rows = (rng.whole, rng.rows) if isinstance(rng, Share) else (count, range(count))
    size, state = count // parts, rng.get_state()
    for start in range(0, count, size):
        here = slice(start, start + size)
        share = Share(whole, rows[here])
        share.set_state(state)
        yield Batch(**{field.name: getattr(batch, field.name)[here] for field in fields(Batch)}), share


def _drawn(draw: Callable[..., Any], shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    if not isinstance(rng, Share):
        return draw(shape, generator=rng, device=rng.device)  # type: ignore[no-any-return]
    rows = rng.rows
    if shape[0] != len(rows):
        raise ValueError(f"{shape[0]} samples are drawn for, and {len(rows)} are here")
    whole: Tensor = draw((rng.whole, *shape[1:]), generator=rng)
    return whole[rows.start : rows.stop : rows.step]

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from viseme.config import load_config
from viseme.data.manifest import ClipRow
from viseme.data.store import Store
from viseme.data.windows import Windows
from viseme.errors import StoreError
from viseme.training.feeding import TRAINING, VALIDATION, Feed
from viseme.types import Batch

CONFIG = load_config("tiny_gan", ["training.batch_size=6", "data.tract=0.1", "data.tilt=0.1"])


@pytest.fixture
def windows(store: Path) -> Windows:
    return Windows(Store.open(store), ["train"], CONFIG.data, CONFIG.audio)


def feed(rows: range) -> Feed:
    return Feed(Fabric(accelerator="cpu", devices=1), CONFIG.training, rows)


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Batch))


def rows_of(batch: Batch, rows: range) -> Batch:
    return Batch(*(getattr(batch, field.name)[list(rows)] for field in fields(Batch)))


@pytest.mark.parametrize("count", [2, 3])
def test_processes_share_the_windows_of_the_same_step(count: int, windows: Windows) -> None:
    whole = list(feed(range(6)).batches(windows, range(3, 5)))
    assert [step for step, _ in whole] == [3, 4]
    assert not same(whole[0][1], whole[1][1])
    for rank in range(count):
        rows = range(rank, 6, count)
        for (_, own), (_, batch) in zip(feed(rows).batches(windows, range(3, 5)), whole, strict=True):
            assert same(own, rows_of(batch, rows))


def test_a_step_is_the_same_wherever_a_run_carries_on(windows: Windows) -> None:
    through = dict(feed(range(6)).batches(windows, range(4)))
    assert same(next(iter(feed(range(6)).batches(windows, range(2, 4))))[1], through[2])


def test_epochs_are_shared_and_carried_on_like_any_windows(windows: Windows) -> None:
    windows.data = windows.data.model_copy(update={"shuffle_shards": 1})
    through = dict(feed(range(6)).batches(windows, range(4)))
    assert not same(through[0], dict(feed(range(6)).batches(windows, range(4)))[1])
    for rows in (range(0, 6, 2), range(1, 6, 2)):
        for step, own in feed(rows).batches(windows, range(2, 4)):
            assert same(own, rows_of(through[step], rows))


def test_an_epoch_shows_every_clip_once(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    windows.data = windows.data.model_copy(update={"shuffle_shards": 1})
    seen: list[str] = []
    draw = windows.batch

    def noted(*given: Any, rows: Sequence[ClipRow], **options: Any) -> Batch:
        seen.extend(row.clip_id for row in rows)
        return draw(*given, rows=rows, **options)

    monkeypatch.setattr(windows, "batch", noted)
    monkeypatch.setattr(windows, "rows", windows.rows[:3])
    list(feed(range(6)).batches(windows, range(2)))
    assert Counter(seen) == {row.clip_id: 4 for row in windows.rows}


def test_no_steps_draw_nothing(windows: Windows) -> None:
    assert list(feed(range(6)).batches(windows, range(4, 4))) == []


def test_training_and_validation_draw_apart(windows: Windows) -> None:
    own = feed(range(6))
    assert own.noise(TRAINING, 1).initial_seed() != own.noise(VALIDATION, 1).initial_seed()
    assert same(own.held_out(windows, 0), own.held_out(windows, 0))
    assert not same(own.held_out(windows, 0), own.held_out(windows, 1))


def test_dropout_differs_by_step_and_process() -> None:
    drawn = []
    with torch.random.fork_rng():
        for rank, step in ((0, 0), (0, 1), (1, 0), (0, 0)):
            feed(range(rank, 6, 2)).seed_dropout(step)
            drawn.append(float(torch.rand(1)))
    assert drawn[0] == drawn[3]
    assert len(set(drawn)) == 3


def test_what_goes_wrong_in_drawing_is_raised_to_who_waits(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Batch:
        raise StoreError("shard is missing")

    monkeypatch.setattr(windows, "batch", gone)
    with pytest.raises(StoreError, match="shard is missing"):
        next(feed(range(6)).batches(windows, range(2)))

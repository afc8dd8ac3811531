from pathlib import Path

import numpy as np
import pytest
import torch

from viseme.audio.features import encode_with_context
from viseme.config.sections import AudioConfig, DataConfig
from viseme.data.store import Store
from viseme.data.windows import Windows, mouth_boxes
from viseme.errors import InputError, StoreError
from viseme.nn.images import to_pixels, to_signed


def drawn(store: Path, window: int = 3, warmup: int = 2, count: int = 40) -> tuple[Windows, dict[str, torch.Tensor]]:
    data = DataConfig(size=32, window=window, warmup=warmup)
    windows = Windows(Store.open(store), ["train"], data, AudioConfig(bands=8, context=1))
    batch = windows.batch(count, torch.Generator().manual_seed(0), augmented=False)
    return windows, {
        name: getattr(batch, name)
        for name in ("identity", "motion", "frames", "audio", "landmarks", "mouth", "identity_landmarks")
    }


def test_shapes_and_ranges(store: Path) -> None:
    _, batch = drawn(store)
    shapes = {name: tuple(value.shape) for name, value in batch.items()}
    assert shapes == {
        "identity": (40, 3, 32, 32),
        "motion": (40, 3, 32, 32),
        "frames": (40, 3, 3, 32, 32),
        "audio": (40, 5, 3 * 4 * 8),
        "landmarks": (40, 3, 68, 2),
        "mouth": (40, 3, 1, 32, 32),
        "identity_landmarks": (40, 68, 2),
    }
    for name in ("identity", "motion", "frames"):
        assert float(batch[name].abs().max()) <= 1


def test_a_window_is_of_one_clip_in_order_with_the_sound_of_its_own_frames(store: Path) -> None:
    windows, batch = drawn(store)
    opened = Store.open(store)
    for index in range(8):
        pixels = to_pixels(batch["frames"][index])
        before = to_pixels(batch["motion"][index])
        for row in windows.rows:
            frames = opened.frames(row.clip_id, size=32)
            starts = [t for t in range(1, row.frames - 2) if np.array_equal(frames[t : t + 3], pixels)]
            if starts:
                break
        assert starts, "the window is in no clip"
        start = starts[0]
        assert np.array_equal(before, frames[start - 1])
        own = [np.array_equal(to_pixels(batch["identity"][index]), frame) for frame in frames]
        assert any(own)
        marks = (batch["identity_landmarks"][index].numpy() + 1) / 2 * 32
        at_that_time = opened.landmarks(row.clip_id, size=32)[own]
        assert np.abs(at_that_time - marks).max(axis=(1, 2)).min() < 1e-4
        features = encode_with_context(opened.audio(row.clip_id), row.frames, AudioConfig(bands=8, context=1))
        heard = features[np.arange(start - 2, start + 3).clip(0)]
        np.testing.assert_allclose(batch["audio"][index].numpy(), heard, atol=1e-6)
        points = opened.landmarks(row.clip_id, size=32)[start : start + 3]
        np.testing.assert_allclose((batch["landmarks"][index].numpy() + 1) / 2 * 32, points, atol=1e-4)


@pytest.mark.parametrize("count", [2, 5])
def test_motion_frames_are_those_before_the_window_and_the_identity_frame_where_there_are_none(
    store: Path, count: int
) -> None:
    made = {}
    for frames in (1, count):
        data = DataConfig(size=32, window=2, motion_frames=frames)
        windows = Windows(Store.open(store), ["train"], data, AudioConfig(bands=8, context=1))
        made[frames] = windows.batch(1, torch.Generator().manual_seed(0), augmented=False)
        row = windows.rows[0]
        opened = to_signed(windows.store.frames(row.clip_id, size=32))
        for start in (1, 2, 3, count, count + 3):
            time = (start - 1 + 0.5) / (row.frames - 2)
            identity, motion, window = map(to_signed, windows._window(row, time, 0.7, 32)[:3])
            assert torch.equal(window, opened[start : start + 2])
            expected = [opened[t] if t >= 0 else identity for t in range(start - frames, start)]
            assert torch.equal(motion, torch.stack(expected))
    assert torch.equal(made[1].frames, made[count].frames)
    assert torch.equal(made[1].motion, made[count].motion[:, -3:])


def test_a_draw_depends_on_the_generator_alone(store: Path) -> None:
    windows, batch = drawn(store)
    windows.batch(7, torch.Generator().manual_seed(9))
    again = windows.batch(40, torch.Generator().manual_seed(0), augmented=False)
    assert torch.equal(again.frames, batch["frames"])
    assert not torch.equal(windows.batch(40, torch.Generator().manual_seed(1), augmented=False).frames, batch["frames"])


def test_only_the_splits_asked_for_are_drawn(store: Path) -> None:
    windows, _ = drawn(store)
    assert {row.split for row in windows.rows} == {"train"}


def test_a_store_without_such_clips_is_one_clear_line(store: Path) -> None:
    with pytest.raises(StoreError, match="no clip of more than 9000 frames in train"):
        Windows(Store.open(store), ["train"], DataConfig(size=32, window=9000), AudioConfig())
    with pytest.raises(StoreError, match="in nowhere"):
        Windows(Store.open(store), ["nowhere"], DataConfig(size=32), AudioConfig())


def test_the_mouth_box_is_the_outline_widened() -> None:
    points = np.zeros((1, 68, 2), np.float32)
    points[0, 48:68] = [[20, 30]]
    points[0, 48] = [16, 28]
    points[0, 54] = [24, 34]
    box = mouth_boxes(points, 64, margin=5 / 64)[0]
    lines, columns = np.nonzero(box)
    assert (columns.min(), columns.max(), lines.min(), lines.max()) == (11, 29, 23, 39)


def test_augmented_windows_move_and_change_their_background_only_when_asked(store: Path) -> None:
    def drawn(**changes: float) -> torch.Tensor:
        data = DataConfig(size=32, flip=0.0, colour=0.0, **changes)
        return Windows(Store.open(store), ["train"], data, AudioConfig(bands=8)).batch(8, generator()).frames

    def generator() -> torch.Generator:
        return torch.Generator().manual_seed(0)

    plain = drawn()
    assert torch.equal(drawn(rotation=0.0, background=0.0), plain)
    for changes in ({"rotation": 8.0}, {"scale": 0.1}, {"shift": 0.1}, {"background": 1.0}):
        assert torch.equal(drawn(**changes), drawn(**changes))
        assert not torch.equal(drawn(**changes), plain)


def test_a_folder_of_backgrounds_that_is_none_is_one_clear_line(store: Path, tmp_path: Path) -> None:
    data = DataConfig(size=32, background=0.5, backgrounds=str(tmp_path / "none"))
    with pytest.raises(InputError, match="no such folder"):
        Windows(Store.open(store), ["train"], data, AudioConfig())


def test_moved_windows_are_read_at_twice_their_size_where_the_store_has_it(store: Path) -> None:
    for size, fine in ((32, 64), (64, 64)):
        moving = Windows(Store.open(store), ["train"], DataConfig(size=size, shift=0.1), AudioConfig(bands=8))
        assert moving._fine == fine
        assert moving.batch(2, torch.Generator()).frames.shape[-1] == size
    still = DataConfig(size=32, shift=1e-9, flip=0, colour=0)
    plain = Windows(Store.open(store), ["train"], DataConfig(size=32, flip=0, colour=0), AudioConfig(bands=8))
    moved = Windows(Store.open(store), ["train"], still, AudioConfig(bands=8))
    one, other = (windows.batch(3, torch.Generator().manual_seed(1)) for windows in (plain, moved))
    torch.testing.assert_close(one.frames, other.frames, atol=1.5 / 127.5, rtol=0)
    torch.testing.assert_close(one.landmarks, other.landmarks)


def test_even_actors_are_drawn_alike_however_many_clips_they_have(store: Path) -> None:
    drawn = {}
    for even in (False, True):
        windows = Windows(Store.open(store), ["train"], DataConfig(size=32, even_actors=even), AudioConfig(bands=8))
        actors = sorted({row.actor for row in windows.rows})
        one = next(row for row in windows.rows if row.actor == actors[0])
        kept = [one] + [row for row in windows.rows if row.actor != actors[0]]
        windows.rows = kept
        if even:
            windows._by_actor = [[row for row in kept if row.actor == actor] for actor in actors]
        shares = np.linspace(0, 1, 600, endpoint=False)
        drawn[even] = np.mean([windows._row(share).actor == actors[0] for share in shares])
        assert {windows._row(share).clip_id for share in shares} == {row.clip_id for row in kept}
    assert drawn[True] == pytest.approx(1 / len(actors), abs=0.01)
    assert drawn[False] == pytest.approx(1 / len(kept), abs=0.01)

from __future__ import annotations

import numpy as np
import pytest

from viseme.data.store import Store
from viseme.errors import InputError
from viseme.generation.manifest import Reference, SystemInfo, VideoManifest, VideoRow
from viseme.generation.writer import VideoWriter
from viseme.studies.influence import Influence, pictures, read_influence, write_influence

SIZE, LENGTH = 64, 6


@pytest.fixture
def filmed(store, tmp_path):
    """Write a folder with a video of one clip, grey of this level, its mouth region brighter by so much."""
    clip_id = Store.open(store).clips("test")[0].clip_id
    boxes = Store.open(store).landmarks(clip_id, size=SIZE)[:, 48:68]

    def make(name, level, mouth=0, actor="a003", clip=clip_id):
        frames = np.full((LENGTH, SIZE, SIZE, 3), level, np.uint8)
        low, high = boxes.min(axis=(0, 1)).astype(int) - 8, boxes.max(axis=(0, 1)).astype(int) + 8
        frames[:, low[1] : high[1], low[0] : high[0]] += np.uint8(mouth)
        folder = tmp_path / name
        with VideoWriter(folder / f"{clip}.mp4", SIZE, np.zeros(640 * LENGTH, np.float32), metadata={}, crf=12) as film:
            for frame in frames:
                film.write(frame)
        info = SystemInfo("m", "m", None, "1", None, None, True, SIZE, 25, 12, 0)
        row = VideoRow(clip, actor, f"{clip}.mp4", LENGTH, "ok", "", clip, 0, 0.1)
        VideoManifest(info, Reference("s", "f", "test"), 8, 1, (row,)).save(folder)
        return folder

    return make


def test_what_a_signal_changes_is_counted_where_it_changes(filmed, store, tmp_path):
    folders = filmed("both", 100, 60), filmed("audio", 100, 60), filmed("landmarks", 100)
    write_influence(*folders, store, tmp_path / "i.json")
    found = read_influence(tmp_path / "i.json")
    assert found.actors == ["a003"]
    assert found.differences["landmarks"]["frame"][0] < 1
    assert found.differences["audio"]["mouth"][0] == pytest.approx(60, abs=4)
    assert 1 < found.differences["audio"]["frame"][0] < 40
    assert found.share("mouth") > 0.95


def test_the_pictures_show_both_each_and_what_lacks(filmed):
    shown = pictures(filmed("both", 120), filmed("audio", 110), filmed("landmarks", 90))
    assert shown.sheet.shape == (SIZE, 5 * SIZE, 3)
    middles = shown.sheet.reshape(SIZE, 5, SIZE, 3).mean(axis=(0, 2, 3))
    assert middles == pytest.approx([120, 110, 90, 127 + 4 * 30, 127 + 4 * 10], abs=6)
    assert (shown.audio, shown.landmarks) == (pytest.approx(30, abs=2), pytest.approx(10, abs=2))


def test_no_clip_in_common(filmed, store, tmp_path):
    folders = filmed("both", 100), filmed("audio", 100, clip="another"), filmed("landmarks", 100)
    with pytest.raises(InputError, match="no clip has a video"):
        write_influence(*folders, store, tmp_path / "i.json")
    assert pictures(*folders) is None


def test_nothing_changes_nothing():
    assert Influence(["a"], {"audio": {"mouth": [0.0]}, "landmarks": {"mouth": [0.0]}}).share("mouth") == 0


@pytest.mark.parametrize("text", ["{}", "[]", "no", '{"actors": 3}'])
def test_a_file_that_is_none(tmp_path, text):
    (tmp_path / "i.json").write_text(text)
    with pytest.raises(InputError):
        read_influence(tmp_path / "i.json")

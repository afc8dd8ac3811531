"""Truth as videos beside the systems of a report."""

from __future__ import annotations

import re

import pytest

import viseme
from viseme.data.store import Store
from viseme.data.video import read_video
from viseme.errors import InputError
from viseme.generation.provenance import read_provenance
from viseme.true_videos import true_videos


@pytest.fixture(scope="module")
def results(store, tmp_path_factory):
    """Scores of the frozen photo."""
    folder = tmp_path_factory.mktemp("frozen")
    viseme.generate("control:frozen", data=store, out=folder / "videos", size=32)
    viseme.evaluate(folder / "videos", store, folder / "r.json", metrics=["psnr"], jobs=1)
    return folder / "r.json"


def test_a_clip_of_a_store_is_filmed_at_a_size(store, results):
    opened = Store.open(store)
    row = opened.clips("test")[0]
    with true_videos(store, [results]) as film:
        path = film(row.clip_id, 32)
        frames = list(read_video(path))
        assert read_provenance(path)["ai_generated"] is False
    assert len(frames) == row.frames
    assert frames[0].shape == (32, 32, 3)
    truth = opened.frames(row.clip_id, size=32)
    assert abs(frames[5].astype(int) - truth[5]).mean() < 6
    assert not path.exists()


def test_truth_plays_in_the_report(store, results, tmp_path):
    page = viseme.compare({"still": results}, tmp_path / "report", reference=store).page.read_text(encoding="utf-8")
    assert re.findall(r'<video [^>]*aria-label="(\w+), clip', page) == ["truth", "still"] * 3
    assert "Truth itself cannot be played" not in page
    page = viseme.compare({"still": results}, tmp_path / "report").page.read_text(encoding="utf-8")
    assert "Truth itself cannot be played" in page


def test_another_reference_is_refused(corpus, store, results, tmp_path):
    other = tmp_path / "other"
    viseme.prepare("synthetic", corpus, other, size=64, test_actors=["a002"], jobs=1)
    with pytest.raises(InputError, match=r"is not what .*r\.json was scored against"):
        viseme.compare({"still": results}, tmp_path / "report", reference=other)
    assert not (tmp_path / "report").exists()

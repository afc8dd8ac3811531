"""Published corpora, rendered in their own layout and codecs, all the way into a store."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from viseme.data.audio import read_audio
from viseme.data.prepare import prepare
from viseme.data.store import Store
from viseme.data.synthetic.fixtures import synthesize_layout
from viseme.errors import InputError

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 73567\n"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two actors with two clips each."""
    out = tmp_path_factory.mktemp("rendered") / "cremad"
    synthesize_layout(out, "cremad", 2, 2, seed=1, size=128, jobs=1)
    return out


@pytest.fixture
def cremad(rendered: Path, tmp_path: Path) -> Path:
    """A copy to do harm to, in a folder of a name that shells and consoles stumble on."""
    return Path(shutil.copytree(rendered, tmp_path / "cré ma 'd'"))


def reasons(store: Path) -> dict[str, str]:
    return {row.clip_id: row.reason for row in Store.open(store).rows if row.status != "ok"}


def test_flash_films_at_their_own_rate_become_clips(cremad: Path, tmp_path: Path) -> None:
    report = prepare("cremad", cremad, tmp_path / "store", size=32, jobs=1)
    assert (report.accepted, report.rejected) == (4, 0)
    store = Store.open(tmp_path / "store")
    assert store.actors() == ["1001", "1002"]
    for row in store.rows:
        sound = read_audio(cremad / "AudioWAV" / f"{row.clip_id}.wav")
        assert abs(row.frames - len(sound) / 640) <= 1
        assert row.sha256.count("+") == 1
        count = min(640 * row.frames, len(sound))
        stored = store.clip(row.clip_id).audio[:count]
        assert np.abs(stored - sound[:count]).max() < 1e-4  # the separate sound, to its 16 bits
        assert (row.sentence, row.found) == ("It's eleven o'clock", 1.0)


def test_what_cannot_serve_says_why_and_serves_once_it_is_there(cremad: Path, tmp_path: Path) -> None:
    films = cremad / "VideoFlash"
    whole = (films / "1001_IEO_HAP_LO.flv").read_bytes()
    (films / "1001_IEO_HAP_LO.flv").write_text(POINTER)
    (films / "1001_IEO_NEU_XX.flv").rename(films / "1076_MTI_NEU_XX.flv")
    outside = tmp_path / "other disk.flv"
    (films / "1002_IEO_HAP_LO.flv").rename(outside)
    (films / "1002_IEO_HAP_LO.flv").symlink_to(outside)
    (films / "1002_WSI_SAD_XX.flv").symlink_to(tmp_path / "gone.flv")
    (cremad / "AudioWAV" / "1002_IEO_NEU_XX.wav").unlink()
    (films / "holiday.flv").write_text("not a clip of the corpus")
    store = tmp_path / "store"
    report = prepare("cremad", cremad, store, size=32, jobs=1)
    assert (report.accepted, report.rejected) == (2, 3)
    assert reasons(store) == {
        "1001_IEO_HAP_LO": "VideoFlash/1001_IEO_HAP_LO.flv: is a git-lfs pointer, not the media; run `git lfs pull` "
        "or viseme download",
        "1002_WSI_SAD_XX": "VideoFlash/1002_WSI_SAD_XX.flv: cannot be read (No such file or directory)",
        "1076_MTI_NEU_XX": "VideoFlash/1076_MTI_NEU_XX.flv: known bad: very short, without sound, as the corpus's "
        "README says",
    }
    (films / "1001_IEO_HAP_LO.flv").write_bytes(whole)
    again = prepare("cremad", cremad, store, size=32, jobs=1)
    assert (again.accepted, again.rejected) == (3, 2)
    assert set(reasons(store)) == {"1002_WSI_SAD_XX", "1076_MTI_NEU_XX"}


def test_nothing_but_pointers_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "c" / "VideoFlash").mkdir(parents=True)
    for emotion in ("ANG", "SAD"):
        (tmp_path / "c" / "VideoFlash" / f"1001_DFA_{emotion}_XX.flv").write_text(POINTER)
    with pytest.raises(InputError, match=r"not one of 2 clips can be used; 2 of them: is a git-lfs pointer") as caught:
        prepare("cremad", tmp_path / "c", tmp_path / "store", jobs=1)
    assert "\n" not in str(caught.value)


def test_the_corpus_split_holds_unless_actors_are_named(tmp_path: Path) -> None:
    synthesize_layout(tmp_path / "lrw", "lrw", 3, 1, size=64, jobs=1)
    prepare("lrw", tmp_path / "lrw", tmp_path / "own", size=32, jobs=1)
    own = {row.clip_id: (row.split, row.frames) for row in Store.open(tmp_path / "own").rows}
    assert own == {
        "train_ABOUT_00001": ("train", 29),
        "val_ABOUT_00001": ("val", 29),
        "test_ABOUT_00001": ("test", 29),
    }
    prepare("lrw", tmp_path / "lrw", tmp_path / "named", size=32, jobs=1, test_actors=["train_ABOUT_00001"])
    assert [row.clip_id for row in Store.open(tmp_path / "named").clips("test")] == ["train_ABOUT_00001"]


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["ravdess", "mead"])
def test_large_pictures_become_clips(tmp_path: Path, corpus: str) -> None:
    synthesize_layout(tmp_path / "c", corpus, 1, 1, size=128, jobs=1)
    report = prepare(corpus, tmp_path / "c", tmp_path / "store", size=32, jobs=1)
    assert (report.accepted, report.rejected) == (1, 0)
    (row,) = Store.open(tmp_path / "store").rows
    assert (row.found, row.frames) == (1.0, report.frames)
    assert row.emotion

import json
from pathlib import Path

import numpy as np
import pytest

from viseme.data.audio import read_audio
from viseme.data.faces import EYE_CORNERS, INNER_LIPS
from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.make import synthesize_clip, synthesize_corpus
from viseme.data.synthetic.phonemes import PHONEMES
from viseme.data.video import read_video
from viseme.errors import ConfigError, OutputError, VisemeError

SMALL = {"size": 64, "seconds": (0.8, 1.0)}


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "corpus"
    assert synthesize_corpus(out, 2, 2, seed=5, jobs=1, **SMALL) == 4
    return out


def test_the_tree_is_what_the_index_says(tree: Path):
    index = json.loads((tree / "synthetic.json").read_text())
    assert (index["schema"], index["seed"], index["size"], index["actors"], index["clips"]) == (1, 5, 64, 2, 2)
    names = [f"a{a:03d}/a{a:03d}_{c:03d}{suffix}" for a in (0, 1) for c in (0, 1) for suffix in (".mp4", ".npz")]
    assert sorted(_files(tree)) == sorted([*names, "synthetic.json"])


def test_the_truth_describes_the_film(tree: Path):
    for film in tree.rglob("*.mp4"):
        frames, sound = read_video(film), read_audio(film)
        count = len(frames)
        assert frames.shape[1:] == (64, 64, 3)
        assert 20 <= count <= 25
        assert 0 <= len(sound) - 640 * count < 1024 * 2
        with np.load(film.with_suffix(".npz"), allow_pickle=False) as truth:
            points, starts, ends = truth["landmarks"], truth["start"], truth["end"]
            assert points.shape == (count, 68, 2)
            assert points.dtype == np.float32
            assert points.min() > 0
            assert points.max() < 63
            assert truth["offset"] == 0
            assert set(truth["phonemes"]) <= set(PHONEMES)
            assert starts[0] == 0
            assert ends[-1] == pytest.approx(count / 25)
            assert (starts[1:] == ends[:-1]).all()
            assert (ends > starts).all()
            gaps = np.mean([np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in INNER_LIPS], axis=0)
            eyes = np.linalg.norm(points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]], axis=1)
            np.testing.assert_allclose(truth["opening"], gaps / eyes, rtol=1e-5)


def test_more_processes_give_the_same_bytes(tree: Path, tmp_path: Path):
    synthesize_corpus(tmp_path, 2, 2, seed=5, jobs=2, **SMALL)
    assert _files(tmp_path) == _files(tree)


def test_what_is_there_is_kept_and_what_is_missing_is_made(tree: Path, tmp_path: Path):
    synthesize_corpus(tmp_path, 1, 2, seed=5, jobs=1, **SMALL)
    kept, lost = tmp_path / "a000" / "a000_000.mp4", tmp_path / "a000" / "a000_001.mp4"
    before = kept.stat().st_mtime_ns
    lost.unlink()
    assert synthesize_corpus(tmp_path, 2, 2, seed=5, jobs=1, **SMALL) == 3
    assert kept.stat().st_mtime_ns == before
    assert _files(tmp_path) == _files(tree)
    assert synthesize_corpus(tmp_path, 2, 2, seed=5, jobs=1, **SMALL) == 0


def test_other_settings_are_refused_in_one_line(tree: Path):
    before = _files(tree)
    with pytest.raises(OutputError, match="begun with seed 5, not 6"):
        synthesize_corpus(tree, 2, 2, seed=6, jobs=1, **SMALL)
    with pytest.raises(OutputError, match="begun with size 64, not 128"):
        synthesize_corpus(tree, 2, 2, seed=5, size=128, seconds=SMALL["seconds"], jobs=1)
    assert _files(tree) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"actors": 0}, "actors: 0"),
        ({"clips": -3}, "clips: -3"),
        ({"size": 63}, "size: 63"),
        ({"size": 20_000}, "size: 20000"),
        ({"seconds": (2.0, 1.0)}, "seconds: 2.0 to 1.0"),
        ({"seconds": (float("nan"), 1.0)}, "seconds: nan"),
        ({"seed": -1}, "seed: -1"),
    ],
)
def test_numbers_out_of_range_are_refused_in_one_line(tmp_path: Path, arguments: dict, says: str):
    with pytest.raises(ConfigError, match=says) as caught:
        synthesize_corpus(tmp_path / "out", **{"actors": 1, "clips": 1, "jobs": 1, **arguments})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_places_that_cannot_be_written_are_refused_in_one_line(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below"):
        with pytest.raises(VisemeError) as caught:
            synthesize_corpus(out, 1, 1, jobs=1, **SMALL)
        assert "\n" not in str(caught.value)
    assert file.read_text() == "mine"
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "synthetic.json").write_text("[]")
    with pytest.raises(OutputError, match="not the index of a synthetic corpus"):
        synthesize_corpus(strange, 1, 1, jobs=1, **SMALL)


def test_sound_and_lips_are_in_step():
    """Loudness follows the opening best without any delay, over a few actors."""
    lags = range(-4, 5)
    scores = []
    for number in range(3):
        renderer = Renderer(draw_actor(np.random.default_rng([2, number])), 64)
        clip = synthesize_clip(renderer, 3.0, np.random.default_rng(number))
        low = np.abs(np.fft.rfft(clip.audio.reshape(-1, 640) * np.hanning(640), axis=1))[:, 12:40]  # 300 to 1000 Hz
        loudness = np.log(low.mean(axis=1) + 0.02)
        opening = clip.opening
        middle = slice(6, len(opening) - 6)
        scores.append([np.corrcoef(np.roll(loudness, -lag)[middle], opening[middle])[0, 1] for lag in lags])
    mean = np.mean(scores, axis=0)
    assert abs(lags[int(np.argmax(mean))]) <= 1
    assert mean[4] > 0.6

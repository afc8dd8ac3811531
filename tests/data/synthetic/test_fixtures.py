"""Corpora of other makers, rendered: the tree their listers expect, and files that decode as theirs do."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.data.audio import read_audio
from viseme.data.corpora import corpus_named
from viseme.data.synthetic.fixtures import at_rate, on_canvas, synthesize_layout
from viseme.data.synthetic.layouts import LAYOUTS
from viseme.data.video import read_video
from viseme.errors import ConfigError, OutputError


@pytest.fixture(scope="module")
def cremad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fixtures") / "cremad"
    assert synthesize_layout(out, "cremad", 1, 2, seed=3, size=64, jobs=1) == 2
    return out


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_names_are_distinct_and_the_lister_finds_each_clip(tmp_path: Path, layout: str) -> None:
    known = LAYOUTS[layout]
    actors, clips = min(4, known.actors), min(known.clips, 90)
    names = [file.path for actor in range(actors) for clip in range(clips) for file in known.files(actors, actor, clip)]
    assert len(set(names)) == len(names)
    for name in [*names, *known.texts(actors, clips)]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listed = corpus_named(layout).clips(tmp_path)
    assert len(listed) == actors * clips
    if layout != "lrw":
        assert len({clip.actor for clip in listed}) == actors


def test_an_actor_has_as_many_clips_as_published() -> None:
    """CREMA-D: 16 of one sentence and 6 of each other; RAVDESS: 4 neutral and 8 of each other emotion."""
    assert (LAYOUTS["cremad"].clips, LAYOUTS["ravdess"].clips) == (16 + 11 * 6, 4 + 7 * 8)


def test_nobody_is_in_two_sets_of_lrw() -> None:
    files = LAYOUTS["lrw"].files
    sets = [{files(5, actor, clip)[0].path.split("/")[2] for clip in range(30)} for actor in range(5)]
    assert sets == [{"train"}, {"train"}, {"train"}, {"val"}, {"test"}]


def test_the_flash_films_are_of_the_true_kind(cremad: Path) -> None:
    (film, _) = sorted((cremad / "VideoFlash").iterdir())
    with av.open(str(film)) as file:
        assert file.format.name == "flv"
        video, sound = file.streams.video[0], file.streams.audio[0]
        assert (video.codec_context.name, sound.codec_context.name) == ("flv", "mp3float")
        assert (video.codec_context.width, video.codec_context.height, sound.rate) == (480, 360, 44_100)
        times = [float(frame.time) for frame in file.decode(video=0) if frame.time is not None]
    steps = np.diff(times)
    assert np.mean(steps) == pytest.approx(1001 / 30_000, abs=2e-4)
    assert len({path.stem for path in cremad.glob("*/*.*")}) == 2
    assert (cremad / "VideoDemographics.csv").read_text().splitlines()[1:] == ['1001,"","","",""']


def test_the_sound_beside_the_film_is_the_sound_within(cremad: Path) -> None:
    for film in (cremad / "VideoFlash").iterdir():
        within, beside = read_audio(film), read_audio(cremad / "AudioWAV" / f"{film.stem}.wav")
        frames = len(read_video(film))
        assert abs(len(beside) / 640 - frames) <= 1
        middle = beside[8000:20_000]
        match = np.correlate(within[8000 - 400 : 20_000 + 400], middle, "valid")
        assert abs(int(np.argmax(match)) - 400) <= 16  # a millisecond


def test_the_same_seed_gives_the_same_bytes(cremad: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    out.mkdir()
    synthesize_layout(out, "cremad", 1, 2, seed=3, size=64, jobs=1)
    files = sorted(path.relative_to(cremad) for path in cremad.rglob("*.*"))
    assert files == sorted(path.relative_to(out) for path in out.rglob("*.*"))
    assert len(files) == 7
    assert all((cremad / file).read_bytes() == (out / file).read_bytes() for file in files)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_a_clip_of_lrw_has_29_frames(tmp_path: Path) -> None:
    synthesize_layout(tmp_path / "lrw", "lrw", 1, 1, size=64, jobs=1)
    (clip,) = corpus_named("lrw").clips(tmp_path / "lrw")
    assert read_video(clip.video).shape == (29, 256, 256, 3)
    assert clip.video.with_suffix(".txt").read_text() == "Duration: 0.40 seconds\n"


def test_grid_films_are_mpeg(tmp_path: Path) -> None:
    synthesize_layout(tmp_path / "grid", "grid", 1, 1, size=64, jobs=1)
    (clip,) = corpus_named("grid").clips(tmp_path / "grid")
    assert clip.sentence
    assert read_video(clip.video).shape == (75, 288, 360, 3)
    with av.open(str(clip.video)) as file:
        assert (file.format.name, file.streams.video[0].codec_context.name) == ("mpeg", "mpeg1video")
        assert file.streams.audio[0].codec_context.name.startswith("mp2")


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30), Fraction(30_000, 1001), Fraction(50)])
def test_another_rate_keeps_time(rate: Fraction) -> None:
    """The frame taken nearest to the middle of each period, found by trying all."""
    frames = np.arange(60, dtype=np.uint8).reshape(60, 1, 1, 1)
    shown = at_rate(frames, rate).reshape(-1)
    assert len(shown) == round(60 * rate / 25)
    for n, frame in enumerate(shown.tolist()):
        time = (n + 0.5) / float(rate)
        distances = [abs((t + 0.5) / 25 - time) for t in range(60)]
        assert distances[frame] == pytest.approx(min(distances), abs=1e-9)


def test_on_canvas() -> None:
    picture = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    wide = on_canvas(picture, 8, 4)
    assert (wide[:, 2:6] == picture).all()
    assert (wide[:, :2] == picture[:, :1]).all()
    assert (wide[:, 6:] == picture[:, -1:]).all()
    assert on_canvas(picture, 20, 10).shape == (10, 20, 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"layout": "lrs3"}, "layout: 'lrs3' is unknown; give one of cremad, grid, lrw, mead, ravdess"),
        ({"actors": 92}, "actors: 92 is more than cremad has; ask for 1 to 91"),
        ({"clips": 83}, "clips: 83 is more than cremad has; ask for 1 to 82"),
        ({"actors": 0}, "actors: 0"),
        ({"size": 63}, "size: 63"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, arguments: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        synthesize_layout(tmp_path / "out", **{"layout": "cremad", "actors": 1, "clips": 1, "jobs": 1, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "notes.txt", tmp_path / "notes.txt" / "below"):
        with pytest.raises(OutputError):
            synthesize_layout(out, "lrw", 1, 1, size=64, jobs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_stopped_it_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("viseme.data.synthetic.fixtures._write_file", stop)
    with pytest.raises(KeyboardInterrupt):
        synthesize_layout(tmp_path / "out", "lrw", 1, 1, size=64, jobs=1)
    assert list(tmp_path.iterdir()) == []

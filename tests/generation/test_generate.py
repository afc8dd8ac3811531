"""One photo and a voice become a video."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viseme.data.audio import read_audio
from viseme.data.video import read_video
from viseme.errors import ConfigError, InputError, OutputError
from viseme.generation.generate import generate_talk
from viseme.generation.photo import read_photo
from viseme.generation.writer import VideoWriter, read_provenance


def test_a_photo_and_a_voice_become_a_video(painter, face: Path, voice: Path, tmp_path: Path, streams, psnr) -> None:
    out = tmp_path / "new" / "talk.mp4"
    talk = generate_talk(painter, face, voice, out, seed=3)
    assert (talk.path, talk.frames, talk.note) == (out, 13, "")  # 8000 samples are 12.5 frames
    assert talk.seconds > 0
    assert str(talk).startswith(f"{out}: 13 frames, synthesis ")
    seen = streams(out)
    assert (seen.frames, seen.rate) == (13, 25)
    assert seen.sound_seconds == pytest.approx(13 / 25, abs=1e-3)
    frames = read_video(out)
    assert psnr(frames[0], read_photo(face, 32).frame) > 30
    assert frames[6].mean() > frames[12].mean() + 10  # the painter brightens with the swelling tone
    assert read_provenance(out)["seed"] == 3
    assert read_provenance(out)["model_sha256"] == "ab" * 32
    heard = read_audio(out)[:8000]
    assert np.corrcoef(heard, read_audio(voice))[0, 1] > 0.99


def test_the_same_command_gives_the_same_bytes(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    made = [
        generate_talk(painter, face, voice, tmp_path / f"{n}.mp4", seed=seed).path.read_bytes()
        for n, seed in enumerate((1, 1, 2))
    ]
    assert made[0] == made[1] != made[2]


def test_frames_are_finished_and_seen_as_they_come(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    told = []
    black = np.zeros((32, 32, 3), np.uint8)

    def seen(frame: np.ndarray, number: int, total: int) -> None:
        told.append((number, total, int(frame.max())))

    generate_talk(painter, face, voice, tmp_path / "talk.mp4", finish=lambda _frame: black, seen=seen)
    assert told == [(number, 13, 0) for number in range(1, 14)]
    assert read_video(tmp_path / "talk.mp4").max() < 3


def test_who_sees_a_frame_can_end_the_work(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def seen(_frame: np.ndarray, number: int, _total: int) -> None:
        if number == 5:
            raise Enough

    with pytest.raises(Enough):
        generate_talk(painter, face, voice, tmp_path / "out" / "talk.mp4", seen=seen)
    assert list((tmp_path / "out").iterdir()) == []


def test_notes_are_passed_on(painter, portrait: np.ndarray, write_wav, tmp_path: Path) -> None:
    face = Image.fromarray(portrait[0:300, 80:380])
    both = Image.new("RGB", (520, 300))
    both.paste(face.resize((200, 200)), (0, 50))
    both.paste(face, (220, 0))
    both.save(tmp_path / "two.png")
    silence = write_wav(np.zeros(6400, np.float32), "silence.wav")
    talk = generate_talk(painter, tmp_path / "two.png", silence, tmp_path / "talk.mp4")
    assert talk.frames == 10
    assert talk.note == "2 faces found, the largest is used; the sound is silent, the mouth has nothing to follow"
    assert str(talk).endswith(talk.note)


def test_inputs_that_cannot_serve_are_one_line_and_leave_nothing(
    painter, face: Path, voice: Path, write_wav, tmp_path: Path
) -> None:
    short = write_wav(np.full(3199, 0.1, np.float32), "short.wav")
    empty = write_wav(np.zeros(0, np.float32), "empty.wav")
    (tmp_path / "text.wav").write_text("not a sound")
    Image.new("RGB", (100, 100)).save(tmp_path / "blank.png")
    with VideoWriter(tmp_path / "clip.mp4", 32, np.zeros(9999, np.float32), metadata={}) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8))
    before = sorted(tmp_path.iterdir())
    cases = [
        (face, short, r"short\.wav: 0\.20 s of sound are too short; give 0\.2 s or more"),
        (face, empty, r"empty\.wav"),
        (face, tmp_path / "text.wav", r"text\.wav"),
        (face, tmp_path / "none.wav", r"none\.wav: no such file"),
        (face, face, r"face\.png"),
        (tmp_path / "blank.png", voice, r"blank\.png: no face found"),
        (tmp_path / "clip.mp4", voice, r"clip\.mp4: is not a picture"),
    ]
    for image, audio, line in cases:
        with pytest.raises(InputError, match=line) as caught:
            generate_talk(painter, image, audio, tmp_path / "talk.mp4")
        assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_outputs_that_cannot_serve_are_refused_first(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    for out, line in [
        (tmp_path / "talk.avi", r"written as MP4; give a name that ends in \.mp4"),
        (tmp_path, "give a name"),
        (face / "talk.mp4", "cannot be written"),
    ]:
        with pytest.raises(OutputError, match=line):
            generate_talk(painter, face, voice, out)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        generate_talk(painter, face, voice, tmp_path / "folder.mp4")
    with pytest.raises(ConfigError, match="seed -1"):
        generate_talk(painter, face, voice, tmp_path / "talk.mp4", seed=-1)


def test_an_input_is_never_overwritten(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    clip = generate_talk(painter, face, voice, tmp_path / "clip.mp4").path
    before = clip.read_bytes()
    with pytest.raises(OutputError, match="is an input too and would be lost"):
        generate_talk(painter, face, clip, clip)
    assert clip.read_bytes() == before
    assert generate_talk(painter, face, clip, tmp_path / "again.mp4").frames == 14  # AAC's last packet is whole


def test_an_interrupt_or_a_full_disk_leaves_nothing(
    painter, face: Path, voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = VideoWriter.write
    for error, told in [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(errno.ENOSPC, "No space left on device"), OutputError),
    ]:

        def failing(self: VideoWriter, frame: np.ndarray, error: BaseException = error) -> None:
            if self.frames == 5:
                raise error
            write(self, frame)

        monkeypatch.setattr(VideoWriter, "write", failing)
        with pytest.raises(told):
            generate_talk(painter, face, voice, tmp_path / "out" / "talk.mp4")
        assert not list((tmp_path / "out").iterdir())


def test_landmarks_go_to_models_that_take_them(painter, face: Path, voice: Path, tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 32, (20, 68, 2)).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(InputError, match=r"points\.npy: painter is not driven by landmarks"):
        generate_talk(painter, face, voice, tmp_path / "talk.mp4", landmarks=tmp_path / "points.npy")
    painter.uses_landmarks = True
    with pytest.raises(InputError, match="painter is driven by landmarks; give a file"):
        generate_talk(painter, face, voice, tmp_path / "talk.mp4")
    given = []
    synthesize = painter.synthesize
    painter.synthesize = lambda conditionings, rng: given.extend(conditionings) or synthesize(conditionings, rng)
    generate_talk(painter, face, voice, tmp_path / "talk.mp4", landmarks=tmp_path / "points.npy")
    np.testing.assert_array_equal(given[0].landmarks, points[:13])
    painter.needs_landmarks = False
    generate_talk(painter, face, voice, tmp_path / "without.mp4")
    assert given[1].landmarks is None

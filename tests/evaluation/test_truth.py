from __future__ import annotations

import pickle
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from viseme.errors import InputError, StoreError
from viseme.evaluation.truth import FilmedClip, StoredClip, opened
from viseme.types import SAMPLES_PER_FRAME

WriteVideo = Callable[[Path, np.ndarray], Path]


def filmed(path: Path, sha256: str = "") -> FilmedClip:
    return FilmedClip("a", "unknown", path, sha256 or str(path))


def test_a_store_is_opened_once(tiny) -> None:
    assert opened(tiny.path, "one") is opened(tiny.path, "one")
    assert opened(tiny.path, "one") is not opened(tiny.path, "two")


def test_a_clip_of_a_store(tiny) -> None:
    row = tiny.store.row("c_0")
    clip = pickle.loads(pickle.dumps(StoredClip(tiny.path, tiny.store.fingerprint, row)))
    assert (clip.clip_id, clip.actor, clip.split, clip.frames) == ("c_0", "c", "test", 13)
    assert clip.key == (tiny.store.fingerprint, "c_0")
    assert np.array_equal(clip.read(32), tiny.store.frames("c_0", size=32))
    assert np.array_equal(clip.audio(), tiny.store.audio("c_0"))
    with pytest.raises(StoreError, match="cannot be given at 48"):
        clip.read(48)
    assert clip.read(48, resample=True).shape == (13, 48, 48, 3)


def test_a_clip_in_a_video(tiny, truth_videos: Path, write_video: WriteVideo) -> None:
    clip = pickle.loads(pickle.dumps(filmed(truth_videos / "c_0.mkv")))
    assert (clip.clip_id, clip.actor, clip.split) == ("a", "unknown", "all")
    assert np.array_equal(clip.read(64), tiny.store.frames("c_0"))
    assert clip.audio() is None
    assert clip.frames == 13
    with pytest.raises(InputError, match=r"^truth's c_0.mkv: has 64x64 pixels where 32x32 are scored"):
        clip.read(32)
    assert clip.read(32, resample=True).shape == (13, 32, 32, 3)


def test_frames_are_counted_once_for_equal_bytes(
    tiny, tmp_path: Path, write_video: WriteVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mkv", tiny.store.frames("c_0")[:5])
    assert filmed(path, "five").frames == 5
    path.unlink()
    assert filmed(path, "five").frames == 5
    with pytest.raises(InputError, match=r"a.mkv: no such file"):
        filmed(path, "another").frames  # noqa: B018


def test_sound_is_as_long_as_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "spoken.mkv"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("ffv1", rate=25)
        picture.width = picture.height = 16
        picture.pix_fmt = "bgr0"
        sound = container.add_stream("pcm_s16le", rate=16_000)
        sound.codec_context.layout = "mono"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            container.mux(picture.encode(frame))
        samples = av.AudioFrame.from_ndarray(np.full((1, 1000), 8192, np.int16), format="s16", layout="mono")
        samples.sample_rate = 16_000
        container.mux(sound.encode(samples))
        container.mux([*picture.encode(None), *sound.encode(None)])
    heard = filmed(path).audio()
    assert heard.shape == (5 * SAMPLES_PER_FRAME,)
    assert heard[:1000] == pytest.approx(0.25, abs=1e-3)
    assert not heard[1000:].any()


def test_a_sound_file_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(3200))
    with pytest.raises(InputError, match=r"^truth's voice.wav: holds no video stream"):
        filmed(path).read(16)


def test_sound_that_cannot_be_read_is_told_of_truth_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(InputError) as caught:
        filmed(tmp_path / "a.mp4").audio()
    assert str(caught.value).startswith("truth's a.mp4: ")
    assert str(tmp_path) not in str(caught.value)

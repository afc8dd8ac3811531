from pathlib import Path

import av
import numpy as np

from viseme.data.synthetic.film import write_film


def _film() -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    frames = [np.full((64, 64, 3), 20 + 9 * t, dtype=np.uint8) for t in range(20)]
    noise = np.convolve(rng.standard_normal(640 * 20), np.ones(6) / 6, "same")
    return frames, (0.2 * noise).astype(np.float32)


def test_picture_and_sound_come_back_in_step(tmp_path: Path):
    frames, sound = _film()
    write_film(tmp_path / "film.mp4", frames, 64, sound)
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.streams.video[0].average_rate == 25
        assert container.streams.audio[0].rate == 16_000
        assert [float(stream.start_time or 0) for stream in container.streams] == [0.0, 0.0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(tmp_path / "film.mp4")) as container:
        heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
    assert len(pictures) == 20
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(pictures, frames, strict=True)) <= 4
    match = np.correlate(heard[3000 - 1200 : 9000 + 1200], sound[3000:9000], "valid")
    assert np.argmax(match) == 1200
    assert np.corrcoef(heard[3000:9000], sound[3000:9000])[0, 1] > 0.9


def test_the_same_film_has_the_same_bytes(tmp_path: Path):
    frames, sound = _film()
    for name in ("a.mp4", "b.mp4"):
        write_film(tmp_path / name, frames, 64, sound)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert b"mbtree=0" in (tmp_path / "a.mp4").read_bytes()  # with it one film in some dozens differs

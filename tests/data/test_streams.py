"""What a media file says of itself."""

from __future__ import annotations

import pytest

from viseme.data.streams import streams
from viseme.errors import InputError


def test_a_video_with_sound(videos):
    told = streams(videos / "a0" / "clip 0.mkv")
    assert told["video"].startswith("h264 230x230")
    assert told["frames per second"] == 25
    assert told["sound"] == "pcm_s16le 16000 Hz, 1 channel(s)"
    assert told["seconds"] == pytest.approx(0.4, abs=0.01)


def test_what_is_no_video(videos):
    with pytest.raises(InputError, match="cannot be opened"):
        streams(videos / "a1" / "broken.mkv")

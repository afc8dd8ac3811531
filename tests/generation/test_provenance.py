from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

import viseme
from viseme.errors import InputError
from viseme.generation.controls import Frozen
from viseme.generation.landmarks import uses_landmarks
from viseme.generation.provenance import describe, provenance, read_provenance, tags
from viseme.generation.writer import VideoWriter


def video(path: Path, record: dict) -> Path:
    with VideoWriter(path, 32, np.zeros(0, np.float32), metadata=record) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8))
        writer.write(np.zeros((32, 32, 3), np.uint8))
    return path


def test_a_synthesizer_is_described_by_what_it_says(painter) -> None:
    system = describe(painter, seed=7, shuffled_audio=3, leaking=True)
    assert (system.name, system.model, system.model_sha256) == ("painter", "painter_config", "ab" * 32)
    assert (system.seed, system.shuffled_audio, system.leaking, system.control) == (7, 3, True, None)
    assert (system.size, system.fps, system.crf, system.version) == (32, 25, 12, viseme.__version__)
    assert system.sampling == {"steps": 3}


def test_settings_of_a_real_configuration_are_json(painter) -> None:
    from viseme.config import load_config, preset_names

    painter.config = load_config(preset_names()[0])
    system = describe(painter, seed=0)
    assert system.model == preset_names()[0]
    assert json.loads(json.dumps(system.sampling)) == system.sampling != {}


def test_a_control_has_no_weights(painter) -> None:
    system = describe(Frozen("frozen", 32), seed=0)
    assert (system.name, system.control, system.model_sha256, system.sampling) == ("frozen", "frozen", None, {})
    assert not uses_landmarks(painter)


def test_the_record_comes_back_whole(painter, tmp_path: Path) -> None:
    system = replace(describe(painter, seed=7), name="Größe \"x\" → 'y'")
    record = provenance(system, clip_id="c1", audio_from="c2")
    assert read_provenance(video(tmp_path / "v.mp4", record)) == record
    assert record["seed"] == 7
    assert record["model_sha256"] == "ab" * 32
    assert record["version"] == viseme.__version__
    assert (record["clip_id"], record["audio_from"]) == ("c1", "c2")
    assert record["ai_generated"] is True
    assert record["digital_source_type"].endswith("trainedAlgorithmicMedia")


def test_any_player_shows_that_it_is_generated(painter, tmp_path: Path) -> None:
    with av.open(str(video(tmp_path / "v.mp4", provenance(describe(painter, seed=7))))) as container:
        seen = dict(container.metadata)
    assert seen["title"] == "AI-generated talking head (painter)"
    assert seen["comment"].startswith("AI-generated: a model (painter, viseme")
    assert "seed 7" in seen["comment"]
    assert "creation_time" not in seen
    assert json.loads(seen["description"])["model"] == "painter_config"


def test_a_control_does_not_claim_to_be_generated() -> None:
    record = provenance(describe(Frozen("frozen", 32), seed=0))
    assert record["ai_generated"] is False
    assert "digital_source_type" not in record
    assert tags(record)["title"] == "Control frozen, not AI-generated"
    assert tags(record)["comment"].startswith("Not AI-generated")


def test_a_video_of_others_has_no_record(tmp_path: Path) -> None:
    path = tmp_path / "other.mp4"
    for description in (None, "[1]", '{"generator": "other"}', "plain words", "[" * 100_000):
        with av.open(str(path), "w") as container:
            if description:
                container.metadata["description"] = description
            stream = container.add_stream("libx264", rate=25)
            stream.width = stream.height = 32
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
            container.mux(stream.encode())
        assert read_provenance(path) == {}


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_text("not a video")
    with pytest.raises(InputError, match=r"v\.mp4"):
        read_provenance(tmp_path / "v.mp4")
    with pytest.raises(InputError, match="no such file"):
        read_provenance(tmp_path / "none.mp4")

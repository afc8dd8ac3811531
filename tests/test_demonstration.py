"""The demo, with two barely trained models in the place of the bundled ones."""

from __future__ import annotations

import pytest

from viseme import demonstration
from viseme.cli.output import count
from viseme.demonstration import demonstrate
from viseme.errors import OutputError
from viseme.generation.provenance import read_provenance


@pytest.fixture
def small(monkeypatch, runs, voice):
    """Two barely trained models and a second of sound, so that it does not take minutes."""
    monkeypatch.setattr(demonstration, "MODELS", {"gan": str(runs["gan"]), "ddpm": str(runs["ddpm"])})
    monkeypatch.setattr(demonstration, "voice", lambda: voice)
    monkeypatch.setattr(demonstration, "FILM", {"size": 128, "seconds": (0.8, 0.9)})


def test_makes_everything_once(cli, small, tmp_path):
    out = tmp_path / "demo"
    outcome = cli("demo", "--out", out)
    assert outcome.code == 0
    for name in ("talk_gan.mp4", "talk_ddpm.mp4", "report/report.html"):
        assert (out / name).is_file()
        assert str(out / name) in outcome.out
    assert read_provenance(out / "talk_gan.mp4")["ai_generated"] is True
    assert count(4, "rendered clip") in outcome.out
    for system in ("gan", "ddpm", "gan, shuffled audio", "ddpm, shuffled audio", "frozen", "reencoded"):
        assert f"\n{system} " in outcome.out
    made = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".mp4", ".safetensors")}
    made |= {path: path.stat().st_mtime_ns for path in (out / "results").glob("*.json")}
    again = demonstrate(out)
    assert again.results["frozen"].counts["scored"] == 4
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_an_older_demo_is_made_again_and_nothing_else_touched(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "letter.txt").write_text("dear")
    (tmp_path / "demo.json").write_text("{}")
    demonstration._begin(tmp_path, {"viseme": "1"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.json", "letter.txt"]


def test_a_folder_of_something_else_is_refused(small, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="holds no demo"):
        demonstrate(tmp_path)


def test_the_voice_is_short_speech():
    from viseme.data.audio import read_audio

    sound = read_audio(demonstration.voice())
    assert 4 < len(sound) / 16_000 < 5
    assert abs(sound).max() > 0.1

"""The Python API: the same names as the command line, one call each."""

from __future__ import annotations

import subprocess
import sys

import pytest

import viseme
from viseme.errors import ConfigError, InputError


def test_every_command_is_a_function():
    from viseme.cli.main import app

    # `viseme.weights` is the module behind that command, so the function bears another name.
    names = {command.callback.__name__ for command in app.registered_commands} - {"weights"} | {"pretrained"}
    assert names <= set(viseme.api.__all__)
    assert all(callable(getattr(viseme, name)) for name in names)


def test_import_is_light():
    program = "import sys, viseme; print([n for n in ('torch', 'cv2', 'dlib', 'av', 'numpy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = viseme.nonsense


def test_from_photo_to_scores(runs, store, portrait, voice, tmp_path):
    talk = viseme.generate(runs["gan"], image=portrait, audio=voice, out=tmp_path / "talk.mp4")
    assert (talk.path, talk.frames) == (tmp_path / "talk.mp4", 25)
    manifest = viseme.generate(runs["gan"], data=store, out=tmp_path / "videos", limit=1)
    assert manifest.system.name == "tiny_gan"
    results = viseme.evaluate(tmp_path / "videos", store, tmp_path / "r.json", metrics=["psnr"], jobs=1)
    assert results.counts["scored"] == 1
    assert results.counts["failed"] == 2
    page = viseme.compare({"gan": tmp_path / "r.json"}, tmp_path / "report").page
    assert page.is_file()


def test_corpora_by_name():
    assert [corpus.name for corpus in viseme.corpora()] == [
        "cremad",
        "folder",
        "grid",
        "lrw",
        "mead",
        "ravdess",
        "synthetic",
    ]
    assert [corpus.name for corpus in viseme.corpora("grid")] == ["grid"]
    with pytest.raises(InputError, match="grdi"):
        viseme.corpora("grdi")


def test_presets_carry_their_size():
    sizes = {preset.name: preset.parameters for preset in viseme.presets()}
    assert sizes["tiny_gan"] > 1e6
    with pytest.raises(ConfigError, match="tiny_gna"):
        viseme.load_config("tiny_gna")


def test_generate_needs_something_to_go_by(runs, portrait, tmp_path):
    with pytest.raises(InputError, match="photo"):
        viseme.generate(runs["gan"], image=portrait, out=tmp_path / "t.mp4")


def test_a_control_has_no_settings(store):
    with pytest.raises(InputError, match="no settings"):
        viseme.load_model("control:frozen", data=store, overrides=["sampling.steps=2"])

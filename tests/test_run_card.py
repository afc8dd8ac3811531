"""The card that a run has of itself."""

from __future__ import annotations

import json
import shutil

import pytest

import viseme
from viseme.errors import InputError, ModelError
from viseme.files import sha256
from viseme.run_card import write_card
from viseme.training.run import RunFolder


@pytest.fixture
def run(runs, tmp_path):
    """A run that may be written to."""
    return shutil.copytree(runs["gan"], tmp_path / "run")


@pytest.fixture
def scored(run, store, tmp_path):
    """Results of the run's videos of one clip, and of a control's."""
    for name, model in (("own", run), ("frozen", "control:frozen")):
        viseme.generate(model, data=store, out=tmp_path / name, limit=1)
        viseme.evaluate(tmp_path / name, store, tmp_path / f"{name}.json", metrics=["psnr"], jobs=1)
    return {name: tmp_path / f"{name}.json" for name in ("own", "frozen")}


def test_training_leaves_a_card(runs):
    card = (runs["gan"] / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# tiny\\_gan\n")
    assert f"`{sha256(runs['gan'] / 'model.safetensors')[:16]}" in card
    assert "synthetic; 2 actors (a000 and a002), 6 clips" in card
    assert "- Data: yours: rendered, no person was recorded." in card
    assert "2 steps, " in card
    assert "## Validation" in card
    assert "too few for an interval" in card
    assert "| PSNR (dB) |" in card
    assert "## Limits" in card
    assert "## Intended use" in card
    assert "Not measured beyond the validation above." in card


def test_the_card_tells_the_scores_of_the_last_step(runs):
    scores = json.loads(RunFolder(runs["gan"]).sample(2).with_suffix(".json").read_text(encoding="utf-8"))
    mean = sum(clip["values"]["psnr"] for clip in scores) / len(scores)
    assert f"| PSNR (dB) | {mean:.2f} | none | {len(scores)} |" in (runs["gan"] / "MODEL_CARD.md").read_text("utf-8")


def test_scores_are_put_into_the_card(run, scored):
    card = write_card(run, scored)
    assert card == run / "MODEL_CARD.md"
    text = card.read_text(encoding="utf-8")
    assert "| Metric | Truth | own | frozen (control) |" in text
    assert "Not measured" not in text
    assert "## Validation" in text


def test_scores_of_another_model_are_refused(run, scored):
    before = (run / "MODEL_CARD.md").read_bytes()
    with pytest.raises(InputError, match="none of frozen was made by this run's weights"):
        write_card(run, {"frozen": scored["frozen"]})
    assert (run / "MODEL_CARD.md").read_bytes() == before


def test_what_is_no_run_with_a_model_is_refused(run, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "nothing", run / "model.safetensors"):
        with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
            write_card(place)


def test_a_run_that_is_called_as_a_bundled_model_is_itself(run, monkeypatch):
    monkeypatch.chdir(run.parent)
    run.rename("tiny_gan")
    card = write_card("tiny_gan").read_text(encoding="utf-8")
    assert f"`{sha256('tiny_gan/model.safetensors')[:16]}" in card

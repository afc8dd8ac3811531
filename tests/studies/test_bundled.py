"""Study `bundled`: its plan, and what its page says of results that are made up."""

from __future__ import annotations

import html

from viseme.config import load_config
from viseme.families import bundled_models, model_path
from viseme.files import sha256
from viseme.studies import bundled
from viseme.studies.catalogue import study_plan


def test_every_model_is_rolled_out_and_known_by_its_weights(store):
    plan = study_plan("bundled", store, seed=4)
    for name in bundled_models():
        assert plan.given[name].fingerprint == sha256(model_path(name))
        kinds = {kind: plan.step[f"generate/{name}_{kind}"].arguments for kind in ("test", "shuffled", "seen", "long")}
        assert {arguments["model"] for arguments in kinds.values()} == {f"<{name}>"}
        assert kinds["shuffled"]["shuffle_audio"] == 4
        assert kinds["seen"]["split"] == "seen"
    assert set(plan.step["blind"].arguments["videos"]) == set(bundled_models())
    assert plan.step["clips/long"].arguments["frames"] == 251
    assert plan.step["generate/frozen_test"].arguments["model"] == "control:frozen"
    assert set(plan.step["report"].arguments["results"]) >= {*bundled_models(), "frozen", "reencoded"}


def test_the_page_says_what_the_sound_is_worth_and_what_is_as_truth(tmp_path, made_up, videos, monkeypatch):
    def file(name, **means):
        return made_up(tmp_path / f"{name}.json", means, {"sharpness": 600.0, "sync_offset": 0.0}, 75)

    common = {"csim": 1.0, "head_motion": 0.9, "blink_motion": 0.5, "sync_offset": 0.5}
    results = {
        "one_test": file("one_test", mouth_correlation=0.7, opening_spread=0.95, sharpness=540.0, **common),
        "one_shuffled": file("one_shuffled", mouth_correlation=0.2, opening_spread=0.95, sharpness=540.0, **common),
        "one_seen": file("one_seen", mouth_correlation=0.81),
        "one_long": file("one_long", brightness_drift=0.5, sharpness_drift=-1.0),
        "two_test": file("two_test", mouth_correlation=0.5, opening_spread=0.6, sharpness=480.0, **common),
        "reencoded_test": file("reencoded_test", mouth_correlation=0.99, opening_spread=1.0, sharpness=598.0, **common),
        "reencoded_seen": file("reencoded_seen", mouth_correlation=0.9),
    }
    page = tmp_path / "out/index.html"
    monkeypatch.setattr(bundled, "load_config", lambda name: load_config("gan_64" if name == "one" else "ddpm_64"))
    results["two_fifty"] = file("two_fifty", mouth_correlation=0.52)
    made = {name: videos(name, 0.1) for name in ("one", "two")}
    bundled.draw(results, made, {"two, 50 steps": videos("fifty", 2.0)}, str(page))
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "one follows the sound with r 0.70" in text
    assert "0.50 [0." in text
    assert "above another clip's" in text
    assert "one and two differ is shown (0.20" in text
    assert "one opens the mouth 95 % as far as truth" in text
    assert "reaches 90 % of re-encoded truth's correlation" in text
    assert "two is 80 % as sharp as truth" in text
    assert "Over 3 seconds one drifts by 0.50 % in brightness." in text
    table = (page.parent / "table.csv").read_text(encoding="utf-8")
    assert "one,in_step,Within a frame of truth's offset,%,,100.0" in table
    assert "one,frames_a_second,Frames a second,,,100" in table
    assert '"two, 50 steps",frames_a_second,Frames a second,,,5' in table

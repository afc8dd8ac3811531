from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from viseme.data.faces import default_backend
from viseme.errors import InputError
from viseme.evaluation.features import Features, TruthFeatures
from viseme.evaluation.identity import Calibration
from viseme.evaluation.metrics import METRICS, NEEDS
from viseme.evaluation.reference import training_curve
from viseme.evaluation.score import Sample, Scored, score
from viseme.evaluation.syncnet import SyncNet

OFFLINE = [name for name in METRICS if name not in NEEDS]
TOO_SHORT = {"av_lag", "sync_offset", "sync_confidence", "blink_rate", "blink_length"}
"""Metrics that a clip of twelve frames without sound cannot have."""
SILENCE = np.zeros(13 * 640, np.float32)
SCALE = Calibration(same=0.99, different=0.8)


def sample(tiny, candidate: np.ndarray | None = None, curve: np.ndarray | None = None, scale=SCALE) -> Sample:
    true = tiny.store.frames("c_0")
    frames = true[1:] if candidate is None else candidate
    backend = default_backend()
    truth = TruthFeatures(true[1 : len(frames) + 1], backend, identity=true[0], key=("score", len(frames)))
    return Sample(Features(frames, backend), truth, training_curve(tiny.store) if curve is None else curve, scale)


@pytest.fixture(scope="module")
def of_itself(tiny) -> Scored:
    return score(sample(tiny), OFFLINE)


def test_truth_against_itself_is_perfect(of_itself: Scored) -> None:
    values = of_itself.values
    assert values["psnr"] == 100
    assert values["snr"] == 100
    assert values["ssim"] == pytest.approx(1, abs=1e-12)
    assert values["lmd"] == pytest.approx(0, abs=1e-4)
    assert values["mouth_lmd"] == pytest.approx(0, abs=1e-4)
    assert values["mouth_correlation"] == pytest.approx(1)
    assert values["mouth_correlation_raw"] == pytest.approx(1)
    assert values["opening_spread"] == pytest.approx(1)
    assert values["opening_spread_least"] == pytest.approx(1)
    assert -1 <= values["mean_curve_raw"] < 1


def test_truth_s_own_numbers_stand_beside(of_itself: Scored) -> None:
    shared = {
        "head_roll",
        "head_shift",
        "csim",
        "ofm",
        "f_mse",
        "brightness",
        "sharpness",
        "brightness_drift",
        "sharpness_drift",
        "identity_drift",
        "ofm_legacy",
        "f_mse_legacy",
    }
    ratios = {"opening_spread", "opening_spread_least", "head_motion", "blink_motion"}
    assert set(of_itself.truth) == shared | ratios
    assert {of_itself.truth[name] for name in ratios} == {1.0}
    assert [of_itself.values[name] for name in sorted(ratios)] == pytest.approx([1] * 4)
    for name in shared:
        assert of_itself.truth[name] == of_itself.values[name]


def test_every_metric_is_there(of_itself: Scored) -> None:
    assert list(of_itself.values) == [name for name in OFFLINE if name not in TOO_SHORT]
    assert set(of_itself.missing) == TOO_SHORT


def test_curves(of_itself: Scored) -> None:
    kinds = {"opening", "spread", "brightness", "sharpness", "identity"}
    assert set(of_itself.curves) == kinds | {f"{kind}_truth" for kind in kinds}
    lengths = {name: len(series) for name, series in of_itself.curves.items()}
    expected = {"identity": 3, "spread": 1}
    assert lengths == {name: expected.get(name.removesuffix("_truth"), 12) for name in lengths}
    assert np.std(of_itself.curves["opening_truth"]) > 0.01  # the mouth does move


def test_a_frozen_mouth_follows_nothing(tiny) -> None:
    frozen = np.repeat(tiny.store.frame("c_0", 0)[None], 12, axis=0)
    found = score(sample(tiny, frozen), OFFLINE)
    assert found.values["mouth_correlation"] == 0
    assert found.values["mouth_correlation_raw"] == 0
    assert found.values["opening_spread"] == 0
    assert found.values["opening_spread_least"] == 0
    assert found.values["head_roll"] == found.values["head_shift"] == 0
    assert found.values["f_mse"] == 0
    assert found.values["brightness_drift"] == 0
    assert found.values["csim"] == pytest.approx((1 - 0.8) / 0.19)
    assert found.values["mouth_lmd"] > 1


def test_without_training_clips_the_raw_r_serves(tiny) -> None:
    names = ["mouth_correlation", "mouth_correlation_raw", "mean_curve_raw"]
    found = score(sample(tiny, curve=np.zeros(0)), names)
    assert found.values["mouth_correlation"] == found.values["mouth_correlation_raw"]
    assert found.missing == {"mean_curve_raw": "the store has no training clips"}


def test_without_a_scale_there_is_no_csim(tiny) -> None:
    found = score(sample(tiny, scale="there are not two training actors"), ["csim", "identity_drift"])
    assert found.values == found.curves == {}
    assert found.missing["csim"] == "CSIM has no scale: there are not two training actors"


def test_one_scored_frame_has_no_motion_and_says_so(tiny) -> None:
    found = score(sample(tiny, tiny.store.frames("c_0")[1:2]), OFFLINE)
    assert {"psnr", "ssim", "lmd", "csim", "brightness"} <= set(found.values)
    assert {"ofm", "f_mse", "brightness_drift", "identity_drift", "opening_spread", "head_roll"} <= set(found.missing)
    assert all(np.isfinite(list(found.values.values())))


def test_what_is_not_finite_is_missing(tiny) -> None:
    found = score(sample(tiny, curve=np.full(12, np.nan)), ["mouth_correlation"])
    assert found.missing == {"mouth_correlation": "it is not a finite number for this clip"}


def test_only_what_is_asked_for(tiny) -> None:
    only = sample(tiny)
    found = score(only, ["psnr", "brightness"])
    assert set(found.values) == {"psnr", "brightness"}
    assert set(found.curves) == {"brightness", "brightness_truth"}
    assert "track" not in only.candidate.__dict__  # no landmarks were looked for


def test_a_lag_says_why_it_is_missing(tiny) -> None:
    def missing(**parts: object) -> str:
        heard = SimpleNamespace(**{"candidate": lambda: SILENCE, "truth": lambda: SILENCE, **parts})
        return score(replace(sample(tiny), heard=heard), ["av_lag"]).missing["av_lag"]

    def broken() -> np.ndarray:
        raise InputError("c_0.mp4: holds no sound")

    def alone() -> None:
        raise ValueError("the store has no training clips")

    assert score(sample(tiny), ["av_lag"]).missing["av_lag"] == "its sound is not known"
    assert missing(candidate=broken) == "its sound cannot be read: c_0.mp4: holds no sound"
    assert missing(truth=lambda: None) == "truth has no sound"
    assert missing(canonical=alone) == "the store has no training clips"


def test_syncnet_scores_both_sides_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = SyncNet().eval()
    monkeypatch.setattr("viseme.evaluation.syncnet.published", lambda: network)
    rng = np.random.default_rng(0)
    frames, audio = rng.integers(0, 256, (24, 64, 64, 3), np.uint8), rng.normal(0, 0.1, 25 * 640).astype(np.float32)
    backend, heard = default_backend(), SimpleNamespace(candidate=lambda: audio, truth=lambda: audio)
    truth = TruthFeatures(frames, backend, identity=frames[0], key=("syncnet",))
    of_syncnet = [name for name, parts in NEEDS.items() if "syncnet" in parts]
    found = score(Sample(Features(frames, backend), truth, np.zeros(0), SCALE, heard), of_syncnet)
    assert list(found.values) == of_syncnet
    assert found.values == found.truth
    assert found.values["lse_c"] >= 0
    assert found.values["lse_d"] > 0


def test_syncnet_without_its_weights_says_what_brings_them(tiny) -> None:
    heard = SimpleNamespace(candidate=lambda: SILENCE, truth=lambda: SILENCE)
    with pytest.raises(InputError, match="viseme weights syncnet"):
        score(replace(sample(tiny), heard=heard), ["lse_c"])


def test_the_bundled_scorer_hears_both_sides(tiny) -> None:
    frames = np.concatenate([tiny.store.frames("c_0")] * 3)[:32]
    audio = np.random.default_rng(0).normal(0, 0.1, 33 * 640).astype(np.float32)
    backend, heard = default_backend(), SimpleNamespace(candidate=lambda: audio, truth=lambda: audio)
    truth = TruthFeatures(frames, backend, identity=frames[0], key=("mouth-audio",))
    shifted = np.roll(frames, 3, axis=2)  # a face elsewhere in the frame is brought back before it is looked at
    found = score(
        Sample(Features(shifted, backend), truth, np.zeros(0), SCALE, heard), ["sync_offset", "sync_confidence"]
    )
    assert set(found.values) == set(found.truth) == {"sync_offset", "sync_confidence"}
    assert found.values["sync_confidence"] == pytest.approx(found.truth["sync_confidence"], rel=0.2)
    short = replace(sample(tiny), heard=heard)
    assert "needs 26 frames" in score(short, ["sync_offset"]).missing["sync_offset"]

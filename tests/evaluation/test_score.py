from __future__ import annotations

import numpy as np
import pytest

from viseme.data.faces import default_backend
from viseme.evaluation.features import Features, TruthFeatures
from viseme.evaluation.identity import Calibration
from viseme.evaluation.metrics import METRICS
from viseme.evaluation.reference import training_curve
from viseme.evaluation.score import Sample, Scored, score

SCALE = Calibration(same=0.99, different=0.8)


def sample(tiny, candidate: np.ndarray | None = None, curve: np.ndarray | None = None, scale=SCALE) -> Sample:
    true = tiny.store.frames("c_0")
    frames = true[1:] if candidate is None else candidate
    backend = default_backend()
    truth = TruthFeatures(true[1 : len(frames) + 1], backend, identity=true[0], key=("score", len(frames)))
    return Sample(Features(frames, backend), truth, training_curve(tiny.store) if curve is None else curve, scale)


@pytest.fixture(scope="module")
def of_itself(tiny) -> Scored:
    return score(sample(tiny), METRICS)


def test_truth_against_itself_is_perfect(of_itself: Scored) -> None:
    values = of_itself.values
    assert values["psnr"] == 100
    assert values["ssim"] == pytest.approx(1, abs=1e-12)
    assert values["lmd"] == pytest.approx(0, abs=1e-4)
    assert values["mouth_lmd"] == pytest.approx(0, abs=1e-4)
    assert values["mouth_correlation"] == pytest.approx(1)
    assert values["mouth_correlation_raw"] == pytest.approx(1)
    assert values["opening_spread"] == pytest.approx(1)
    assert -1 <= values["mean_curve_raw"] < 1


def test_truth_s_own_numbers_stand_beside(of_itself: Scored) -> None:
    shared = {
        "csim",
        "ofm",
        "f_mse",
        "brightness",
        "sharpness",
        "brightness_drift",
        "sharpness_drift",
        "identity_drift",
    }
    assert set(of_itself.truth) == shared | {"opening_spread"}
    assert of_itself.truth["opening_spread"] == 1
    for name in shared:
        assert of_itself.truth[name] == of_itself.values[name]


def test_every_metric_is_there(of_itself: Scored) -> None:
    assert list(of_itself.values) == list(METRICS)
    assert of_itself.missing == {}


def test_curves(of_itself: Scored) -> None:
    kinds = {"opening", "brightness", "sharpness", "identity"}
    assert set(of_itself.curves) == kinds | {f"{kind}_truth" for kind in kinds}
    lengths = {name: len(series) for name, series in of_itself.curves.items()}
    assert lengths == {name: 3 if name.startswith("identity") else 12 for name in lengths}
    assert np.std(of_itself.curves["opening_truth"]) > 0.01  # the mouth does move


def test_a_frozen_mouth_follows_nothing(tiny) -> None:
    frozen = np.repeat(tiny.store.frame("c_0", 0)[None], 12, axis=0)
    found = score(sample(tiny, frozen), METRICS)
    assert found.values["mouth_correlation"] == 0
    assert found.values["mouth_correlation_raw"] == 0
    assert found.values["opening_spread"] == 0
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
    found = score(sample(tiny, tiny.store.frames("c_0")[1:2]), METRICS)
    assert {"psnr", "ssim", "lmd", "csim", "brightness"} <= set(found.values)
    assert {"ofm", "f_mse", "brightness_drift", "identity_drift", "opening_spread"} <= set(found.missing)
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

from __future__ import annotations

import numpy as np
import pytest

from viseme.data.faces import default_backend
from viseme.data.store import Store
from viseme.evaluation.background import calibration_of, training_curve
from viseme.evaluation.identity import Calibration
from viseme.evaluation.mouth import opening


def test_the_curve_is_the_mean_of_the_training_clips_from_frame_one(tiny) -> None:
    curve = training_curve(tiny.store)
    by_hand = [opening(tiny.store.landmarks(clip)[1:]) for clip in ("a_0", "a_1", "b_0", "b_1")]
    assert curve == pytest.approx(np.mean(by_hand, axis=0))
    assert len(curve) == 12


def test_the_scale_comes_from_the_training_actors_and_is_kept(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    scale = calibration_of(tiny.store, 64, default_backend())
    assert isinstance(scale, Calibration)
    assert 0.5 < scale.different < scale.same <= 1
    monkeypatch.setattr(Store, "frame", None)  # nothing is read a second time
    assert calibration_of(tiny.store, 64, default_backend()) == scale


def test_no_scale_without_training_clips(tiny) -> None:
    test_only = Store(tiny.path, tiny.store.info, tiny.store.clips("test"))
    assert calibration_of(test_only, 64, default_backend()) == "the store has no training clips"
    assert training_curve(test_only).size == 0

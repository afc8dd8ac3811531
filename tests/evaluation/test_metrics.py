from __future__ import annotations

import subprocess
import sys

import pytest

from viseme.errors import InputError
from viseme.evaluation.metrics import METRICS, NEEDS, SET_METRICS, chosen, gap, parts_needed
from viseme.evaluation.score import CURVE_OF, CURVES, SCORES
from viseme.evaluation.sets import FEATURES


def test_every_metric_can_be_computed_and_no_other() -> None:
    assert set(SCORES) == set(METRICS)
    assert {*FEATURES, "av_lag_pooled"} == set(SET_METRICS)
    assert set(CURVE_OF) <= set(METRICS)
    assert set(CURVE_OF.values()) == set(CURVES)


def test_all_in_table_order_by_default() -> None:
    known = {**METRICS, **SET_METRICS}
    assert not set(METRICS) & set(SET_METRICS)
    assert chosen(None) == [name for name, metric in known.items() if metric.default]
    assert not {"fid", "kid", "fvd", "ofm_legacy", "f_mse_legacy"} & set(chosen(None))
    assert not set(NEEDS) & set(chosen(None))  # nothing that needs a download
    assert chosen(["f_mse_legacy"]) == ["f_mse_legacy"]  # asked for by name
    assert chosen(["ofm", "psnr", "ofm"]) == ["psnr", "ofm"]


def test_parts_are_those_that_metrics_need() -> None:
    assert parts_needed(["psnr", "lse_c", "lpips", "lse_d"]) == ["syncnet", "lpips-alexnet", "lpips-heads"]
    assert parts_needed(chosen(None)) == []


@pytest.mark.parametrize(
    ("names", "says"), [(["psnr", "fvdd"], "no metric is called fvdd; known are psnr"), ([], "no metric was")]
)
def test_a_wrong_choice_names_the_known(names: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        chosen(names)


def test_gap_is_smaller_for_the_better() -> None:
    assert gap("higher", 3, None) < gap("higher", 2, None)  # type: ignore[operator]
    assert gap("lower", 2, None) == 2
    assert gap("zero", -2, 5) == 2
    assert gap("truth", 3, 5) == 2
    assert gap("truth", 3, None) is None
    assert gap("none", 3, 5) is None


def test_the_table_and_results_load_no_video_library() -> None:
    code = "import sys, viseme.evaluation.results; print({'cv2', 'dlib', 'av', 'torch', 'pyarrow'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"

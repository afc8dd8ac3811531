from __future__ import annotations

import subprocess
import sys

import pytest

from viseme.errors import InputError
from viseme.evaluation.metrics import METRICS, SYNCNET, chosen, gap
from viseme.evaluation.score import CURVE_OF, CURVES, SCORES


def test_every_metric_can_be_computed_and_no_other() -> None:
    assert set(SCORES) == set(METRICS)
    assert set(CURVE_OF) <= set(METRICS)
    assert set(CURVE_OF.values()) == set(CURVES)


def test_all_in_table_order_by_default() -> None:
    assert chosen(None) == [name for name in METRICS if not name.endswith("_legacy") and name not in SYNCNET]
    assert chosen(["f_mse_legacy"]) == ["f_mse_legacy"]  # asked for by name
    assert chosen(["ofm", "psnr", "ofm"]) == ["psnr", "ofm"]


@pytest.mark.parametrize(
    ("names", "says"), [(["psnr", "fvd"], "no metric is called fvd; known are psnr"), ([], "no metric was")]
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

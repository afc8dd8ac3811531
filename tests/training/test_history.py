import json
from pathlib import Path

import numpy as np
import pytest

from viseme.training.history import History, read_history


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_curves_come_back_as_they_were_logged(tmp_path: Path) -> None:
    metrics = written(
        tmp_path / "m",
        {"step": 10, "split": "train", "loss": 2.0, "lip": 0.5},
        {"step": 20, "split": "train", "loss": 1, "lip": 0.25},
        {"step": 20, "split": "val", "loss": 3.0},
    )
    history = read_history(metrics)
    assert (history.skipped, history.last_step, history.pace) == (0, 20, None)
    loss = history.curve("train", "loss")
    np.testing.assert_array_equal(loss.steps, [10, 20])
    np.testing.assert_array_equal(loss.values, [2.0, 1.0])
    np.testing.assert_array_equal(loss.after(10).values, [1.0])
    assert len(history.curve("val", "lip")) == 0
    assert list(history.curves) == [("train", "loss"), ("train", "lip"), ("val", "loss")]


def test_seconds_are_those_of_every_time_it_was_carried_on(tmp_path: Path) -> None:
    clocks = [4.0, 9.5, 1.0, 3.0]
    lines = [{"step": n, "split": "train", "seconds": clock} for n, clock in enumerate(clocks, 1)]
    assert read_history(written(tmp_path / "m", *lines)).seconds == 12.5
    assert read_history(tmp_path / "none").seconds == 0


def test_no_file_is_an_empty_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "none") == History()
    assert read_history(tmp_path / "none").last_step == 0


@pytest.mark.parametrize(
    "damaged",
    [
        '{"step": 30, "split": "tr',
        "",
        "null",
        "[1, 2]",
        '{"split": "train", "loss": 1.0}',
        '{"step": -1, "split": "train", "loss": 1.0}',
        '{"step": true, "split": "train", "loss": 1.0}',
        '{"step": 1.5, "split": "train", "loss": 1.0}',
        '{"step": 30, "split": 3, "loss": 1.0}',
        '{"step": 30, "split": "train", "loss": NaN}',
        '{"step": 30, "split": "train", "loss": "low"}',
        '{"step": 30, "split": "train", "loss": null}',
        '{"step": 30, "split": "train", "loss": 1.0, "seconds": Infinity}',
        '{"step": 30, "split": "train", "loss": 1' + "0" * 400 + "}",
        "[" * 100_000,
        "\ufffd\x00",
    ],
)
def test_a_damaged_line_is_counted_and_the_rest_read(damaged: str, tmp_path: Path) -> None:
    whole = {"step": 10, "split": "train", "loss": 2.0}
    history = read_history(written(tmp_path / "m", whole, damaged, {**whole, "step": 40}))
    assert history.skipped == 1
    np.testing.assert_array_equal(history.curve("train", "loss").steps, [10, 40])


def test_bytes_that_are_no_text_spoil_their_own_line_alone(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b'\xff\xfe\x00\n{"step": 1, "split": "train", "loss": 2.0}\n')
    history = read_history(tmp_path / "m")
    assert (history.skipped, len(history.curve("train", "loss"))) == (1, 1)


def test_of_a_step_logged_twice_the_later_counts_and_steps_rise(tmp_path: Path) -> None:
    rows = [{"step": step, "split": "train", "loss": value} for step, value in ((20, 1.0), (10, 2.0), (20, 3.0))]
    loss = read_history(written(tmp_path / "m", *rows)).curve("train", "loss")
    np.testing.assert_array_equal(loss.steps, [10, 20])
    np.testing.assert_array_equal(loss.values, [2.0, 3.0])


def test_pace_counts_validation_and_no_stop(tmp_path: Path) -> None:
    seconds = [(10, 5.0), (20, 10.0), (30, 25.0), (40, 4.0), (50, 9.0)]  # stopped after 30, its clock begun anew
    rows = [{"step": step, "split": "train", "seconds": at, "loss": 1.0} for step, at in seconds]
    history = read_history(written(tmp_path / "m", *rows))
    assert history.pace == pytest.approx((5 + 15 + 5) / 30)
    assert ("train", "seconds") not in history.curves

from itertools import pairwise

import pytest

from viseme.cli.plot import HEIGHT, WIDTH, Series, beside, plot, short


def dots(line: str) -> str:
    return line.split("┤", 1)[1]


def test_a_falling_line_runs_from_the_upper_left_to_the_lower_right() -> None:
    lines = plot("loss", [Series("train", range(101), [100 - step for step in range(101)])])
    assert len(lines) == HEIGHT + 2
    drawn = [dots(line) for line in lines[1:-1]]
    starts = [len(row) - len(row.lstrip()) for row in drawn]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert drawn[-1].rstrip() == drawn[-1], "the last point stands in the last column"
    assert lines[1].lstrip().startswith("100┤")
    assert lines[-2].lstrip().startswith("0┤")
    assert lines[-1].split() == ["0", "step", "100"]


def test_few_points_are_letters_at_their_steps() -> None:
    lines = plot("psnr", [Series("rollout", [0, 50, 100], [1.0, 3.0, 2.0])], last=100)
    drawn = [dots(line) for line in lines[1:-1]]
    assert [row.index("r") for row in drawn if "r" in row] == [len(drawn[0]) // 2, len(drawn[0]) - 1, 0]
    assert lines[0] == "psnr  2"


def test_steps_are_shown_up_to_the_run_s_last() -> None:
    lines = plot("psnr", [Series("rollout", [50], [1.0])], last=100)
    (row,) = [dots(line) for line in lines[1:-1] if "r" in dots(line)]
    assert abs(row.index("r") - len(row) / 2) <= 1
    assert lines[-1].endswith("step 100")


def test_ranges_of_many_powers_of_ten_are_drawn_by_their_logarithm() -> None:
    series = Series("train", range(101), [10 ** (2 - step / 25) for step in range(101)])
    lines = plot("loss", [series])
    assert lines[0].startswith("loss (log)")
    starts = [len(dots(line)) - len(dots(line).lstrip()) for line in lines[1:-1]]
    steps = [after - before for before, after in pairwise(starts)]
    assert max(steps) - min(steps) <= 2, "an exponential is a straight line"
    assert "(log)" not in plot("loss", [Series("train", [0, 1], [0.0, 1000.0])])[0]


def test_a_constant_and_a_single_point_are_drawn_in_the_middle() -> None:
    for series in (Series("train", [1], [3.0]), Series("train", range(40), [3.0] * 40)):
        lines = plot("loss", [series])
        assert [bool(dots(line).strip()) for line in lines[1:-1]] == [row == HEIGHT // 2 for row in range(HEIGHT)]


def test_nothing_is_drawn_of_nothing() -> None:
    assert plot("loss", []) == []
    assert plot("loss", [Series("train", [], [])]) == []
    assert beside([]) == []


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12, -1e12])
def test_everything_fits_80_columns(scale: float) -> None:
    one = plot("rollout mouth_correlation_raw", [Series("rollout", range(90), [scale * step for step in range(90)])])
    assert all(len(line) <= WIDTH for line in one)
    assert all(len(line) <= 80 for line in beside([one, one, one]))
    assert len(beside([one, one, one])) == 2 * len(one) + 1


def test_every_curve_of_several_is_named_with_its_newest_value() -> None:
    lines = plot("loss", [Series("train", [1, 2], [3.0, 2.0]), Series("val", [2], [2.5])])
    assert lines[0] == "loss  train 2  val 2.5"


def test_the_ends_of_an_axis_differ_where_the_values_do() -> None:
    lines = plot("psnr", [Series("rollout", [1, 2], [22.101, 22.139])])
    assert [line.split("┤")[0].strip() for line in (lines[1], lines[-2])] == ["22.14", "22.1"]


def test_numbers_are_short() -> None:
    assert [short(value) for value in (1700.0, 0.03123, -2.0, 1.5e-9, 123456.7, 1e9)] == [
        "1700",
        "0.0312",
        "-2",
        "1.5e-09",
        "1.2e+05",
        "1.0e+09",
    ]
    assert short(-1.23456e-300) == "-1e-300"

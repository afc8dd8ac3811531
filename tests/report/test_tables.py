from __future__ import annotations

import pytest

from viseme.report.systems import by_size, load_systems
from viseme.report.tables import definitions, difference_table, metric_table


@pytest.fixture
def group(written):
    def make(*kinds):
        return by_size(load_systems({kind["name"]: written(**kind) for kind in kinds}))[0]

    return make


def rows(table):
    return {row.metric: row for row in table}


def test_a_row_holds_each_systems_mean_interval_and_truth(group):
    found = group({"name": "a"}, {"name": "b", "shift": {"ofm": 0.1}})
    row = rows(metric_table(found))["ofm"]
    metric = found.systems[0].results.metrics["ofm"]
    assert row.truth == "0.530"
    assert row.cells[0].value == f"{metric.mean:.3f}"
    assert row.cells[0].interval == f"[{metric.low:.3f}, {metric.high:.3f}]"
    assert (row.arrow, row.meaning) == ("≈", "best where equal to truth's")
    assert [cell.best for cell in row.cells] == [False, True]


def test_controls_are_never_best(group):
    found = group(
        {"name": "a"}, {"name": "b"}, {"name": "still", "shift": {"psnr": 9}, "system": {"control": "frozen"}}
    )
    assert not rows(metric_table(found))["psnr"].cells[2].best


def test_a_metric_that_a_system_lacks_says_so(group):
    found = group({"name": "a"}, {"name": "b", "metrics": ["psnr"]})
    cell = rows(metric_table(found))["ssim"].cells[1]
    assert (cell.value, cell.note, cell.mark) == ("", "not measured", None)


def test_a_mean_over_fewer_clips_says_over_how_many(group):
    found = group(
        {"name": "a", "missing": {"s1_000": {"csim": "no face"}}}, {"name": "b", "failed": {"s2_001": "gone"}}
    )
    table = rows(metric_table(found))
    a, b = table["csim"].cells
    assert a.interval.endswith("], 11 of 12 clips")
    assert b.interval.endswith("], 11 of 12 clips")
    a, b = table["psnr"].cells
    assert a.interval.endswith("]")
    assert b.interval.endswith("], 11 of 12 clips")


def test_the_same_clips_need_no_number(group):
    found = group({"name": "a", "failed": {"s1_000": "gone"}}, {"name": "b", "failed": {"s1_000": "gone"}})
    assert all(cell.interval.endswith("]") for row in metric_table(found) for cell in row.cells)


def test_marks_lie_on_one_scale_that_holds_everything(group):
    found = group({"name": "a"}, {"name": "b", "shift": {"ofm": -0.2}})
    row = rows(metric_table(found))["ofm"]
    a, b = (cell.mark for cell in row.cells)
    assert b.low < b.at < b.high < a.low < a.at < a.high < row.zero
    assert b.low >= 0
    assert row.zero <= 100


def test_differences_are_of_the_first_from_each_other_and_name_the_winner(group):
    found = group({"name": "a", "follows": 0.7}, {"name": "b", "follows": 0.4}, {"name": "c", "follows": 0.7})
    row = rows(difference_table(found))["mouth_correlation"]
    assert [cell.system.name for cell in row.cells] == ["b", "c"]
    assert row.cells[0].value.startswith("+0.")
    assert row.cells[0].note == "a is better"
    assert row.cells[0].mark.low > 50
    assert row.cells[1].note == "no difference shown"
    assert row.cells[1].winner is None


def test_control_metrics_have_no_difference(group):
    assert "mean_curve_raw" not in rows(difference_table(group({"name": "a"}, {"name": "b"})))


def test_every_metric_of_the_page_is_defined_once(group):
    found = group({"name": "a"}, {"name": "b"})
    texts = [item.title for item in definitions([found, found])]
    assert len(texts) == len(set(texts)) == len(found.metrics)


def test_a_metric_of_another_version_is_said_to_be_unknown(group):
    found = group({"name": "a"})
    metrics = found.systems[0].results.metrics
    metrics["syncness"] = metrics["psnr"]
    assert "another version" in definitions([found])[-1].description

from __future__ import annotations

import json

import pytest

from viseme.errors import InputError
from viseme.report.systems import by_size, load_systems


def test_systems_keep_the_order_and_the_names_given(written):
    systems = load_systems({"b": written(name="b"), "a": written(name="a")})
    assert [system.name for system in systems] == ["b", "a"]
    assert [system.colour for system in systems] == ["system0", "system1"]


def test_controls_are_told_apart_from_systems_under_test(written):
    systems = load_systems(
        {
            "still": written(name="still", system={"control": "frozen"}),
            "truth": written(name="truth", system={"control": "reencoded"}),
            "gan": written(name="gan"),
            "deaf": written(name="deaf", system={"shuffled_audio": 0}),
        }
    )
    (group,) = by_size(systems)
    assert [system.name for system in group.tested] == ["gan"]
    assert [system.name for system in group.controls] == ["still", "truth", "deaf"]
    assert group.first.name == "gan"
    assert [system.is_truth for system in systems] == [False, True, False, False]
    assert systems[3].control == "other clip's sound"


def test_each_size_has_its_own_group_and_the_first_system_under_test_comes_first(written):
    still = written(name="still", system={"control": "frozen", "size": 128})
    groups = by_size(load_systems({"still": still, "a": written(name="a"), "b": written(name="b")}))
    assert [(group.size, [system.name for system in group.systems]) for group in groups] == [
        (64, ["a", "b"]),
        (128, ["still"]),
    ]


def test_systems_without_a_stated_size_have_a_group_of_their_own(written):
    groups = by_size(load_systems({"a": written(name="a", system={"size": None}), "b": written(name="b")}))
    assert [group.size for group in groups] == [None, 64]


@pytest.mark.parametrize(("field", "word"), [("fingerprint", "store"), ("split", "split")])
def test_results_of_different_references_are_refused_in_one_line(written, field, word):
    other = written(name="b", reference={field: "other"})
    with pytest.raises(InputError) as caught:
        load_systems({"a": written(name="a"), "b": other})
    assert f"b: was scored against another {word} (other) than a" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_results_of_different_frame_rates_are_refused_in_one_line(written):
    other = written(name="b", system={"fps": 30})
    with pytest.raises(InputError) as caught:
        load_systems({"a": written(name="a"), "b": other})
    assert str(caught.value) == ("b: was scored at 30 frames a second and a at 25; evaluate both at one rate")
    unstated = written(name="c", system={"fps": None})
    assert [system.fps for system in load_systems({"a": written(name="a"), "c": unstated})] == [25, 25]


def test_a_metric_defined_otherwise_is_refused_in_one_line(written):
    path = written(name="b")
    value = json.loads(path.read_text(encoding="utf-8"))
    value["metrics"]["lmd"]["unit"] = "px"
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_systems({"a": written(name="a"), "b": path})
    assert str(caught.value) == (
        "b: LMD was measured in px, best lower, and of a in %, best lower: evaluate both with one version of viseme"
    )


def test_nothing_to_compare_and_nameless_results_are_refused(written):
    with pytest.raises(InputError, match="nothing to compare"):
        load_systems({})
    with pytest.raises(InputError, match="empty name"):
        load_systems({" ": written()})


def test_a_file_that_is_no_results_file_is_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"schema": 99, "metrics": {}}))
    with pytest.raises(InputError, match=r"other\.json: .*schema 99"):
        load_systems({"a": path})
    with pytest.raises(InputError, match="cannot be read"):
        load_systems({"a": tmp_path / "absent.json"})

from __future__ import annotations

import pytest
import yaml

from viseme.errors import ConfigError
from viseme.studies.plan import Given, Plan, Step, called, references, resolved

DATA = {"data": Given("store", "f")}


def plan(*steps, given=DATA):
    return Plan("try", {"scale": "toy"}, given, steps)


def test_needs_follow_from_references():
    step = Step("c", "f.g", "c", {"x": "<a>", "more": ["k=<b>", 3, None], "by": {"n": "<a>"}})
    assert step.needs == ("a", "b")


def test_references_are_replaced_wherever_they_stand():
    value = {"x": "<a>", "list": ["k=<b>/c", 3], "plain": "text"}
    assert resolved(value, {"a": "A", "b": "B"}) == {"x": "A", "list": ["k=B/c", 3], "plain": "text"}


def test_partial_leaves_out_what_is_not_there():
    value = {"by": {"a": "<a>", "b": "<b>"}, "list": ["<b>", "<a>"], "n": 3}
    assert resolved(value, {"a": "A"}, partial=True) == {"by": {"a": "A"}, "list": ["A"], "n": 3}


def test_references_of_numbers_are_none():
    assert list(references({"a": 1, "b": [2.0, None, True]})) == []


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([Step("a", "f.g", "a"), Step("a", "f.g", "b")], "two steps are called a"),
        ([Step("data", "f.g", "a")], "two steps are called data"),
        ([Step("a", "f.g", "x"), Step("b", "f.g", "x")], "makes x"),
        ([Step("a", "f.g", "x"), Step("b", "f.g", "x/y")], "makes x/y"),
        ([Step("a", "f.g", "a", {"x": "<b>"})], "a needs b"),
        ([Step("a", "f.g", "a", {"x": "<b>"}), Step("b", "f.g", "b", {"x": "<a>"})], "need each other"),
        ([Step("a", "f.g", "a", {"x": "<a>"})], "need each other"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(steps, says):
    with pytest.raises(ConfigError, match=says):
        plan(*steps)


def test_outputs_that_only_begin_alike_are_two():
    assert len(plan(Step("a", "f.g", "x"), Step("b", "f.g", "xy")).steps) == 2


def test_a_fingerprint_depends_on_the_step_and_on_all_it_needs():
    def prints(text="t", data="f"):
        steps = (
            Step("a", "f.g", "a", {"t": text, "d": "<data>"}),
            Step("b", "f.g", "b", {"x": "<a>"}),
            Step("c", "f", "c"),
        )
        return plan(*steps, given={"data": Given("anywhere", data)}).fingerprints

    same, other_text, other_data = prints(), prints(text="u"), prints(data="g")
    assert prints() == same
    for changed in (other_text, other_data):
        assert changed["a"] != same["a"]
        assert changed["b"] != same["b"]
        assert changed["c"] == same["c"]


def test_the_plan_as_yaml():
    told = yaml.safe_load(plan(Step("a", "f.g", "a", {"x": "<data>", "t": ("p", "q")})).to_yaml())
    assert told["study"] == "try"
    assert told["scale"] == "toy"
    assert told["given"] == {"data": "store"}
    expected = {
        "name": "a",
        "call": "f.g",
        "needs": ["data"],
        "makes": "a",
        "arguments": {"x": "<data>", "t": ["p", "q"]},
    }
    assert told["steps"] == [expected]


def test_a_function_by_its_dotted_name():
    import viseme

    assert called("viseme.train") is viseme.train

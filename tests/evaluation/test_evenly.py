from viseme.evaluation.evenly import evenly


def test_all_where_they_are_few() -> None:
    assert evenly("abc", 3) == ["a", "b", "c"]
    assert evenly([], 3) == []


def test_ends_and_even_steps_where_they_are_many() -> None:
    assert evenly(range(9), 3) == [0, 4, 8]
    assert evenly(range(100), 4) == [0, 33, 66, 99]

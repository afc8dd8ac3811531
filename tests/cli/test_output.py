"""Tables and JSON as commands print them."""

from __future__ import annotations

import json

import pytest

from viseme.cli.output import count, names, print_json, print_table


def test_columns_are_as_wide_as_their_widest_cell(capsys):
    print_table(("name", "clips"), [("a", 7), ("bigger", 12)])
    assert capsys.readouterr().out == "name    clips\na           7\nbigger     12\n"


def test_a_table_without_rows_is_its_heading(capsys):
    print_table(("name", "clips"), [])
    assert capsys.readouterr().out == "name  clips\n"


def test_json_is_read_back(capsys):
    value = {"words": "déjà vu", "numbers": [1, 2.5, None]}
    print_json(value)
    assert json.loads(capsys.readouterr().out) == value


def test_json_refuses_nan():
    with pytest.raises(ValueError, match="Out of range"):
        print_json(float("nan"))


@pytest.mark.parametrize(("text", "found"), [("s5, s34", ["s5", "s34"]), ("", []), (None, []), (",a,,", ["a"])])
def test_names_between_commas(text, found):
    assert names(text) == found


def test_counts_agree_with_their_nouns():
    assert [count(0, "clip"), count(1, "clip"), count(1200, "frame")] == ["0 clips", "1 clip", "1,200 frames"]

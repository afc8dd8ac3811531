from __future__ import annotations

import pytest

from viseme.report.wording import bounds, counted, enough_digits, listed, natural, number, signature, signed


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.654, 2, "0.65"), (-2.104, 2, "−2.10"), (1152, 0, "1\u202f152"), (-0.0001, 2, "0.00"), (0.0, 1, "0.0")],
)
def test_numbers_have_a_true_minus_and_no_sign_where_they_round_to_zero(value, digits, text):
    assert number(value, digits) == text


def test_differences_show_their_sign():
    assert signed(0.174, 2) == "+0.17"
    assert signed(-0.174, 2) == "−0.17"
    assert signed(0.0001, 2) == "0.00"
    assert bounds(-0.1, 0.2, 1) == "[−0.1, 0.2]"


def test_an_interval_that_excludes_zero_is_printed_so_that_it_does():
    assert enough_digits(0.004, 0.03, 2) == 3
    assert enough_digits(-3.0, -0.02, 1) == 2
    assert enough_digits(-0.001, 0.002, 2) == 2
    assert enough_digits(1.0, 2.0, 1) == 1
    assert enough_digits(1e-12, 1.0, 2) == 5


def test_lists_and_counts_read_as_english():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"], "or") == "a, b or c"
    assert listed([]) == ""
    assert counted(1, "clip") == "1 clip"
    assert counted(12, "clip") == "12 clips"


def test_names_sort_by_their_numbers():
    assert sorted(["s10", "s2", "a", "2b", ""], key=natural) == ["", "a", "s2", "s10", "2b"]


def test_long_checksums_are_cut():
    assert signature("ab" * 32) == "abababababab…"
    assert signature("abc") == "abc"

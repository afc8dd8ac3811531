from __future__ import annotations

from viseme.report.account import cautions
from viseme.report.html import render
from viseme.report.media import Album
from viseme.report.sets import set_table, unequal
from viseme.report.systems import by_size, load_systems


def groups(written, *kinds):
    return by_size(load_systems({kind["name"]: written(**kind) for kind in kinds}))


def test_unequal_samples_have_rows_of_their_own(written):
    few, many = {"fid": (40.0, None, 300)}, {"fid": (31.0, None, 360)}
    found = groups(written, *({"name": n, "sets": s} for n, s in (("a", many), ("b", few), ("c", many))))
    rows = set_table(found[0])
    assert [(row.title, row.over) for row in rows] == [("FID", "360 frames"), ("FID", "300 frames")]
    assert [cell.value or cell.note for cell in rows[0].cells] == ["31.00", "over 300 frames", "31.00"]
    assert [cell.value or cell.note for cell in rows[1].cells] == ["over 360 frames", "40.00", "over 360 frames"]
    assert not any(cell.best for row in rows for cell in row.cells)
    assert unequal(found[0]) == ["FID"]
    assert "FID: numbers of unequal samples are not put beside one another." in cautions(found)


def test_equal_samples_stand_together(written):
    found = groups(written, *({"name": n, "sets": {"kid": (0.1, None, 300)}} for n in "ab"))
    assert [row.over for row in set_table(found[0])] == ["300 frames"]
    assert unequal(found[0]) == []


def test_the_page_shows_them_only_where_there_are_any(written):
    page = render(groups(written, {"name": "a", "sets": {"fid": (31.0, None, 360)}}, {"name": "b"}), Album())
    assert "All clips together" in page
    assert "360 frames" in page
    assert "pytorch-fid" in page  # its definition
    assert "All clips together" not in render(groups(written, {"name": "c"}), Album())

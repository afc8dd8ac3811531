from __future__ import annotations

import subprocess
import sys

import pytest

from viseme.errors import InputError, OutputError
from viseme.report.compare import compare


def test_a_report_is_a_page_and_two_tables(written, tmp_path):
    page = compare({"gan": written(name="gan"), "ddpm": written(name="ddpm")}, tmp_path / "new" / "report").page
    assert page == tmp_path / "new" / "report" / "report.html"
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "table.csv", "table.md"]
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_report_replaces_the_one_before(written, tmp_path):
    results = written(name="gan")
    compare({"old name": results}, tmp_path / "report")
    page = compare({"new name": results}, tmp_path / "report").page
    text = page.read_text(encoding="utf-8")
    assert "new name" in text
    assert "old name" not in text


def test_results_of_two_versions_are_flagged_everywhere(written, tmp_path):
    report = compare(
        {"old": written(name="old", provenance={"viseme": "0.0.9"}), "new": written(name="new")}, tmp_path / "report"
    )
    (note,) = report.notes
    assert "viseme 0.0.9 (old) and 0.1.0 (new)" in note
    assert f"<li>{note}</li>" in report.page.read_text(encoding="utf-8")
    assert note in (report.page.parent / "table.md").read_text(encoding="utf-8")


def test_nothing_is_written_for_results_that_cannot_be_compared(written, tmp_path):
    other = written(name="b", reference={"fingerprint": "other"})
    with pytest.raises(InputError):
        compare({"a": written(name="a"), "b": other}, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_file_in_the_folders_place_is_refused(written, tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(OutputError, match="is a file; give a folder"):
        compare({"a": written(name="a")}, tmp_path / "report")


def test_the_report_loads_no_video_library_and_no_torch():
    heavy = ("torch", "cv2", "av", "dlib", "pyarrow", "matplotlib.pyplot")
    code = (
        f"import sys, viseme.report.compare, viseme.report.model_card; print([n for n in {heavy} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""`viseme compare` from the command line: two controls into a report."""

from __future__ import annotations

import json
import shutil

import pytest

import viseme


@pytest.fixture
def results(cli, store, tmp_path):
    """Scores of the frozen photo and of the re-encoded truth."""
    for name in ("frozen", "reencoded"):
        assert cli("generate", f"control:{name}", "--data", store, "--out", tmp_path / name).code == 0
        scored = cli(
            "evaluate", tmp_path / name, "--reference", store, "--out", tmp_path / f"{name}.json", "--jobs", 1,
            "--metrics", "psnr,ofm",
        )  # fmt: skip
        assert scored.code == 0
    return tmp_path


def test_a_report_of_two(cli, results):
    page = results / "report" / "report.html"
    outcome = cli(
        "compare", f"still={results / 'frozen.json'}", f"true={results / 'reencoded.json'}", "--out", page.parent
    )
    assert outcome.code == 0
    said = outcome.out.splitlines()
    assert said[0] == str(page)
    assert all(line.startswith("note: With fewer than 6 clips in common") for line in said[1:])
    text = page.read_text(encoding="utf-8")
    assert "still" in text
    assert "PSNR" in text
    assert "http://" not in text.replace("http://www.w3.org", "").replace("http://cv.iptc.org", "")
    table = (page.parent / "table.md").read_text(encoding="utf-8")
    assert "still" in table


def test_results_of_two_versions_are_flagged_in_one_line(cli, results):
    old = json.loads((results / "frozen.json").read_text(encoding="utf-8"))
    old["provenance"]["viseme"] = "0.0.9"
    (results / "old.json").write_text(json.dumps(old), encoding="utf-8")
    outcome = cli(
        "compare", f"old={results / 'old.json'}", f"new={results / 'reencoded.json'}", "--out", results / "report"
    )
    assert outcome.code == 0
    (line,) = [line for line in outcome.out.splitlines() if "not measured alike" in line]
    assert f"viseme 0.0.9 (old) and {viseme.__version__} (new)" in line


def test_truth_plays_where_the_reference_is_given(cli, store, results):
    page = results / "report" / "report.html"
    frozen = f"still={results / 'frozen.json'}"
    assert cli("compare", frozen, "--reference", store, "--out", page.parent).code == 0
    assert 'aria-label="truth, clip' in page.read_text(encoding="utf-8")
    assert cli("compare", frozen, "--reference", results / "nowhere", "--out", page.parent).code == 2


def test_scores_go_into_the_model_card_of_a_run(cli, store, runs, results):
    run, videos = shutil.copytree(runs["gan"], results / "run"), results / "videos"
    assert cli("generate", run, "--data", store, "--out", videos).code == 0
    own = ("--reference", store, "--out", results / "own.json", "--metrics", "psnr", "--jobs", 1)
    assert cli("evaluate", videos, *own).code == 0
    given = (f"mine={results / 'own.json'}", f"still={results / 'frozen.json'}")
    outcome = cli("compare", *given, "--out", results / "report", "--model-card", run)
    assert outcome.code == 0
    assert str(run / "MODEL_CARD.md") in outcome.out.splitlines()
    assert "| Metric | Truth | mine | still (control) |" in (run / "MODEL_CARD.md").read_text(encoding="utf-8")
    outcome = cli("compare", given[1], "--out", results / "report", "--model-card", run)
    assert outcome.code == 2
    assert "none of still was made by this run's weights" in outcome.line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["results.json"], "NAME=results.json"),
        (["=results.json"], "NAME=results.json"),
        (["a=x.json", "a=y.json"], "given twice"),
        (["a=nowhere.json"], "nowhere.json"),
        (["a=text.json"], "text.json"),
        ([], "NAME=RESULTS"),
    ],
)
def test_bad_input_is_one_line(cli, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.json").write_text("not JSON")
    outcome = cli("compare", *arguments, "--out", "report")
    assert outcome.code == 2
    assert says in outcome.line
    assert not (tmp_path / "report").exists()

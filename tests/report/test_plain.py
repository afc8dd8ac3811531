from __future__ import annotations

import csv
import io

from viseme.report.plain import COLUMNS, comma_separated, markdown
from viseme.report.systems import by_size, load_systems


def groups(written, *kinds, names=None):
    files = {name: written(**kind) for name, kind in zip(names or [k["name"] for k in kinds], kinds, strict=True)}
    return by_size(load_systems(files))


def test_every_line_of_a_markdown_table_has_as_many_cells_as_its_header(written):
    text = markdown(groups(written, {"name": "a", "metrics": ["psnr", "ssim"]}, {"name": "b", "metrics": ["psnr"]}))
    first = next(part for part in text.split("\n\n") if part.startswith("| Metric")).split("\n")
    assert len({line.count("|") for line in first}) == 1
    assert first[0] == "| Metric | Truth | a | b |"
    assert first[2].startswith("| PSNR (dB) ↑ |  | ")
    assert first[3].endswith("| not measured |")


def test_the_best_is_bold(written):
    text = markdown(groups(written, {"name": "a", "follows": 0.7}, {"name": "b", "follows": 0.3}))
    row = next(line for line in text.split("\n") if line.startswith("| Mouth correlation ↑"))
    assert row.split(" | ")[2].startswith("**0.")
    assert not row.split(" | ")[3].startswith("**")


def test_names_cannot_break_out_of_their_cells(written):
    text = markdown(groups(written, {"name": "a"}, names=["x|y <script> *b*"]))
    assert (
        next(line for line in text.split("\n") if line.startswith("| Metric"))
        == r"| Metric | Truth | x\|y &lt;script&gt; \*b\* |"
    )


def test_each_size_has_its_own_heading(written):
    text = markdown(groups(written, {"name": "a"}, {"name": "b", "system": {"size": 128}}))
    assert [line for line in text.split("\n") if line.startswith("## ")] == ["## 64 × 64 pixels", "## 128 × 128 pixels"]


def test_cautions_and_summary_stand_before_the_tables(written):
    found = groups(written, {"name": "a", "notes": ["few *actors*"], "failed": {"s1_000": "no face"}})
    first, second, third = markdown(found).split("\n\n")[:3]
    assert first.split("\n") == [r"- few \*actors\*", "- a failed on 1 of 12 clips."]
    assert second.startswith("a: mouth correlation 0.")
    assert third.startswith("| Metric")


def test_csv_holds_the_numbers_in_full(written):
    found = groups(written, {"name": "a", "follows": 0.7}, {"name": "b", "follows": 0.3})
    rows = list(csv.DictReader(io.StringIO(comma_separated(found))))
    assert tuple(rows[0]) == COLUMNS
    row = next(row for row in rows if row["system"] == "a" and row["metric"] == "mouth_correlation")
    metric = found[0].systems[0].results.metrics["mouth_correlation"]
    assert float(row["mean"]) == metric.mean
    assert (row["n"], row["of"], row["size"], row["best"], row["truth"]) == ("12", "clips", "64", "1", "")
    assert len(rows) == sum(len(system.results.metrics) for system in found[0].systems)


def test_numbers_of_all_clips_together_have_a_table_and_rows(written):
    found = groups(
        written, {"name": "a", "sets": {"fid": (31.25, None, 300), "av_lag_pooled": (-1, 0, 12)}}, {"name": "b"}
    )
    lines = markdown(found).split("\n")
    assert "| FID ↓ | 300 frames |  | 31.25 | not measured |" in lines
    assert "| AV lag (CCA), pooled (frames) ≈ | 12 clips | 0 | −1 | not measured |" in lines
    rows = [row for row in csv.DictReader(io.StringIO(comma_separated(found))) if row["metric"] == "fid"]
    assert [(row["mean"], row["low"], row["n"], row["of"], row["best"]) for row in rows] == [
        ("31.25", "", "300", "frames", "0")
    ]

"""`viseme download` from the command line, against a server on this machine."""

from __future__ import annotations

import hashlib

import pytest

import viseme

CLIPS = {f"s{actor}/bbaf{clip}n.mpg": bytes([actor, clip]) * 500 for actor in (1, 2) for clip in range(3)}


@pytest.fixture
def mirror(loopback) -> str:
    """Six files of two actors."""
    lines = [f"{hashlib.sha256(body).hexdigest()}  {len(body)}  {path}\n" for path, body in CLIPS.items()]
    loopback.put("/MANIFEST.sha256", "".join(lines).encode())
    for path, body in CLIPS.items():
        loopback.put(f"/{path}", body)
    return loopback.url


def test_all_and_again(cli, mirror, tmp_path):
    first = cli("download", "grid", tmp_path / "grid", "--url", mirror, "--jobs", 2)
    assert first.code == 0
    assert "6 of 6 files here, 6 of them new" in first.out
    assert {path: (tmp_path / "grid" / path).read_bytes() for path in CLIPS} == CLIPS
    assert "6 of 6 files here, 0 of them new" in cli("download", "grid", tmp_path / "grid", "--url", mirror).out


def test_a_choice(cli, mirror, tmp_path):
    outcome = cli(
        "download", "grid", tmp_path, "--url", mirror, "--actors", "s2", "--only", "*0n.mpg", "--only", "*1n.*"
    )
    assert outcome.code == 0
    assert sorted(path.name for path in tmp_path.rglob("*.mpg")) == ["bbaf0n.mpg", "bbaf1n.mpg"]
    assert not (tmp_path / "s1").exists()


def test_a_dry_run_writes_nothing(cli, mirror, tmp_path):
    outcome = cli("download", "grid", tmp_path / "grid", "--url", mirror, "--actors", "s1", "--dry-run")
    assert outcome.code == 0
    assert [line.split() for line in outcome.out.splitlines()[1:]] == [["1000", f"s1/bbaf{n}n.mpg"] for n in range(3)]
    assert not (tmp_path / "grid").exists()


def test_some_that_fail_are_named_and_the_code_is_1(cli, mirror, loopback, tmp_path):
    loopback.pages["/s1/bbaf1n.mpg"].body = b"x" * 1000
    del loopback.pages["/s2/bbaf2n.mpg"]
    outcome = cli("download", "grid", tmp_path, "--url", mirror)
    assert outcome.code == 1
    failed = [line.split(":")[0] for line in outcome.out.splitlines()[:2]]
    assert failed == ["s1/bbaf1n.mpg", "s2/bbaf2n.mpg"]
    assert "2 files failed; what came is kept, the same command carries on" in outcome.line
    loopback.put("/s1/bbaf1n.mpg", CLIPS["s1/bbaf1n.mpg"])
    loopback.put("/s2/bbaf2n.mpg", CLIPS["s2/bbaf2n.mpg"])
    again = cli("download", "grid", tmp_path, "--url", mirror)
    assert (again.code, "6 of 6 files here, 2 of them new" in again.out) == (0, True)


def test_a_spent_quota_is_said(cli, mirror, loopback, tmp_path):
    for path in CLIPS:
        loopback.put(f"/{path}", b"", status=509)
    outcome = cli("download", "grid", tmp_path, "--url", mirror, "--jobs", 1)
    assert outcome.code == 1
    assert "1 file failed, 5 not tried (" in outcome.line
    assert "quota of downloads is spent" in outcome.line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mead"], "mead: cannot be downloaded by this command, only cremad, grid, ravdess"),
        (["grid", "--actors", "s3"], "actor s3: has no file there"),
        (["grid", "--only", "x"], "no file there matches x"),
        (["grid", "--jobs", "0"], "see viseme download --help"),
    ],
)
def test_bad_usage(cli, mirror, tmp_path, arguments, says):
    corpus, *options = arguments
    outcome = cli("download", corpus, tmp_path, "--url", mirror, *options)
    assert outcome.code == 2
    assert says in outcome.line


def test_from_python(mirror, tmp_path):
    report = viseme.download("grid", tmp_path, url=mirror, actors=["s1"])
    assert (report.files, report.fetched, report.untried) == (3, 3, 0)
    assert len(viseme.plan_download("grid", url=mirror)) == 6

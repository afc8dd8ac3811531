"""`viseme synthetic` from the command line, stopped and carried on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time


def test_writes_the_clips_asked_for(cli, tmp_path):
    outcome = cli("synthetic", tmp_path / "out", "--actors", 1, "--clips", 1, "--size", 128, "--jobs", 1)
    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'out'}: 1 clip of 1 actor\n")
    assert [path.name for path in (tmp_path / "out").rglob("*.mp4")] == ["a000_000.mp4"]


def test_another_seed_in_the_same_folder_is_refused(cli, corpus):
    outcome = cli("synthetic", corpus, "--actors", 4, "--clips", 3, "--size", 160, "--seed", 2)
    assert outcome.code == 2
    assert "seed" in outcome.line


def test_writes_the_files_of_another_corpus(cli, tmp_path):
    options = ["--actors", 1, "--clips", 1, "--size", 64, "--jobs", 1]
    outcome = cli("synthetic", tmp_path / "out", "--layout", "lrw", *options)
    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'out'}: 1 clip of 1 actor\n")
    names = {path.name for path in (tmp_path / "out").rglob("*.*")}
    assert names == {"ABOUT_00001.mp4", "ABOUT_00001.txt"}
    again = cli("synthetic", tmp_path / "out", "--layout", "lrw", *options)
    assert again.code == 2
    assert "new or an empty folder" in again.line


def test_interrupted_it_exits_130_and_carries_on(cli, tmp_path):
    out = tmp_path / "out"
    options = ["--actors", "1", "--clips", "8", "--size", "96", "--jobs", "1"]
    program = subprocess.Popen(
        [sys.executable, "-m", "viseme", "synthetic", str(out), *options], stderr=subprocess.PIPE, text=True
    )
    waited = time.monotonic() + 60
    while not _finished(out) and program.poll() is None and time.monotonic() < waited:
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130
    assert errors.startswith("viseme: interrupted")
    assert len(errors.splitlines()) == 1
    finished = _finished(out)
    assert 0 < len(finished) < 8
    assert cli("synthetic", out, *options).code == 0
    assert len(_finished(out)) == 8
    assert finished.items() <= _finished(out).items()


def _finished(folder):
    """Whole clips and when they were written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("a*.mp4")}

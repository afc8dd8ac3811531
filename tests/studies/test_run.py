from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from viseme.errors import ConfigError, OutputError
from viseme.studies.run import contents, run


def made(out):
    return (out / "made").read_text().split()


@pytest.mark.parametrize("jobs", [1, 2])
def test_steps_run_once_in_the_order_of_their_needs(planned, tmp_path, jobs):
    plan = planned(("b", "write", {"text": "b", "source": "<a>"}), ("a", "write", {"text": "a"}))
    outcome = run(plan, tmp_path / "out", jobs=jobs)
    assert set(outcome.done) == {"a", "b"}
    assert (tmp_path / "out/b.txt").read_text() == "ba"
    again = run(plan, tmp_path / "out", jobs=jobs)
    assert (again.kept, again.done) == (["a", "b"], {})
    assert made(tmp_path / "out") == ["a.txt", "b.txt"]


def test_what_depends_on_a_change_is_made_again_and_nothing_else(planned, tmp_path):
    def steps(text):
        return ("a", "write", {"text": text}), ("b", "write", {"source": "<a>"}), ("c", "write", {"text": "c"})

    run(planned(*steps("1")), tmp_path / "out")
    outcome = run(planned(*steps("2")), tmp_path / "out")
    assert set(outcome.done) == {"a", "b"}
    assert outcome.kept == ["c"]
    assert (tmp_path / "out/b.txt").read_text() == "2"


def test_another_store_makes_all_again_that_reads_it(planned, tmp_path):
    steps = ("a", "write", {"text": "<data>"}), ("b", "write", {})
    run(planned(*steps), tmp_path / "out")
    assert set(run(planned(*steps, fingerprint="g"), tmp_path / "out").done) == {"a"}


@pytest.mark.parametrize("harm", ["delete", "shorten"])
def test_a_damaged_output_is_made_again(planned, tmp_path, harm):
    plan = planned(("a", "folder", {}))
    run(plan, tmp_path / "out")
    part = tmp_path / "out/a.txt/done"
    part.unlink() if harm == "delete" else part.write_text("x")
    assert set(run(plan, tmp_path / "out").done) == {"a"}
    assert part.read_text() == "x" * 10


def test_what_a_killed_call_left_is_carried_on_not_deleted(planned, tmp_path):
    plan, out = planned(("a", "folder", {})), tmp_path / "out"
    run(plan, out)
    stamp = out / "a.txt.step.json"
    said = json.loads(stamp.read_text())
    del said["made"]
    stamp.write_text(json.dumps(said))
    (out / "a.txt/checkpoint").write_text("far")
    assert set(run(plan, out).done) == {"a"}
    assert (out / "a.txt/checkpoint").read_text() == "far"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_is_named_and_the_rest_runs(planned, tmp_path, jobs):
    told = []
    plan = planned(
        ("bad", "fail", {}),
        ("worse", "crash", {}),
        ("empty", "nothing", {}),
        ("on_bad", "write", {"source": "<bad>"}),
        ("on_that", "write", {"source": "<on_bad>"}),
        ("good", "write", {"text": "g"}),
        ("page", "gather", {"parts": {"bad": "<bad>", "good": "<good>"}}),
    )
    outcome = run(plan, tmp_path / "out", jobs=jobs, tell=told.append)
    assert outcome.failed["bad"] == "nothing to see; give something else"
    assert outcome.failed["worse"] == "ValueError: broken (see worse.txt.log)"
    assert "made no empty.txt" in outcome.failed["empty"]
    assert outcome.left_out == {"on_bad": ["bad"], "on_that": ["on_bad"]}
    assert set(outcome.done) == {"good", "page"}
    assert (tmp_path / "out/page.txt").read_text() == "good=g"
    assert "in two lines" in (tmp_path / "out/worse.txt.log").read_text()
    assert len(told) == 7
    assert all("\n" not in line for line in told)


def test_a_page_with_nothing_to_show_is_left_out(planned, tmp_path):
    outcome = run(planned(("bad", "fail", {}), ("page", "gather", {"parts": {"bad": "<bad>"}})), tmp_path / "out")
    assert outcome.left_out == {"page": ["bad"]}


def test_a_page_is_always_drawn_anew(planned, tmp_path):
    plan = planned(("a", "write", {"text": "a"}), ("page", "gather", {"parts": {"a": "<a>"}}))
    run(plan, tmp_path / "out")
    assert set(run(plan, tmp_path / "out").done) == {"page"}


def test_a_process_that_dies_is_a_failure(planned, tmp_path):
    outcome = run(planned(("a", "die", {}), ("b", "write", {"text": "b"})), tmp_path / "out", jobs=2)
    assert "exit code 9" in outcome.failed["a"]
    assert set(outcome.done) == {"b"}


def test_what_waits_for_kept_steps_begins_beside_the_rest(planned, tmp_path):
    kept = ("kept", "write", {"text": "k"})
    run(planned(kept), tmp_path / "out")
    one, two = ("one", "meet", {"other": "two"}), ("two", "meet", {"other": "one", "source": "<kept>"})
    outcome = run(planned(kept, one, two), tmp_path / "out", jobs=2)
    assert (outcome.kept, set(outcome.done), outcome.failed) == (["kept"], {"one", "two"}, {})


def test_processes_share_the_cores(planned, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    run(planned(("a", "threads", {})), tmp_path / "out", jobs=2)
    assert (tmp_path / "out/a.txt").read_text() == "3"
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_study_that_was_killed_leaves_nobody_and_goes_on(planned, calls, tmp_path):
    out, plan = tmp_path / "out", planned(("a", "wait", {}), ("b", "write", {"text": "b"}))
    script = tmp_path / "study.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom viseme.studies.plan import Given, Plan, Step\n"
        "from viseme.studies.run import run\n"
        f"sys.path.insert(0, {str(calls)!r})\n"
        "if __name__ == '__main__':\n"
        "    steps = Step('a', 'study_calls.wait', 'a.txt'), Step('b', 'study_calls.write', 'b.txt', {'text': 'b'})\n"
        f"    run(Plan('try', {{'scale': 'toy'}}, {{}}, steps), Path({str(out)!r}), jobs=2)\n"
    )
    study = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    pid = wait_for(lambda: int((out / "a.pid").read_text()))
    wait_for(lambda: json.loads((out / "b.txt.step.json").read_text())["made"])
    study.send_signal(signal.SIGKILL)
    study.wait()
    wait_for(lambda: not alive(pid) or 1 / 0)
    (out / "a.quick").write_text("")
    outcome = run(plan, out)
    assert (set(outcome.done), outcome.kept) == ({"a"}, ["b"])


def wait_for(what, seconds=20.0):
    end = time.monotonic() + seconds
    while True:
        try:
            return what()
        except (OSError, ValueError, KeyError, ZeroDivisionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().split()[2] != "Z"
    except OSError:
        return False


def test_a_folder_of_something_else_is_left_alone(planned, tmp_path):
    plan = planned(("a", "write", {}))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="not empty"):
        run(plan, tmp_path / "out")
    with pytest.raises(OutputError, match="is a file"):
        run(plan, tmp_path / "out/letter.txt")


def test_a_study_of_another_scale_is_not_overwritten(planned, tmp_path):
    run(planned(("a", "write", {})), tmp_path / "out")
    with pytest.raises(OutputError, match="scale toy, not try at full"):
        run(planned(("a", "write", {}), scale="full"), tmp_path / "out")


def test_a_file_that_no_step_made_is_not_overwritten(planned, tmp_path):
    run(planned(("a", "write", {})), tmp_path / "out")
    (tmp_path / "out/b.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"b\.txt"):
        run(planned(("b", "write", {})), tmp_path / "out")
    assert (tmp_path / "out/b.txt").read_text() == "mine"


def test_no_jobs(planned, tmp_path):
    with pytest.raises(ConfigError, match="jobs 0"):
        run(planned(("a", "write", {})), tmp_path / "out", jobs=0)
    assert not (tmp_path / "out").exists()


def test_contents_of_a_folder_know_names_and_sizes(tmp_path):
    (tmp_path / "a").write_text("x")
    before = contents(tmp_path)
    (tmp_path / "a").write_text("y")
    assert contents(tmp_path) == before
    (tmp_path / "a").write_text("yy")
    assert contents(tmp_path) != before


def lacking(step, part="syncnet"):
    return dataclasses.replace(step, parts=(part,))


def test_a_step_without_its_pretrained_part_is_left_out_and_the_rest_runs(planned, tmp_path, monkeypatch):
    plan = planned(("a", "write", {}), ("b", "write", {"source": "<a>"}), ("c", "write", {"text": "c"}))
    plan = dataclasses.replace(plan, steps=(lacking(plan.steps[0]), *plan.steps[1:]))
    monkeypatch.setattr("viseme.studies.run.here", lambda part: None)
    outcome = run(plan, tmp_path / "out")
    assert outcome.lacking == {"a": ["syncnet"]}
    assert outcome.left_out == {"b": ["a"]}
    assert outcome.failed == {}
    assert set(outcome.done) == {"c"}
    assert outcome.why("b") == outcome.why("a") == "syncnet is not here, which `viseme weights syncnet` brings"
    monkeypatch.setattr("viseme.studies.run.here", lambda part: tmp_path)
    assert set(run(plan, tmp_path / "out").done) == {"a", "b"}
    monkeypatch.setattr("viseme.studies.run.here", lambda part: None)
    assert set(run(plan, tmp_path / "out").kept) == {"a", "b", "c"}  # what is whole needs it no more


def test_a_page_is_told_why_something_is_not_there(planned, tmp_path):
    parts = {"good": "<good>", "on_bad": "<on_bad>"}
    plan = planned(
        ("bad", "fail", {}),
        ("on_bad", "write", {"source": "<bad>"}),
        ("good", "write", {"text": "g"}),
        ("page", "told", {"parts": parts}),
    )
    page = dataclasses.replace(plan.step["page"], gathers=True, reasons=True)
    run(dataclasses.replace(plan, steps=(*plan.steps[:-1], page)), tmp_path / "out")
    told = json.loads((tmp_path / "out/page.txt").read_text())
    assert told == {"on_bad": "bad failed: nothing to see; give something else"}

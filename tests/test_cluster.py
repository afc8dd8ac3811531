"""A cluster of this machine's processes: nodes that join, nodes that are killed, and workers that lack something."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import viseme.cluster
from viseme.data import prepare as module
from viseme.data.chunks import Job
from viseme.data.manifest import ClipRow, read_manifest
from viseme.errors import InputError, OutputError
from viseme.parallel import unordered

ray = pytest.importorskip("ray", reason="viseme[ray] is not installed")
LONG = 240.0
"""Seconds in which whatever is waited for happens, however busy the machine."""


@dataclass(frozen=True)
class Task:
    """Begins by saying where it runs, and ends when a file is there."""

    number: int
    folder: Path
    until: str


@dataclass(frozen=True)
class Begun:
    """What a task says as it begins."""

    number: int
    node: str
    process: int


def wait_for(fact: Callable[[], Any], limit: float = LONG) -> Any:
    """What `fact` gives, as soon as that is true."""
    end = time.monotonic() + limit
    while not (found := fact()):
        assert time.monotonic() < end, f"waited {limit} s for {fact}"
        time.sleep(0.05)
    return found


def hold(task: Task) -> int:
    begin(task.folder, task.number)
    wait_for((task.folder / task.until).exists)
    return task.number


def die(task: Task) -> None:
    begin(task.folder, task.number)
    os.kill(os.getpid(), signal.SIGKILL)


def begin(folder: Path, number: int) -> None:
    node = ray.get_runtime_context().get_node_id()
    (folder / f"{number} {node} {os.getpid()} {uuid.uuid4().hex}.begun").touch()


def begun(folder: Path, node: str = "") -> list[Begun]:
    """All that began, on that node if one is named; a task that began twice is there twice."""
    said = [path.name.split() for path in folder.glob("*.begun")]
    return [Begun(int(number), where, int(process)) for number, where, process, _ in said if node in ("", where)]


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


SMALL = {"num_cpus": 1, "object_store_memory": 80 * 2**20}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head with one processor."""
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    head = {"include_dashboard": False, "_system_config": {"worker_niceness": 0}}
    cluster = Cluster(initialize_head=True, head_node_args={**SMALL, **head})
    yield cluster
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _on_it(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The cluster is the one that viseme finds; its workers get this module's functions as such; added nodes go."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    here = sys.modules[__name__]
    ray.cloudpickle.register_pickle_by_value(here)
    yield
    ray.cloudpickle.unregister_pickle_by_value(here)
    for node in list(cluster.worker_nodes):
        cluster.remove_node(node, allow_graceful=False)
    cluster.wait_for_nodes(LONG)  # Ray counts a killed one among the living for some seconds


@contextlib.contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Act beside the block; what goes wrong there is raised here."""
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        for error in wrong:
            raise error


def kill(cluster: Any, node: Any, folder: Path) -> list[Begun]:
    """Kill a node with everything on it, as a machine that loses its power; what ran there at that moment."""
    running = [task for task in begun(folder, node.node_id) if not gone(task.process)]
    cluster.remove_node(node, allow_graceful=False)
    for task in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(task.process, signal.SIGKILL)
    wait_for(lambda: all(gone(task.process) for task in running))
    return running


def test_a_lost_node_costs_no_task_and_doubles_none(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    doomed, spared = (cluster.add_node(**SMALL) for _ in range(2))
    lost: list[Begun] = []

    def act() -> None:
        wait_for(lambda: begun(tmp_path, doomed.node_id) and begun(tmp_path, spared.node_id))
        lost.extend(kill(cluster, doomed, tmp_path))
        wait_for(lambda: caplog.messages)
        (tmp_path / "go").touch()

    with meanwhile(act):
        results = list(unordered(hold, [Task(number, tmp_path, "go") for number in range(9)], None, "ray"))
    assert sorted(results) == list(range(9))
    assert len(lost) == 1
    again = [task.node for task in begun(tmp_path) if task.number == lost[0].number]
    assert len(again) == 2
    assert again.count(doomed.node_id) == 1
    assert caplog.messages == [f"{socket.gethostname()} has left the cluster; what it had begun is begun again"]
    assert capfd.readouterr().out == ""


def prepare_slowly(job: Job) -> list[ClipRow]:
    """`make_shard`, stopped where a shard lies written aside and has not got its name yet."""
    from viseme.data import chunks, shards

    folder, finish = job.store.parent, shards.ShardWriter.finish

    def held(writer: Any, path: Path, rows: Any) -> None:
        finish(writer, path, rows)
        begin(folder, job.number)
        wait_for((folder / "go").exists)

    shards.ShardWriter.finish = held  # type: ignore[method-assign]
    try:
        return chunks.make_shard(job)
    finally:
        shards.ShardWriter.finish = finish  # type: ignore[method-assign]


def contents(store: Path) -> dict[str, bytes]:
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_store_is_the_same_though_a_node_was_lost(
    cluster: Any, tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 1)
    module.prepare("synthetic", corpus, tmp_path / "serial", size=32, jobs=1)
    monkeypatch.setattr(module, "make_shard", prepare_slowly)
    doomed = cluster.add_node(**SMALL)
    lost: list[Begun] = []

    def act() -> None:
        wait_for(lambda: begun(tmp_path, doomed.node_id))
        lost.extend(kill(cluster, doomed, tmp_path))
        assert list((tmp_path / "ray" / "shards").glob(".*"))
        (tmp_path / "go").touch()

    with meanwhile(act):
        report = module.prepare("synthetic", corpus, tmp_path / "ray", size=32, engine="ray")
    serial, ours = contents(tmp_path / "serial"), contents(tmp_path / "ray")
    assert ours == serial
    ids = [row.clip_id for row in read_manifest(tmp_path / "ray")]
    assert len(ids) == len(set(ids)) == report.fresh > len(lost) == 1
    assert len([task for task in begun(tmp_path) if task.number == lost[0].number]) == 2


def test_a_node_that_joins_late_gets_work(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "now").touch()
    results = unordered(hold, [Task(number, tmp_path, "go" if number else "now") for number in range(4)], None, "ray")
    assert next(results) == 0
    late = cluster.add_node(**SMALL)

    def act() -> None:
        wait_for(lambda: begun(tmp_path, late.node_id) and len(begun(tmp_path)) == 3)
        (tmp_path / "go").touch()

    with meanwhile(act):
        assert sorted(results) == [1, 2, 3]


def test_no_more_tasks_are_handed_out_than_there_are_processors(cluster: Any, tmp_path: Path) -> None:
    handed: list[int] = []

    class Handed(list[Task]):
        """Tasks that say when they are taken."""

        def __iter__(self) -> Iterator[Task]:
            for task in list.__iter__(self):
                handed.append(task.number)
                yield task

    (tmp_path / "go").touch()
    results = unordered(hold, Handed(Task(number, tmp_path, "go") for number in range(50)), None, "ray")
    for done, _ in enumerate(results):
        assert len(handed) == min(done + 1, 50)


def test_closed_early_it_leaves_no_task_on_the_cluster(cluster: Any, tmp_path: Path) -> None:
    tasks = [Task(0, tmp_path, "go"), *(Task(number, tmp_path, "never") for number in range(1, 4))]
    (tmp_path / "go").touch()
    results = unordered(hold, tasks, 2, "ray")
    assert next(results) == 0
    running = wait_for(lambda: [task for task in begun(tmp_path) if task.number != 0])
    results.close()  # type: ignore[attr-defined]
    wait_for(lambda: all(gone(task.process) for task in running))
    assert not ray.is_initialized()


ENDLESS = """
import os, sys, time
from pathlib import Path
from viseme.parallel import unordered

def endless(folder):
    Path(folder, f"{os.getpid()}.process").touch()
    time.sleep(3600)

list(unordered(endless, [sys.argv[1]] * 4, 2, "ray"))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_it_leaves_no_worker_at_work(cluster: Any, tmp_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS, tmp_path], stderr=subprocess.DEVNULL) as driver:
        running = wait_for(lambda: [int(path.stem) for path in tmp_path.glob("*.process")])
        driver.send_signal(how)
        assert driver.wait(LONG) != 0
    wait_for(lambda: all(gone(process) for process in running))


def test_a_task_that_kills_its_workers_ends_the_work_in_one_line(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^one task's worker died 4 times .*; run the same command again with"):
        list(unordered(die, [Task(number, tmp_path, "") for number in range(2)], 1 + 1, "ray"))
    assert max(Counter(task.number for task in begun(tmp_path)).values()) == 4


def test_what_a_worker_cannot_see_is_named(cluster: Any, tmp_path: Path) -> None:
    shared = (tmp_path, tmp_path / "only here")
    with pytest.raises(InputError, match=r"only here: not seen by .*; every machine of a cluster needs the same files"):
        list(unordered(hold, [Task(0, tmp_path, ""), Task(1, tmp_path, "")], None, "ray", shared))
    assert not begun(tmp_path)


def test_a_worker_with_another_viseme_is_refused(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viseme.cluster, "__version__", "99.0")
    with pytest.raises(
        InputError, match=rf"^engine ray: .* has viseme {viseme.__version__}; install viseme 99\.0 there"
    ):
        list(unordered(hold, [Task(0, tmp_path, ""), Task(1, tmp_path, "")], None, "ray"))
    assert not begun(tmp_path)

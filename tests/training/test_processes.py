"""Several processes of one run: the same weights, one line when one of them is lost, and any number may carry on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import viseme
from viseme.training.checkpoint import load_tree
from viseme.training.run import RunFolder

SHARED = (
    "training.batch_size=8",
    "training.validation_batches=1",
    "training.validate_every=1000",
    "training.rollout_frames=5",
    "training.checkpoint_every=2",
    "training.log_every=1",
    "training.steps=4",
    "training.precision=32-true",
    "training.warmup_steps=0",
    "training.decay_steps=0",
    "training.learning_rate=1.0e-3",
    "training.epsilon=1.0e-3",  # at 1e-8 AdamW makes whole steps of gradients that are zero but for rounding
)
SMALL = {
    "tiny_gan": (
        *SHARED,
        "training.steps=2",  # a leaky ReLU that rounding tips over, soon or late, is more than rounding from there on
        "model.width=4",
        "model.max_width=8",
        "model.hidden=8",
        "discriminator.width=4",
        "discriminator.learning_rate=1.0e-3",
        "loss.adversary_from=0",
    ),
    "gan_64_stable": (
        *SHARED,
        "training.steps=2",
        "model.width=4",
        "model.max_width=8",
        "model.hidden=8",
        "model.backbone=lite0",
        "discriminator.width=4",
        "discriminator.learning_rate=1.0e-3",
        "discriminator.spectral_norm=true",
        "discriminator.steps=2",
        "audio.context=1",
        "data.window=2",
        "loss.kind=hinge",
        "loss.adversary_from=0",
        "loss.r1_every=2",
        "training.ema=0.9",
    ),
    "tiny_ddpm": (*SHARED, "model.base=8", "model.blocks=1", "sampling.steps=2", "sampling.precision=32-true"),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in the order of the processes that are started here, and no mark left on the random state of others."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        yield
    torch.set_num_threads(threads)


def learned(run: Path) -> dict[str, torch.Tensor]:
    """All weights of a run's newest checkpoint, and the exported ones."""
    objective = load_tree(RunFolder(run).checkpoints()[-1])[0]["objective"]
    weights = {f"{part}/{k}": v for part in objective if part.endswith("model") for k, v in objective[part].items()}
    return {**weights, **load_file(run / "model.safetensors")}


def apart(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> float:
    assert one.keys() == other.keys()
    return max(float((value - other[name]).abs().max()) for name, value in one.items())


@pytest.mark.parametrize("preset", ["tiny_ddpm", "tiny_gan", pytest.param("gan_64_stable", marks=pytest.mark.slow)])
def test_processes_and_parts_change_no_more_than_rounding(preset: str, store: Path, tmp_path: Path) -> None:
    ways = {
        "one": ((), 1),
        "two": (("training.accumulate=2",), 2),
        "parts": (("training.accumulate=4",), 1),
        "half": (("training.batch_size=4",), 1),
    }
    runs, curves = {}, {}
    for name, (more, devices) in ways.items():
        viseme.train(preset, store, tmp_path / name, overrides=[*SMALL[preset], *more], devices=devices)
        runs[name] = learned(tmp_path / name)
        lines = (tmp_path / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        curves[name] = [row for row in map(json.loads, lines) if row["split"] == "train"]
    assert apart(runs["one"], runs["two"]) < 1e-5
    assert apart(runs["one"], runs["parts"]) < 1e-5
    assert apart(runs["one"], runs["half"]) > 1e-4  # what another batch would have made of it
    for name in ("two", "parts"):
        for told, row in zip(curves["one"], curves[name], strict=True):
            for scalar in ("loss", "gradient_norm"):
                assert row[scalar] == pytest.approx(told[scalar], rel=1e-3)
    assert json.loads((tmp_path / "two" / "run.json").read_text(encoding="utf-8"))["machine"]["devices"] == 2


PROGRAM = """
import sys
from viseme.cli import main
sys.exit(main(sys.argv[1:]))
"""


def command(preset: str, store: Path, run: Path, *more: str) -> list[str]:
    fields = [f"--set={field}" for field in SMALL[preset]]
    arguments = ["train", preset, "--data", str(store), "--out", str(run), "--resume", *fields, *more]
    return [sys.executable, "-c", PROGRAM, *arguments]


def started(arguments: list[str], **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free_port() -> str:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return str(asked.getsockname()[1])


def by_torchrun(rank: int, port: str) -> dict[str, str]:
    own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    return {**own, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}


def by_srun(rank: int, port: str) -> dict[str, str]:
    job = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1", "SLURM_JOB_NAME": "train"}
    own = {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank), "SLURM_NODEID": "0", "SLURM_JOB_ID": "7"}
    return {**job, **own, "SLURM_NODELIST": "127.0.0.1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}


def test_a_run_of_two_that_is_stopped_carries_on_alone(store: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = started(command("tiny_ddpm", store, run, "--devices=2", "--set=training.steps=4000"))
    wait_for(run / "checkpoints" / "step-000004.safetensors", process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("viseme: interrupted")
    last = int(RunFolder(run).checkpoints()[-1].stem[5:])
    goal = f"training.steps={last + 3}"
    resumed = viseme.train("tiny_ddpm", store, run, overrides=[*SMALL["tiny_ddpm"], goal], resume=True)
    assert resumed.first == last
    viseme.train("tiny_ddpm", store, tmp_path / "alone", overrides=[*SMALL["tiny_ddpm"], goal])
    assert apart(learned(run), learned(tmp_path / "alone")) < 1e-5


@pytest.mark.parametrize("lost", [1, pytest.param(0, marks=pytest.mark.slow)])
def test_a_lost_process_is_named_by_the_other_and_nothing_is_lost(lost: int, store: Path, tmp_path: Path) -> None:
    run, port = tmp_path / "run", free_port()
    arguments = command("tiny_gan", store, run, "--set=training.steps=4000")
    processes = [started(arguments, **by_torchrun(rank, port)) for rank in (0, 1)]
    wait_for(run / "checkpoints" / "step-000004.safetensors", processes[0])
    processes[lost].kill()
    _, said = processes[1 - lost].communicate(timeout=60)
    processes[lost].communicate()
    assert processes[1 - lost].returncode == 2
    line = said.splitlines()[-1]
    last = RunFolder(run).checkpoints()[-1]
    assert line.startswith(f"viseme: lost process {lost} of 2")
    assert f"the last checkpoint is {last.stem}" in line
    assert load_tree(last)[1]["step"] == int(last.stem[5:])


@pytest.mark.slow
@pytest.mark.parametrize("environment", [by_torchrun, by_srun])
def test_processes_started_by_others_are_one_run(
    environment: Callable[[int, str], dict[str, str]], store: Path, tmp_path: Path
) -> None:
    port = free_port()
    processes = [started(command("tiny_gan", store, tmp_path / "run"), **environment(rank, port)) for rank in (0, 1)]
    told = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert [out for out, _ in told] == [f"{tmp_path / 'run'}: step 4 of 4\n", ""]
    viseme.train("tiny_gan", store, tmp_path / "alone", overrides=SMALL["tiny_gan"])
    assert apart(learned(tmp_path / "run"), learned(tmp_path / "alone")) < 1e-5


SCRIPT = """
import os, signal, sys
from viseme.errors import StoreError
from viseme.training.launch import launch
from viseme.training.peers import PeerLost

def work(kind):
    rank = int(os.environ["RANK"])
    if kind == "die" and rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "raise":
        raise PeerLost("somebody has gone") if rank == 0 else StoreError("shard 3 has gone")
    return f"{rank} of {os.environ['WORLD_SIZE']}"

if __name__ == "__main__":
    print(launch(work, {"kind": sys.argv[1]}, 2, lambda: "the last checkpoint is step-000004"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("work", "0 of 2"),
        ("die", "lost process 1 (SIGKILL) of 2, and the run ends with it; the last checkpoint is step-000004"),
        ("raise", "StoreError: shard 3 has gone"),
    ],
)
def test_what_becomes_of_the_processes_is_told_by_one(kind: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="ascii")
    process = started([sys.executable, str(tmp_path / "script.py"), kind])
    out, said = process.communicate(timeout=100)
    assert (process.returncode == 0) == (kind == "work")
    assert says in (out or said).splitlines()[-1]

import pytest
import torch

from viseme.config.sections import TrainingConfig
from viseme.errors import ConfigError
from viseme.training.devices import Devices, build_fabric, check, resolved, started_by

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}
SLURM = {"SLURM_NTASKS": "8", "SLURM_NNODES": "2", "SLURM_JOB_NAME": "train"}


@pytest.fixture(autouse=True)
def nobody_has_started_us(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TORCHRUN, *SLURM):
        monkeypatch.delenv(name, raising=False)


def test_one_device_is_what_is_had_unasked() -> None:
    assert resolved(Devices()) == Devices(1, 1, "auto")
    assert started_by() is None
    assert build_fabric(Devices(), TrainingConfig()).world_size == 1


@pytest.mark.parametrize(("by", "variables"), [("torchrun", TORCHRUN), ("slurm", SLURM)])
def test_what_was_started_is_found(by: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert started_by() == by
    assert resolved(Devices()) == Devices(4, 2)
    assert resolved(Devices(4, 2, "ddp")) == Devices(4, 2, "ddp")
    with pytest.raises(ConfigError, match=f"{by} has started 4 processes on 2 nodes"):
        resolved(Devices(8))


@pytest.mark.parametrize("job", [{"SLURM_JOB_NAME": "bash"}, {"SLURM_NTASKS": "1"}])
def test_a_shell_inside_an_allocation_has_started_nothing(job: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SLURM, **job}.items():
        monkeypatch.setenv(name, value)
    assert started_by() is None


def test_nodes_are_started_by_others() -> None:
    with pytest.raises(ConfigError, match="torchrun or srun"):
        resolved(Devices(nodes=2))


@pytest.mark.parametrize(
    ("devices", "fields", "says"),
    [
        (Devices(3), {"batch_size": 8}, "batch_size=8 cannot be shared by 3 processes in 1 parts each; make it a"),
        (Devices(), {"batch_size": 8, "accumulate": 3}, "multiple of 3"),
        (Devices(2), {"batch_size": 6, "accumulate": 2}, "multiple of 4"),
        (Devices(strategy="fsdp"), {}, "--strategy fsdp"),
        (Devices(), {"precision": "16-mixed"}, "16-mixed needs a CUDA GPU"),
    ],
)
def test_what_cannot_be_is_one_line(devices: Devices, fields: dict[str, object], says: str) -> None:
    if torch.cuda.is_available() and "16-mixed" in says:
        pytest.skip("it can be here")
    with pytest.raises(ConfigError, match=says) as caught:
        check(devices, TrainingConfig.model_validate(fields))
    assert "\n" not in str(caught.value)

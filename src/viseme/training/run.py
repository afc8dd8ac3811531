"""The run folder: where a run's configuration, checkpoints, exported model, curves and samples lie.

config.yaml            the resolved configuration
run.json               store, machine, the weights it began from, state, best validation
metrics.jsonl          one line a logged step: {"step", "split", "seconds", scalars}
checkpoints/           step-000200.safetensors, the last few
model.safetensors      the moving average of the weights: what `viseme generate` takes
best.safetensors       the same at the best validation
samples/               step-000200.png: truth above, made below; of rollouts step-000200.json, each clip's scores, and
                       step-000200.mp4, of the newest validations
MODEL_CARD.md          what the model is, of what it was made, how it does and what it is not for, once training ends
tensorboard/           the same for TensorBoard
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viseme.config import Config, load_config
from viseme.config.schema import to_dict, to_yaml
from viseme.errors import ConfigError, OutputError
from viseme.files import write_json, write_text

FREE_TO_CHANGE = (
    "steps",
    "log_every",
    "validate_every",
    "validation_batches",
    "rollout_clips",
    "rollout_frames",
    "patience",
    "accumulate",
    "compile",
    "channels_last",
    "checkpoint_activations",
    "logger",
    "checkpoint_every",
    "keep_checkpoints",
)
"""Fields of `training` that a run may be carried on with other values of: what was done so far stays as it is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The weights that a run began from.

    Attributes:
        name: of the run folder, the file or the bundled model.
        sha256: of the weights file.
        growth: how many times larger the run's pictures and patch are; 1 where the weights served as they were.
    """

    name: str
    sha256: str
    growth: int = 1


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def about(self) -> Path:
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def best(self) -> Path:
        return self.path / "best.safetensors"

    @property
    def card(self) -> Path:
        return self.path / "MODEL_CARD.md"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    def sample(self, step: int) -> Path:
        return self.path / "samples" / f"step-{step:06d}.png"

    def checkpoint(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step:06d}.safetensors"

    def checkpoints(self) -> list[Path]:
        """Whole checkpoints, oldest first."""
        return sorted((self.path / "checkpoints").glob("step-*.safetensors"))

    def begin(self, config: Config, store: Mapping[str, str], audio: str, resume: bool) -> None:
        """Make the folder, or check that what is in it is this run.

        Args:
            config: of the run.
            store: `name`, `fingerprint` and `corpus` of what it is trained on.
            audio: fingerprint of its audio encoder.
            resume: whether a run may be there.

        Raises:
            OutputError: a run is there and `resume` is not set, or the folder holds something else.
            ConfigError: the run there was begun with other settings or another store; the first that differ are named.
        """
        if not self.config.exists():
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise OutputError(f"{self.path}: is not empty and holds no run; choose another --out")
            write_text(self.config, to_yaml(config))
            write_json(self.about, {"store": dict(store), "audio": audio, "done": False})
            return
        if not resume:
            raise OutputError(f"{self.path}: holds a run already; carry it on with --resume, or choose another --out")
        differ = differences(to_dict(load_config(self.config)), to_dict(config))
        begun_on = self.read_about().get("store", {})
        if begun_on.get("fingerprint") != store["fingerprint"]:
            differ.append(f"store was {begun_on.get('name')}, now {store['name']} (its clips differ)")
        if self.read_about().get("audio", audio) != audio:
            differ.append("the audio encoder's weights are others (audio.checkpoint)")
        if differ:
            raise ConfigError(f"{self.path}: was begun with other settings: {'; '.join(differ[:5])}")
        write_text(self.config, to_yaml(config))
        self._forget_halves()

    def read_about(self) -> dict[str, Any]:
        """What run.json says; empty where it is missing or damaged."""
        with contextlib.suppress(OSError, json.JSONDecodeError):
            about = json.loads(self.about.read_text(encoding="utf-8"))
            if isinstance(about, dict):
                return about
        return {}

    def say(self, **facts: Any) -> None:
        """Set these fields of run.json."""
        write_json(self.about, {**self.read_about(), **facts})

    def last(self) -> str:
        """What to tell of the newest checkpoint."""
        kept = self.checkpoints()
        return f"the last checkpoint is {kept[-1].stem}" if kept else "there is no checkpoint yet"

    def _forget_halves(self) -> None:
        """Delete what a kill left half written."""
        for pattern in (".*.safetensors", "checkpoints/.*.safetensors"):
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    def forget_old_checkpoints(self, keep: int) -> None:
        """Delete all but the newest `keep`."""
        for path in self.checkpoints()[:-keep]:
            path.unlink(missing_ok=True)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], section: str = "") -> list[str]:
    """The fields, by dotted name, in which two configurations differ so that a run cannot be carried on."""
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{section}{name}.")
        elif old != new and not (section == "training." and name in FREE_TO_CHANGE):
            found.append(f"{section}{name} was {old}, now {new}")
    return found

"""Carrying a plan out: what is whole is kept, what is half done goes on, what fails is named and the rest goes on.

Beside each output lies `NAME.step.json`, written when the step begins and again when it is done, with the step's
fingerprint; killed anywhere, the next call knows what it finds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viseme import __version__
from viseme.errors import ConfigError, OutputError, VisemeError
from viseme.files import sha256, write_json
from viseme.report.wording import listed
from viseme.studies.apart import Workers
from viseme.studies.plan import Plan, Step, called, resolved
from viseme.weights import command, here

ABOUT = "study.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan's steps, by name.

    Attributes:
        out: the study's folder.
        done: made by this call -> seconds.
        kept: found whole.
        failed: with the reason, one line.
        left_out: with the steps that they would have needed.
        lacking: left out, with the pretrained parts that are not here.
    """

    out: Path
    done: dict[str, float] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    lacking: dict[str, list[str]] = field(default_factory=dict)

    @property
    def page(self) -> Path:
        """What the study found, where it came so far."""
        return self.out / "index.html"

    @property
    def have(self) -> set[str]:
        """The steps whose output is there."""
        return {*self.done, *self.kept}

    @property
    def lost(self) -> set[str]:
        """The steps whose output will not be there."""
        return {*self.failed, *self.left_out, *self.lacking}

    def why(self, name: str) -> str:
        """Why a lost step's output is not there: what befell the first step before it that was not merely left out."""
        if name in self.left_out:
            return self.why(self.left_out[name][0])
        if name in self.lacking:
            brought = listed([f"`{command(part)}`" for part in self.lacking[name]])
            return f"{listed(self.lacking[name])} is not here, which {brought} brings"
        return f"{name} failed: {self.failed[name]}"


def run(plan: Plan, out: Path, *, jobs: int = 1, tell: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Make what a plan makes into a folder, going on where an earlier call was stopped.

    Args:
        plan: of the study.
        out: new, or of the same study and scale.
        jobs: steps at a time; one runs in this process, several in processes of their own that share the cores.
        tell: is given a line for each step.

    Raises:
        ConfigError: less than one job.
        OutputError: the folder holds something else, or cannot be written.
    """
    if jobs < 1:
        raise ConfigError(f"jobs {jobs}: give 1 or more")
    _begin(plan, out)
    return _Run(plan, out, jobs, tell).all()


class _Run:
    def __init__(self, plan: Plan, out: Path, jobs: int, tell: Callable[[str], None]) -> None:
        self.plan, self.out, self.jobs, self.tell = plan, out, jobs, tell
        self.outcome = Outcome(out)
        self.given = {name: given.path for name, given in plan.given.items()}

    def all(self) -> Outcome:
        left = list(self.plan.steps)
        with Workers(attempt, self.jobs) as workers:
            while left or workers.busy:
                settled = False
                for step in [step for step in left if self._decided(step)]:
                    if self._hopeless(step) or self._whole(step) or self._lacks(step):
                        left.remove(step)
                        settled = True
                    elif workers.free:
                        left.remove(step)
                        self._prepare(step)
                        workers.start(step.name, step.call, self._arguments(step), self._beside(step, ".log"))
                if workers.busy and not settled:  # what is settled may let others begin beside those at work
                    self._finish(*workers.next())
        return self.outcome

    def _decided(self, step: Step) -> bool:
        """Whether it is known what became of all that a step needs."""
        outcome = self.outcome
        return set(step.needs) <= {*self.given, *outcome.have, *outcome.lost}

    def _hopeless(self, step: Step) -> bool:
        """Whether a step lacks what it needs; it is then recorded."""
        lost = [need for need in step.needs if need in self.outcome.lost]
        if not lost or (step.gathers and self.outcome.have & set(step.needs)):
            return False
        self.outcome.left_out[step.name] = lost
        self.tell(f"{step.name}: left out, since it needs {', '.join(lost)}")
        return True

    def _lacks(self, step: Step) -> bool:
        """Whether a pretrained part that a step needs is not here; it is then recorded."""
        lacking = [part for part in step.parts if here(part) is None]
        if lacking:
            self.outcome.lacking[step.name] = lacking
            self.tell(f"{step.name}: left out: {self.outcome.why(step.name)}")
        return bool(lacking)

    def _arguments(self, step: Step) -> dict[str, Any]:
        paths = {name: str(self.out / self.plan.step[name].makes) for name in self.outcome.have}
        arguments = resolved(step.arguments, {**paths, **self.given}, partial=step.gathers)
        if step.reasons:
            arguments["missing"] = {name: self.outcome.why(name) for name in step.needs if name in self.outcome.lost}
        return {**arguments, "out": str(self.out / step.makes)}

    def _beside(self, step: Step, suffix: str) -> Path:
        target = self.out / step.makes
        return target.with_name(f"{target.name}{suffix}")

    def _whole(self, step: Step) -> bool:
        said = _read(self._beside(step, ".step.json"))
        target = self.out / step.makes
        if step.gathers or said.get("fingerprint") != self.plan.fingerprints[step.name] or not target.exists():
            return False
        if said.get("made") != contents(target):
            return False
        self.outcome.kept.append(step.name)
        self.tell(f"{step.name}: kept")
        return True

    def _prepare(self, step: Step) -> None:
        """Clear what was made of other inputs, and say that this step has begun."""
        target, stamp = self.out / step.makes, self._beside(step, ".step.json")
        fingerprint = self.plan.fingerprints[step.name]
        if target.exists() and not stamp.is_file():
            raise OutputError(f"{target}: is there and no step of this study made it; choose another --out")
        said = _read(stamp)
        if said.get("fingerprint") != fingerprint or "made" in said:  # of other inputs, or whole once and damaged since
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        write_json(stamp, {"step": step.name, "fingerprint": fingerprint, "viseme": __version__})

    def _finish(self, name: str, reason: str, seconds: float) -> None:
        step = self.plan.step[name]
        target = self.out / step.makes
        if not reason and not target.exists():
            reason = f"{step.call} made no {step.makes}"
        if reason:
            self.outcome.failed[name] = reason
            self.tell(f"{name}: failed: {reason}")
            return
        said = {"step": name, "fingerprint": self.plan.fingerprints[name], "viseme": __version__}
        write_json(self._beside(step, ".step.json"), {**said, "made": contents(target), "seconds": round(seconds, 1)})
        self.outcome.done[name] = seconds
        self.tell(f"{name}: done in {seconds:.0f} s")


def attempt(call: str, arguments: Mapping[str, Any], log: Path) -> str:
    """Call a function; why it failed as one line, empty where it did not. What nobody foresaw goes to `log` whole."""
    with contextlib.suppress(FileNotFoundError):
        log.unlink()
    try:
        called(call)(**arguments)
    except VisemeError as error:
        return " ".join(str(error).split())
    except Exception as error:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        first = (str(error).splitlines() or [""])[0]
        return f"{type(error).__name__}: {first} (see {log.name})"
    return ""


def contents(path: Path) -> str:
    """What tells whether an output is still whole: a file's SHA-256, of a folder the names and sizes of its files."""
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    said = [(file.relative_to(path).as_posix(), file.stat().st_size) for file in files]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _begin(plan: Plan, out: Path) -> None:
    """Make the folder, or see that it is this study's."""
    about = {"study": plan.study, "scale": plan.settings.get("scale")}
    place = out / ABOUT
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; give a folder with --out")
    if place.is_file():
        found = _read(place)
        if any(found.get(name) != value for name, value in about.items()):
            raise OutputError(
                f"{out}: holds study {found.get('study')} at scale {found.get('scale')}, not {plan.study} at "
                f"{about['scale']}; choose another --out"
            )
    elif out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out}: is not empty and holds no study; choose another --out")
    write_json(place, {**about, **json.loads(json.dumps(plan.settings))})


def _read(path: Path) -> dict[str, Any]:
    """A small JSON object; empty where it is missing or damaged."""
    with contextlib.suppress(OSError, ValueError):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            return value
    return {}

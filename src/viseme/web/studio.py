"""What the page can do, without the page: jobs checked, handed to the workers, and told in sentences."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viseme.errors import InputError, VisemeError
from viseme.files import AnyPath
from viseme.web.limits import Limits
from viseme.web.messages import Crop, Example, Made, Model, Score, Seen
from viseme.web.scratch import Scratch
from viseme.web.worker import Worker

if TYPE_CHECKING:
    from viseme.generation.credentials import Signature

LONGEST_SEED = 2**32 - 1
LOOK_SECONDS = 60.0
"""Time that a look at a photo may take."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: the model at work, and its newest frame, None before there is one."""

    model: str
    seen: Seen | None


@dataclass(frozen=True, slots=True)
class Video:
    """A finished video; it is removed when the next thing is asked of the job."""

    model: str
    path: Path
    made: Made


class Studio:
    """Models on one device, a second process that looks at photos, and the limits of both.

    Attributes:
        models: what is served, by name, as they were measured when the server started.
        limits: what is taken.
        label: drawn into every frame, or empty.
        signature: what videos are signed with, or None.
    """

    def __init__(
        self,
        models: Sequence[str],
        limits: Limits,
        scratch: Scratch,
        *,
        label: str = "",
        signature: Signature | None = None,
    ) -> None:
        """Load and time the models. Raises what `viseme.web.tasks.models` raises."""
        self.limits, self.label, self.signature = limits, label, signature
        self._scratch = scratch
        self._device, self._eyes = Worker("device"), Worker("eyes")
        self._eyes.start()
        try:
            found: list[Model] = self._device.result("models", names=tuple(dict.fromkeys(models)))
        except BaseException:
            self.close()
            raise
        self.models: Mapping[str, Model] = {model.name: model for model in found}

    def close(self) -> None:
        """End the workers."""
        self._device.close()
        self._eyes.close()

    def examples(self, folder: Path) -> list[Example]:
        """Photos and a voice of our own, written into an existing folder."""
        return self._eyes.result("examples", folder=folder)  # type: ignore[no-any-return]

    def crop(self, photo: AnyPath | None) -> Crop:
        """The face that models will see. Raises `InputError` in the words of the page."""
        given = self._given(photo, "a photo")
        with _Spoken({given: "the photo"}):
            return self._eyes.result("crop", LOOK_SECONDS, photo=given, limits=self.limits)  # type: ignore[no-any-return]

    def make(
        self,
        photo: AnyPath | None,
        voice: AnyPath | None,
        models: Sequence[str] | None,
        sampler: str | None = None,
        steps: float | None = None,
        seed: float | None = 0,
    ) -> Generator[Progress | Video, None, None]:
        """Yield progress some times a second, and each model's video when it is done.

        Args:
            photo, voice: files.
            models: names of served models, made one after another.
            sampler, steps: of models that have them; their own where empty or 0.
            seed: of everything drawn.

        Raises:
            InputError: something is missing, not known, or beyond the limits, in the words of the page.
            Broken: the fault is the server's.
        """
        photo, voice = self._given(photo, "a photo"), self._given(voice, "a voice")
        chosen = self._chosen(models)
        start = _whole(seed, "seed", 0, LONGEST_SEED)
        overrides = {model: self._sampling(self.models[model], sampler, steps) for model in chosen}
        with tempfile.TemporaryDirectory(dir=self._scratch.jobs) as folder:
            for model in chosen:
                out = Path(folder) / f"{_slug(model)}.mp4"
                with _Spoken({photo: "the photo", voice: "the voice", str(out): "the video", folder: ""}):
                    seen, made = None, None
                    running = self._device.run(
                        "talk",
                        self.limits.job_seconds,
                        model=model,
                        overrides=overrides[model],
                        photo=photo,
                        voice=voice,
                        out=str(out),
                        seed=start,
                        label=self.label,
                        signature=self.signature,
                        limits=self.limits,
                    )
                    with contextlib.closing(running):
                        for told in running:
                            if isinstance(told, Made):
                                made = told
                            else:
                                seen = told or seen
                                yield Progress(model, seen)
                if made is not None:
                    yield Video(model, out, made)

    def score(
        self, video: AnyPath | None, reference: AnyPath | None
    ) -> Generator[tuple[list[Score], list[str]] | None, None, None]:
        """Yield None while a video is scored against a reference, and in the end its scores and notes.

        Raises as `make` does.
        """
        given, truth = self._given(video, "the video to be scored"), self._given(reference, "the reference video")
        names = {given: "the video", truth: "the reference"}
        with tempfile.TemporaryDirectory(dir=self._scratch.jobs) as folder, _Spoken({**names, folder: ""}):
            yield from self._device.run(
                "score", self.limits.job_seconds, video=given, reference=truth, folder=folder, limits=self.limits
            )

    def _given(self, path: AnyPath | None, what: str) -> str:
        """The path of a file, which must be an upload or an example."""
        if not path:
            raise InputError(f"Give {what} first.")
        real = Path(path).resolve()
        if not real.is_relative_to(self._scratch.path.resolve()) or not real.is_file():
            raise InputError(f"There is no such file here any more. Give {what} again.")
        return str(real)

    def _chosen(self, models: Sequence[str] | None) -> list[str]:
        chosen = list(dict.fromkeys(models or ()))
        unknown = [name for name in chosen if name not in self.models]
        if unknown:
            raise InputError(f"There is no model {unknown[0]!r} here. There are {', '.join(self.models)}.")
        if not chosen:
            raise InputError("Choose a model first.")
        return chosen

    def _sampling(self, model: Model, sampler: str | None, steps: float | None) -> tuple[str, ...]:
        """What is set of a model's sampling; a model without samplers has nothing to set."""
        if not model.samplers:
            return ()
        if sampler and sampler not in model.samplers:
            raise InputError(f"There is no sampler {sampler!r}. There are {', '.join(model.samplers)}.")
        chosen = [f"sampling.sampler={sampler}"] if sampler else []
        if steps:
            chosen.append(f"sampling.steps={_whole(steps, 'number of steps', 1, model.most_steps)}")
        return tuple(chosen)


class _Spoken:
    """Turns the library's messages into sentences of the page: files are called what the visitor calls them."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, VisemeError):
            raise InputError(sentence(str(error), self._names)) from error


def sentence(message: str, names: Mapping[str, str]) -> str:
    """`/tmp/x.png: no face found; give a photo` -> `The photo: no face found; give a photo.`"""
    for path, name in names.items():
        message = message.replace(path, name).replace(Path(path).name, name)
    message = message.strip(" /")
    return f"{message[:1].upper()}{message[1:]}{'' if message.endswith('.') else '.'}"


def _whole(value: float | None, what: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise InputError(f"The {what} must be a whole number from {least} to {most}.")
    if not least <= value <= most:
        raise InputError(f"The {what} must lie from {least} to {most}; {value:g} does not.")
    return int(value)


def _slug(name: str) -> str:
    """A model's name as that of a file: a path's last part, letters that every system takes."""
    last = Path(name).stem or "model"
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in last)

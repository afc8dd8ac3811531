"""What a server takes and how much of it, by configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from viseme.config.load import assign, first_problem
from viseme.config.sections import Section
from viseme.data.picture import MAX_PIXELS
from viseme.errors import ConfigError


class Limits(Section):
    """Beyond any of these a visitor is told so in a sentence, and nothing is made."""

    upload_mb: PositiveFloat = 50.0
    """Megabytes (of 2**20 bytes) of one uploaded file."""
    megapixels: Annotated[float, Field(gt=0, le=MAX_PIXELS / 1e6)] = 50.0
    """Of a photo, and of each frame of a video."""
    sound_seconds: PositiveFloat = 60.0
    """Length of a voice, and of a video to be scored."""
    waiting: PositiveInt = 20
    """Jobs that wait for their turn; further ones are refused."""
    job_seconds: PositiveFloat = 600.0
    """Time a job; one that takes longer is ended."""
    keep_seconds: PositiveFloat = 1800.0
    """How long uploads and results are kept."""
    disk_mb: PositiveFloat = 2000.0
    """Megabytes of uploads and results together; further uploads are refused until some are gone."""


def load_limits(overrides: Sequence[str] = ()) -> Limits:
    """The limits after `name=value` overrides. Raises `ConfigError` for an unknown name or a value out of range."""
    fields = Limits().model_dump()
    assign(fields, overrides, "the server")
    try:
        return Limits(**fields)
    except ValidationError as error:
        raise ConfigError(f"--set: {first_problem(error)}") from error

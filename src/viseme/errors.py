"""The errors a user can meet. Each message says what is wrong, where, and what to do; the command line prints it as is.

The command line turns them into exit code 2, except `SomeClipsFailed`, `SomeFilesFailed` and `SomeStepsFailed`, which
are 1.
"""

from __future__ import annotations


class VisemeError(Exception):
    """Anything wrong that the user can mend. Its text is one line."""

    exit_code = 2


class InputError(VisemeError):
    """A file or folder from outside cannot serve: missing, corrupt, faceless, silent, of the wrong kind."""


class ConfigError(VisemeError):
    """An unknown preset or field, or a value out of range."""


class StoreError(VisemeError):
    """A store that is not one, is of another version, or does not hold what was asked of it."""


class ModelError(VisemeError):
    """Weights that are missing, damaged, or of another architecture."""


class OutputError(VisemeError):
    """A result cannot be written: no room, no right, or something else is there."""


class SomeClipsFailed(VisemeError):
    """The work is done, but some clips failed; each is named with its reason in the manifest or the results."""

    exit_code = 1


class SomeFilesFailed(VisemeError):
    """A download went as far as it could, but some of its files did not come; each is named with its reason."""

    exit_code = 1


class SomeStepsFailed(VisemeError):
    """A study went as far as it could, but some of its steps failed; each is named with its reason."""

    exit_code = 1

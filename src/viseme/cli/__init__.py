"""The command line: one file a command, each of which parses, makes one call of `viseme.api`, and prints."""

from viseme.cli.main import app, main

__all__ = ["app", "main"]

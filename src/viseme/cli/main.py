"""The program `viseme`: its commands, and what becomes of errors: one line on stderr and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import viseme
from viseme.cli import (
    compare,
    corpora,
    demo,
    doctor,
    download,
    evaluate,
    generate,
    inspect,
    prepare,
    presets,
    serve,
    store,
    study,
    synthetic,
    train,
    weights,
)
from viseme.errors import VisemeError

INTERRUPTED = 130
_UsageError: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
"""What Typer raises for arguments it cannot take; it exports the child alone."""

app = typer.Typer(
    name="viseme",
    help="One photo and a voice into a talking-head video, by several families of models, fairly compared.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo.demo,
    synthetic.synthetic,
    corpora.corpora,
    download.download,
    prepare.prepare,
    inspect.inspect,
    presets.presets,
    weights.weights,
    train.train,
    generate.generate,
    evaluate.evaluate,
    compare.compare,
    study.study,
    serve.serve,
    doctor.doctor,
):
    app.command()(command)
app.add_typer(store.store, name="store")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"viseme {viseme.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 some clips or steps failed, 2 bad input, 130 interrupted."""
    try:
        code = app(args=arguments, prog_name="viseme", standalone_mode=False)
        sys.stdout.flush()
    except _UsageError as error:
        return _usage(error)
    except VisemeError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # Typer turns the first into the second, and nothing else
        return _pipe_closed()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        place = f"{error.filename}: " if error.filename else ""
        return _say(f"{place}{(error.strerror or str(error)).lower()}; mend that and run the same command again", 2)
    if code == INTERRUPTED:
        return _say("interrupted; what was finished is kept, and the same command carries on from there", code)
    return code if isinstance(code, int) else 0


def _usage(error: Exception) -> int:
    """Arguments that cannot be taken: the line says where help is to be had."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "viseme"
    format_message = getattr(error, "format_message", error.__str__)
    message = str(format_message()).rstrip(".")
    if not message:
        return 2
    return _say(f"{message[:1].lower()}{message[1:]}; see {command} --help", 2)


def _say(line: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"viseme: {' '.join(line.split())}", file=sys.stderr)
    return code


def _pipe_closed() -> int:
    """The reader of our output left (`| head`): nothing is wrong, and Python must not complain as it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0

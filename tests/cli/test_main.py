"""The program as a whole: help, version, exit codes, one line an error, and how little is imported for it."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

import viseme
from viseme import api
from viseme.errors import InputError, SomeClipsFailed

COMMANDS = (
    "demo",
    "synthetic",
    "corpora",
    "download",
    "prepare",
    "inspect",
    "presets",
    "train",
    "generate",
    "evaluate",
    "compare",
    "doctor",
)
HEAVY = ("torch", "cv2", "dlib", "av", "pyarrow", "pydantic", "numpy", "matplotlib", "skimage", "joblib")


def test_help_names_every_command(cli):
    outcome = cli("--help")
    assert outcome.code == 0
    for command in COMMANDS:
        assert f" {command} " in outcome.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli, command):
    outcome = cli(command, "--help")
    assert outcome.code == 0
    assert f"viseme {command}" in outcome.out


def test_version(cli):
    assert cli("--version").out == f"viseme {viseme.__version__}\n"


def test_help_imports_nothing_heavy():
    program = (
        "import sys\n"
        "from viseme.cli import main\n"
        "code = main(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"


def test_module_is_the_program():
    done = subprocess.run([sys.executable, "-m", "viseme", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"viseme {viseme.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "no such command 'nonsense'"),
        (["--nonsense"], "no such option: --nonsense"),
        (["prepare"], "missing argument 'CORPUS'"),
        (["prepare", "grid", "a", "b", "--size", "big"], "see viseme prepare --help"),
        (["prepare", "grid", "a", "b", "--align", "face"], "see viseme prepare --help"),
        (["doctor", "--nonsense"], "see viseme doctor --help"),
    ],
)
def test_bad_usage_is_one_line_and_2(cli, arguments, says):
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert says in outcome.line


def test_without_a_command_help_is_shown(cli):
    outcome = cli()
    assert outcome.code == 2
    assert "Usage" in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (InputError("a.mp4: is\nbroken"), 2, "viseme: a.mp4: is broken"),
        (SomeClipsFailed("two failed"), 1, "viseme: two failed"),
        (KeyboardInterrupt(), 130, "viseme: interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "x.bin"), 2, "viseme: x.bin: no space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "x.bin"), 2, "viseme: x.bin: permission denied"),
    ],
)
def test_errors_become_a_line_and_a_code(cli, monkeypatch, error, code, says):
    def fail():
        raise error

    monkeypatch.setattr(api, "doctor", fail)
    outcome = cli("doctor")
    assert outcome.code == code
    assert outcome.line.startswith(says)


@pytest.mark.parametrize("error", [ZeroDivisionError("a defect"), OSError(errno.EIO, "I/O error")])
def test_a_defect_keeps_its_traceback(cli, monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(api, "doctor", fail)
    with pytest.raises(type(error)):
        cli("doctor")


def test_a_reader_that_leaves_is_no_error():
    program = f"{sys.executable} -m viseme corpora synthetic | true"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {program}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

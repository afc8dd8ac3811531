"""The examples of docs/serve.md, run as they stand but for the address."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from viseme.data.streams import streams

pytest.importorskip("gradio", reason="gradio is not installed")
PAGE = Path(__file__).parents[2] / "docs" / "serve.md"


def example(language: str, server) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "http://127.0.0.1:7860" in found
    return found.replace("http://127.0.0.1:7860", server.url)


@pytest.fixture
def folder(tmp_path: Path, face: bytes, voice: Path) -> Path:
    (tmp_path / "face.png").write_bytes(face)
    shutil.copy(voice, tmp_path / "voice.wav")
    return tmp_path


def test_the_python_example_makes_a_video(server, folder: Path) -> None:
    code = example("python", server)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert streams(done.stdout.splitlines()[-1])["frames"] == 13


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on the PATH")
def test_the_curl_example_makes_a_video(server, folder: Path) -> None:
    subprocess.run(["bash", "-euo", "pipefail", "-c", example("bash", server)], cwd=folder, check=True)
    assert streams(folder / "talk.mp4")["frames"] == 13


def test_the_limits_are_those_of_the_page() -> None:
    from viseme.web.limits import Limits

    told = dict(re.findall(r"^\| `(\w+)` \| .* \| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {name: float(value) for name, value in told.items()} == {
        k: float(v) for k, v in Limits().model_dump().items()
    }

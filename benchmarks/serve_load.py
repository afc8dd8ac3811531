"""Many clients at once against `viseme serve`: what fails, what is refused, how long the page takes, what memory does.

    python benchmarks/serve_load.py --clients 50 --seconds 120

Each client asks for a video again and again, waits for it and compares it, byte for byte, with the one that the server
made of the same voice before the load. Beside them the page is asked for five times a second. In the end the server is
killed and started again. Needs Gradio; its own httpx speaks for the clients.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import httpx
import numpy as np

VOICES = (0.4, 0.6, 0.8)
"""Seconds of the voices that clients send."""
LIMIT = 0.3
"""Seconds in which the page is to answer, 95 times of 100."""
META = {"_type": "gradio.FileData"}


def start(temporary: Path, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """A server and its address, once it serves."""
    command = [sys.executable, "-m", "viseme", "serve", "talk_gan", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert process.stdout is not None
    return process, process.stdout.readline().split("/ ")[0]


def memory(process: int) -> float:
    """MB that a process and its children hold."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return sum(rss for pid, parent, rss in rows if process in (pid, parent)) / 1024


def write_voice(path: Path, seconds: float) -> Path:
    """A tone that swells, WAV."""
    times = np.arange(round(seconds * 16_000)) / 16_000
    samples = 0.3 * np.sin(2 * np.pi * 220 * times) * np.abs(np.sin(2 * np.pi * 3 * times))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


class Load:
    """Clients of one server, and what they met."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url, self.client = url, client
        self.met: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []
        self.waits: list[float] = []
        self.page: list[float] = []
        self.held: list[float] = []
        self.right: dict[float, str] = {}

    async def upload(self, path: Path) -> dict[str, object]:
        """A file on the server, as calls name it."""
        answer = await self.client.post(f"{self.url}/gradio_api/upload", files={"files": path.read_bytes()})
        return {"path": answer.raise_for_status().json()[0], "meta": META}

    async def make(self, photo: dict[str, object], voice: dict[str, object]) -> str | None:
        """The digest of a video; None where the server refuses."""
        call = f"{self.url}/gradio_api/call"
        fields = {"photo": photo, "voice": voice, "models": ["talk_gan"], "seed": 1}
        answer = await self.client.post(f"{call}/v2/make", json=fields)
        if answer.status_code == 503:
            return None
        job = answer.raise_for_status().json()["event_id"]
        event = data = ""
        async with self.client.stream("GET", f"{call}/make/{job}") as stream:
            async for line in stream.aiter_lines():
                event = line.removeprefix("event: ") if line.startswith("event: ") else event
                data = line.removeprefix("data: ") if line.startswith("data: ") else data
        if event != "complete":
            raise RuntimeError(f"{event}: {data[:200]}")
        video = await self.client.get(json.loads(data)[1]["value"]["url"])
        return hashlib.sha256(video.raise_for_status().content).hexdigest()

    async def ask(
        self, number: int, photo: dict[str, object], voices: dict[float, dict[str, object]], end: float
    ) -> None:
        """One client, until the end."""
        await asyncio.sleep(number * 0.02)
        while time.monotonic() < end:
            seconds = VOICES[number % len(VOICES)]
            began = time.monotonic()
            try:
                found = await self.make(photo, voices[seconds])
            except (httpx.HTTPError, RuntimeError, ValueError, LookupError) as error:
                self.met["failed"] += 1
                self.failures.append(repr(error))
                continue
            if found is None:
                self.met["refused"] += 1
                await asyncio.sleep(1)
                continue
            self.met["right" if found == self.right[seconds] else "wrong"] += 1
            self.waits.append(time.monotonic() - began)

    async def look(self, process: int, end: float) -> None:
        """Ask for the page and measure memory, until the end."""
        count = 0
        while time.monotonic() < end:
            began = time.monotonic()
            (await self.client.get(f"{self.url}/")).raise_for_status()
            self.page.append(time.monotonic() - began)
            if count % 10 == 0:
                self.held.append(memory(process))
            count += 1
            await asyncio.sleep(0.2)


async def run(url: str, process: int, folder: Path, clients: int, seconds: float) -> Load:
    """The load, from the first upload to the last answer."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=httpx.Timeout(300), limits=limits, trust_env=False) as client:
        load = Load(url, client)
        photo = await load.upload(next(folder.glob("viseme-serve-*/examples/rendered_0.png")))
        voices = {s: await load.upload(write_voice(folder / f"{s}.wav", s)) for s in VOICES}
        for one in VOICES:
            load.right[one] = str(await load.make(photo, voices[one]))
        end = time.monotonic() + seconds
        await asyncio.gather(
            load.look(process, end), *(load.ask(number, photo, voices, end) for number in range(clients))
        )
        return load


def main() -> None:
    """Start, load, kill, start again, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        server, url = start(folder)
        try:
            load = asyncio.run(run(url, server.pid, folder, given.clients, given.seconds))
            met = load.met
            slow = statistics.quantiles(load.page, n=20)[-1]
            print(f"{given.clients} clients, {given.seconds:.0f} s, {os.cpu_count()} cores")
            print(
                f"jobs: {met['right']} right, {met['wrong']} wrong, {met['failed']} failed, "
                f"{met['refused']} refused; waited {statistics.median(load.waits):.1f} s (median)"
            )
            print(
                f"page: {1000 * slow:.0f} ms at the 95th percentile of {len(load.page)}, "
                f"{slow / LIMIT:.2f} of {1000 * LIMIT:.0f} ms; slowest {1000 * max(load.page):.0f} ms"
            )
            third = len(load.held) // 3
            early, late = max(load.held[:third]), max(load.held[-third:])
            print(f"memory: {early:.0f} MB at most in the first third, {late:.0f} MB in the last: {late / early:.3f}")
            for failure in load.failures[:5]:
                print(f"  {failure}")
            server.send_signal(signal.SIGKILL)
            server.wait()
            began = time.monotonic()
            server, again = start(folder, int(url.rsplit(":", 1)[1]))
            back = time.monotonic() - began
            code = httpx.get(f"{again}/", trust_env=False).status_code
            left = len(list(folder.glob("viseme-serve-*")))
            print(f"killed and started again: answers {code} after {back:.0f} s, {left} temporary folder")
        finally:
            server.terminate()
            server.wait(30)


if __name__ == "__main__":
    main()

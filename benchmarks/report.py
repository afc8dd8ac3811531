"""What a report weighs and how long Chromium takes to open it, beside an empty page in the same browser.

    python benchmarks/report.py --systems 5 --clips 30 --size 128

The systems are rendered films encoded again at as many rates of compression, and scored as any videos are. Opened means
that every player can show its first frame. Needs playwright, and Chromium on the PATH.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

import viseme
from viseme.data.audio import read_audio
from viseme.data.synthetic.make import synthesize_corpus
from viseme.data.video import read_video
from viseme.generation.writer import VideoWriter

ACTORS = 5
METRICS = ("psnr", "ssim", "brightness", "sharpness")
READY = (
    "() => Promise.all([...document.querySelectorAll('video')].map(video => video.readyState > 1 && !video.seeking || "
    "new Promise(done => video.addEventListener('canplay', done, { once: true }))))"
)


def make(folder: Path, systems: int, clips: int, size: int) -> Path:
    """The report of so many systems, through the files of a real comparison."""
    synthesize_corpus(folder / "corpus", ACTORS, -(-clips // ACTORS), size=size)
    truth = folder / "truth"
    truth.mkdir(exist_ok=True)
    for film in (folder / "corpus").glob("*/*.mp4"):
        shutil.copy(film, truth / f"{film.parent.name}_{film.name}")
    results = {}
    for number in range(systems):
        name, crf = f"crf{10 + 5 * number}", 10 + 5 * number
        for film in sorted(truth.glob("*.mp4")):
            path = folder / name / film.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with VideoWriter(path, size, read_audio(film), metadata={"name": name}, crf=crf) as writer:
                for frame in read_video(film):
                    writer.write(frame)
        results[name] = folder / f"{name}.json"
        viseme.evaluate(folder / name, truth, results[name], metrics=METRICS)
    return viseme.compare(results, folder / "report").page


def seconds_to_open(browser: Browser, page: Path, times: int = 5) -> float:
    """The median of several openings, each in a fresh context."""
    taken = []
    for _ in range(times):
        context = browser.new_context()
        tab = context.new_page()
        start = time.perf_counter()
        tab.goto(page.as_uri())
        tab.evaluate(READY)
        taken.append(time.perf_counter() - start)
        context.close()
    return sorted(taken)[times // 2]


def main() -> None:
    """Make, open and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=5)
    parser.add_argument("--clips", type=int, default=30)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--keep", type=Path, help="a folder to leave everything in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as play:
        folder = given.keep or Path(scratch)
        start = time.perf_counter()
        report = make(folder, given.systems, given.clips, given.size)
        print(f"made in {time.perf_counter() - start:.0f} s")
        empty = Path(scratch) / "empty.html"
        empty.write_text("<!DOCTYPE html><title>empty</title>", encoding="utf-8")
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        bare, whole = seconds_to_open(browser, empty), seconds_to_open(browser, report)
        browser.close()
        size = report.stat().st_size / 1e6
        print(f"{given.systems} systems x {given.clips} clips of {given.size} pixels: {size:.1f} MB")
        print(f"opened in {whole:.2f} s, an empty page in {bare:.2f} s: {whole / bare:.1f} times")


if __name__ == "__main__":
    main()

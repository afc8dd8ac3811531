"""The report in a real browser: a page that no tool but a browser can judge."""

from __future__ import annotations

import os
import shutil
import time

import numpy as np
import pytest

from viseme.generation.writer import VideoWriter
from viseme.report.compare import compare

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")

FRAMES, FPS = 51, 25
KINDS = (
    {"name": "gan", "follows": 0.7, "emotions": ("anger", "happy")},
    {"name": "ddpm", "follows": 0.5, "emotions": ("anger", "happy"), "shift": {"psnr": -2}},
    {"name": "truth", "follows": 0.95, "emotions": ("anger", "happy"), "system": {"control": "reencoded"}},
)
READY = (
    "() => Promise.all([...document.querySelectorAll('video')].map(video => video.readyState > 1 && !video.seeking || "
    "new Promise(done => video.addEventListener('canplay', done, { once: true }))))"
)
"""What is waited for; the page's content policy forbids a function that asks again and again."""
TIMES = "clip => [...clip.querySelectorAll('video')].map(video => video.currentTime)"


def film(path):
    """A video whose every frame is brighter than the one before, with a quiet tone."""
    tone = 0.1 * np.sin(np.arange(FRAMES * 640) * 0.2).astype(np.float32)
    with VideoWriter(path, 64, tone, metadata={"name": "test"}) as writer:
        for n in range(FRAMES):
            writer.write(np.full((64, 64, 3), 20 + 4 * n, np.uint8))


@pytest.fixture(scope="module")
def report(fake, write, tmp_path_factory):
    """A report whose videos can be played."""
    folder = tmp_path_factory.mktemp("report")
    files = {kind["name"]: write(folder, fake(**kind)) for kind in KINDS}
    film(folder / "film.mp4")
    for video in folder.glob("*/*.mp4"):
        shutil.copy(folder / "film.mp4", video)
    return compare(files, folder / "out").page


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] if os.name == "posix" else []
        opened = play.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, report):
    """Open the report; what the console complained of or the page asked the network for is an error in the end."""
    contexts, wrong = [], []

    def make(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: wrong.append(asked.url) if asked.url.startswith("http") else None)
        page.goto(report.as_uri())
        if options.get("java_script_enabled", True):
            page.evaluate(READY)
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def settled(clip):
    """The players' times, once all have arrived where they were sent."""
    clip.evaluate(
        "clip => Promise.all([...clip.querySelectorAll('video')].map(video => !video.seeking || "
        "new Promise(done => video.addEventListener('seeked', done, { once: true }))))"
    )
    return np.array(clip.evaluate(TIMES))


def test_players_play_together_and_pause(opened):
    clip = opened().locator(".clip").first
    clip.get_by_role("button", name="Play all").click()
    deadline = time.monotonic() + 20
    while min(clip.evaluate(TIMES)) < 0.4 and time.monotonic() < deadline:
        time.sleep(0.05)
    clip.get_by_role("button", name="Pause").click()
    times = np.array(clip.evaluate(TIMES))
    assert len(times) == 3
    assert (times >= 0.4).all()
    assert clip.evaluate("clip => [...clip.querySelectorAll('video')].every(video => video.paused)")


@pytest.mark.parametrize("frame", [0, 17, FRAMES - 1])
def test_the_scrubber_sends_every_player_to_its_frame(opened, frame):
    clip = opened().locator(".clip").first
    scrub = clip.get_by_role("slider")
    assert scrub.get_attribute("max") == str(FRAMES - 1)
    scrub.evaluate("(scrub, frame) => { scrub.value = frame; scrub.dispatchEvent(new Event('input')); }", frame)
    assert (np.floor(settled(clip) * FPS) == frame).all()
    assert f"frame {frame}" in scrub.get_attribute("aria-valuetext")


def test_buttons_and_arrow_keys_step_by_a_frame(opened):
    page = opened()
    clip = page.locator(".clip").first
    clip.get_by_role("slider").evaluate("scrub => { scrub.value = 0; scrub.dispatchEvent(new Event('input')); }")
    on = clip.get_by_role("button", name="One frame on")
    on.click()
    on.click()
    clip.get_by_role("button", name="One frame back").click()
    assert (np.floor(settled(clip) * FPS) == 1).all()
    page.keyboard.press("ArrowRight")
    assert (np.floor(settled(clip) * FPS) == 2).all()
    page.keyboard.press("Shift+ArrowRight")
    assert (np.floor(settled(clip) * FPS) == 27).all()
    clip.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    assert (np.floor(settled(clip) * FPS) == 26).all()


def test_players_stand_at_truths_widest_mouth_and_play_from_the_beginning(opened):
    clip = opened().locator(".clip").first
    shown = int(clip.locator(".bar").get_attribute("data-shown"))
    assert shown > 0
    assert (np.floor(settled(clip) * FPS) == shown).all()
    clip.get_by_role("button", name="Play all").click()
    assert min(clip.evaluate(TIMES)) < shown / FPS or shown < 5


def test_only_one_player_is_heard(opened):
    clip = opened().locator(".clip").first
    clip.get_by_role("button", name="Hear ddpm").click()
    heard = "clip => [...clip.querySelectorAll('video')].filter(v => !v.muted).map(v => v.getAttribute('aria-label'))"
    (name,) = clip.evaluate(heard)
    assert name.startswith("ddpm")


@pytest.mark.parametrize("press", ["click", "Enter", "Space"])
def test_a_table_sorts_up_down_and_back(opened, press):
    page = opened()
    table = page.locator("#emotions table.sortable").first
    heading = table.locator("thead th").nth(2)
    cells = "table => [...table.tBodies[0].rows].map(row => row.cells[2].textContent)"
    own = table.evaluate(cells)

    def sort():
        button = heading.get_by_role("button")
        if press == "click":
            button.click()
        else:
            button.focus()
            page.keyboard.press(press)
        return [float(text.replace("\N{MINUS SIGN}", "-")) for text in table.evaluate(cells)]

    up = sort()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert up == sorted(up)
    assert len(set(up)) > 1
    down = sort()
    assert heading.get_attribute("aria-sort") == "descending"
    assert down == up[::-1]
    sort()
    assert heading.get_attribute("aria-sort") is None
    assert table.evaluate(cells) == own


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_never_wider_than_the_window(opened, width):
    page = opened(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_light_and_dark_differ(opened):
    ground = "getComputedStyle(document.body).backgroundColor"
    assert opened(color_scheme="light").evaluate(ground) != opened(color_scheme="dark").evaluate(ground)


def test_without_scripts_everything_is_there_but_the_shared_bar(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("video[controls]").count() == 9
    assert page.locator(".bar:visible").count() == 0
    assert page.locator("#scores table").first.is_visible()

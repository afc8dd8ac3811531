"""The page in a real browser, as a newcomer, a keyboard and a phone meet it."""

from __future__ import annotations

import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from .conftest import tone

pytest.importorskip("gradio", reason="gradio is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")

NAMELESS = """() => [...document.querySelectorAll('button, input:not([type=file]), select, textarea, video, progress')]
  .filter(e => e.checkVisibility() && !e.textContent.trim() && !e.title && !e.getAttribute('aria-label')
    && !e.getAttribute('aria-labelledby') && !(e.labels && e.labels.length))
  .map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] if os.name == "posix" else []
        opened = play.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, server):
    """Open the page; a fault of its scripts and a request to anywhere else are errors in the end."""
    contexts, wrong = [], []

    def make(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        own = (server.url, "data:", "blob:")
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(own) else wrong.append(asked.url))
        page.goto(server.url)
        page.get_by_role("button", name="Make the video").wait_for()
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def photo(colour: int = 120) -> dict[str, object]:
    picture = io.BytesIO()
    Image.fromarray(np.full((200, 200, 3), colour, np.uint8)).save(picture, "PNG")
    return {"name": "face.png", "mimeType": "image/png", "buffer": picture.getvalue()}


def give(page, number: int, file) -> None:
    """Choose a file in the first input (the photo) or the second (the voice)."""
    page.locator("input[type=file]").nth(number).set_input_files(file)


def test_three_clicks_make_a_video(opened, face, voice) -> None:
    page = opened()
    give(page, 0, {"name": "face.png", "mimeType": "image/png", "buffer": face})
    page.get_by_alt_text("").first.wait_for()
    give(page, 1, voice)
    page.get_by_role("button", name="Make the video").click()
    page.get_by_text("13 frames, made in").wait_for()
    video = page.locator("video:visible")
    page.wait_for_function("() => [...document.querySelectorAll('video')].some(v => v.videoWidth === 64)")
    assert video.count() == 1
    assert page.get_by_label("Download", exact=False).first.is_visible()


def test_the_crop_is_shown_before_it_is_used(opened, face) -> None:
    page = opened()
    give(page, 0, {"name": "face.png", "mimeType": "image/png", "buffer": face})
    page.wait_for_function("() => [...document.querySelectorAll('img')].some(i => i.naturalWidth === 256)")


def test_examples_are_ours_and_work_at_a_click(opened) -> None:
    page = opened()
    page.get_by_text("A rendered face, 1").click()
    page.wait_for_function("() => [...document.querySelectorAll('img')].some(i => i.naturalWidth === 256)")


@pytest.mark.parametrize(
    ("number", "file", "sentence"),
    [
        (0, photo(), "The photo: no face found"),
        (0, {"name": "a.png", "mimeType": "image/png", "buffer": b"<svg></svg>"}, "The photo: is not a picture"),
    ],
    ids=["no face", "svg"],
)
def test_a_bad_photo_is_told(opened, number, file, sentence) -> None:
    page = opened()
    give(page, number, file)
    page.get_by_role("alert").get_by_text(sentence).first.wait_for()


def test_a_file_that_is_too_large_is_told_before_it_is_sent(opened) -> None:
    page = opened()
    give(page, 0, {"name": "a.png", "mimeType": "image/png", "buffer": b"\0" * 2_500_000})
    page.get_by_text("exceed the maximum allowed size").wait_for()


def test_what_is_missing_is_told(opened) -> None:
    page = opened()
    page.get_by_role("button", name="Make the video").click()
    page.get_by_role("alert").get_by_text("Give a photo first.").first.wait_for()


def test_a_voice_that_is_too_long_is_told(opened, face, tmp_path) -> None:
    page = opened()
    give(page, 0, {"name": "face.png", "mimeType": "image/png", "buffer": face})
    give(page, 1, tone(tmp_path / "long.wav", 4.5))
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.get_by_role("button", name="Make the video").click()
    page.get_by_role("alert").get_by_text("longer than 4 s").first.wait_for()


def test_a_job_can_be_stopped(opened, face, tmp_path, server) -> None:
    page = opened()
    give(page, 0, {"name": "face.png", "mimeType": "image/png", "buffer": face})
    give(page, 1, tone(tmp_path / "voice.wav", 3.9))
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.get_by_role("button", name="Make the video").click()
    page.locator(".viseme-progress img").wait_for()
    page.get_by_role("button", name="Stop").first.click()
    page.get_by_text("Stopped.").wait_for()
    assert page.locator("video:visible").count() == 0


def test_the_keyboard_is_enough(opened) -> None:
    page = opened()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Make the video":
            break
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Give a photo first.").first.wait_for()


def test_everything_has_a_name_for_a_screen_reader(opened) -> None:
    assert opened().evaluate(NAMELESS) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_never_wider_than_the_window(opened, width) -> None:
    page = opened(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("tab", name="Score a video").click()
    page.get_by_role("button", name="Score the video").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width

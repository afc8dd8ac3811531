from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from viseme.report.html import coded, render
from viseme.report.media import Album
from viseme.report.systems import by_size, load_systems

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = '<script>alert("x")</script>'


def test_what_stands_between_backticks_is_code_and_nothing_else_is_markup():
    assert coded("give `viseme weights <b>`, <i>") == "give <code>viseme weights &lt;b&gt;</code>, &lt;i&gt;"


class Page(HTMLParser):
    """Refuses tags that are not closed in order, and gathers what tests ask about."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.urls, self.text = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.urls += [value for name, value in attrs if name in ("src", "href", "srcset", "poster", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def page(fake, write, tmp_path_factory):
    """Render systems of the given kinds; the same ones only once."""
    known = {}

    def make(*kinds, **options):
        key = repr((kinds, options))
        if key not in known:
            known[key] = fresh(*kinds, **options)
        return known[key]

    def fresh(*kinds, names=None, limit=1 << 20):
        names = names or [kind["name"] for kind in kinds]
        folder = tmp_path_factory.mktemp("results")
        files = {name: write(folder, fake(**kind)) for name, kind in zip(names, kinds, strict=True)}
        return render(by_size(load_systems(files)), Album(limit))

    make.fresh = fresh
    return make


KINDS = (
    {"name": "gan", "follows": 0.7},
    {"name": "ddpm", "follows": 0.5, "failed": {"s1_000": "no face was found"}, "shift": {"psnr": -2}},
    {"name": "truth", "follows": 0.95, "system": {"control": "reencoded"}},
    {"name": "still", "follows": 0.0, "system": {"control": "frozen"}},
)


def test_the_page_is_well_formed_and_loads_nothing(page):
    html = page(*KINDS)
    found = Page(html)
    assert len(found.ids) == len(set(found.ids))
    assert all(url.startswith(("data:", "#")) for url in found.urls)
    assert all(f"#{name}" in found.urls for name in ("scores", "clips", "provenance"))
    assert {url[1:] for url in found.urls if url.startswith("#") and not url.startswith("#g0-")} <= set(found.ids)
    assert not re.search(r"@import|url\((?!#)", html)


def test_the_only_script_is_the_one_whose_hash_the_policy_names(page):
    html = page(*KINDS)
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(attrs["content"] for tag, attrs in Page(html).tags if attrs.get("http-equiv"))
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_the_page_says_what_the_results_say(page, made):
    words = Page(page(*KINDS)).words
    metric = made(**KINDS[0]).metrics["mouth_correlation"]
    assert f"{metric.mean:.3f}" in words
    assert f"[{metric.low:.3f}, {metric.high:.3f}]" in words
    assert "gan follows the sound better than ddpm" in words
    assert "12 clips of 2 actors (s1 and s2), 600 frames, split test of grid128" in words
    assert "no face was found" in words
    assert "Pearson r of the mouth opening" in words
    assert "Controls" in words


def test_every_system_plays_every_chosen_clip(page):
    videos = [attrs for tag, attrs in Page(page(*KINDS)).tags if tag == "video"]
    assert len(videos) == 12
    assert all(attrs["src"].startswith("data:video/mp4;base64,") for attrs in videos)
    assert all("controls" in attrs and attrs["aria-label"] for attrs in videos)


def test_pictures_and_tables_can_be_heard(page):
    tags = Page(page(*KINDS)).tags
    assert all(attrs.get("alt") for tag, attrs in tags if tag == "img")
    assert all(attrs.get("scope") for tag, attrs in tags if tag == "th" and "colspan" not in attrs)
    assert all(
        attrs.get("aria-label") or attrs.get("aria-hidden")
        for tag, attrs in tags
        if tag == "svg" and not attrs.get("viewbox", "").startswith("0 0 360")
    )


def test_hostile_names_and_reasons_stay_text(page):
    kind = {
        "name": "a",
        "failed": {"s1_000": HOSTILE},
        "notes": [HOSTILE],
        "system": {"model": HOSTILE, "control": None},
    }
    html = page(kind, {"name": "b"}, names=[HOSTILE, '"><img src=x onerror=y>'])
    found = Page(html)
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert not any("onerror" in attrs for _, attrs in found.tags)
    assert HOSTILE in found.words


def test_a_missing_video_is_said_in_its_place(page):
    words = Page(page({"name": "gan", "media": False})).words
    assert re.search(r"s\d_\d{3}\.mp4 cannot be read \(no such file or directory\)", words)
    assert re.search(r"s\d_\d{3}\.png cannot be read", words)


def test_the_page_stays_within_its_weight(page):
    words = Page(page(*KINDS, limit=100)).words
    assert "would make this page heavier" in words


def test_without_reencoded_truth_the_page_says_why_it_cannot_be_played(page):
    assert "Truth itself cannot be played here" in Page(page({"name": "gan"})).words
    assert "Truth itself cannot be played here" not in Page(page(*KINDS)).words


def test_systems_of_different_size_never_share_a_table(page):
    html = page({"name": "small"}, {"name": "large", "system": {"size": 128}})
    tables = re.findall(r"<table.*?</table>", html, flags=re.DOTALL)
    assert tables
    assert not any("small" in table and "large" in table for table in tables)
    words = Page(html).words
    assert "64 × 64 pixels" in words
    assert "systems of different sizes are not ranked against each other" in words
    assert "large stands alone at this size" in words


def test_a_page_without_a_scored_clip_or_metric_is_still_a_page(page):
    failed = {f"s1_{number:03d}": "lost" for number in range(2)}
    words = Page(page({"name": "gan", "actors": 1, "clips": 2, "failed": failed})).words
    assert "gan has no scored clip to show" in words
    assert "0 of 2 clips scored, 2 failed" in words


def test_the_page_is_the_same_to_the_byte(page):
    assert page(*KINDS) == page.fresh(*KINDS)

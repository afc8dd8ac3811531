from __future__ import annotations

from viseme.report.account import account, alike, apart, cautions, lacking, origin, own, reference, shared_notes
from viseme.report.systems import by_size, load_systems


def load(written, *kinds):
    return load_systems({kind["name"]: written(**kind) for kind in kinds})


def test_failures_are_gathered_by_reason_with_every_clip_named(written):
    failed = {"s1_000": "no face", "s2_001": "too short", "s1_002": "no face"}
    missing = {"s2_003": {"csim": "no scale"}}
    found = account(load(written, {"name": "a", "failed": failed, "missing": missing})[0], [])
    assert (found.clips, found.scored, found.troubled) == (12, 9, True)
    assert [(reason.text, reason.clips) for reason in found.failed] == [
        ("no face", ("s1_000", "s1_002")),
        ("too short", ("s2_001",)),
    ]
    assert [reason.text for reason in found.missing] == ["CSIM (dlib): no scale"]


def test_a_whole_system_has_no_trouble(written):
    assert not account(load(written, {"name": "a", "notes": ["shared"]})[0], ["shared"]).troubled


def test_what_every_system_lacks_is_said_once(written):
    missing = {"s2_003": {"av_lag": "no training clips"}}
    more = {**missing, "s1_000": {"csim": "no scale"}}
    systems = load(written, {"name": "a", "missing": missing}, {"name": "b", "missing": more})
    found = [account(system, []) for system in systems]
    assert [reason.text for reason in lacking(found)] == ["AV lag (CCA): no training clips"]
    assert not own(found[0], lacking(found)).troubled
    assert [reason.text for reason in own(found[1], lacking(found)).missing] == ["CSIM (dlib): no scale"]
    assert lacking(found[:1]) == ()


def test_notes_of_all_systems_stand_apart_from_those_of_one(written):
    systems = load(written, {"name": "a", "notes": ["few actors"]}, {"name": "b", "notes": ["few actors", "lost one"]})
    assert shared_notes(systems) == ["few actors"]
    assert account(systems[1], shared_notes(systems)).notes == ("lost one",)


def test_what_makes_a_comparison_unfair_is_said(written):
    systems = load(
        written,
        {"name": "a", "failed": {"s1_000": "lost"}},
        {"name": "b", "system": {"leaking": True, "crf": 18}},
        {"name": "c", "system": {"size": 128}},
    )
    text = " ".join(cautions(by_size(systems)))
    assert "different sizes (64 × 64 and 128 × 128 pixels)" in text
    assert "Not every system has the same clips scored" in text
    assert "b was driven by the landmarks of the true video" in text
    assert "crf 12 and 18" in text


def test_a_fair_comparison_needs_no_caution(written):
    assert cautions(by_size(load(written, {"name": "a"}, {"name": "b"}))) == []


def test_origins_keep_everything_that_the_results_say(written):
    system = load(written, {"name": "a", "system": {"sampling": {"steps": 10, "eta": 0.0}, "odd_field": [1, 2]}})[0]
    entries = dict(origin(system).entries)
    assert entries["Model"] == "tiny_a"
    assert entries["Sampling"] == "steps 10, eta 0.0"
    assert entries["Odd field"] == "1, 2"
    assert entries["Seed"] == "0"
    assert entries["Machine"] == "Linux x86_64, 2 cores"
    assert entries["Results file"] == "a.json"
    assert "Control" not in entries


def test_what_all_systems_share_is_said_once(written):
    systems = load(written, {"name": "a"}, {"name": "b", "system": {"crf": 18}})
    origins = [origin(system) for system in systems]
    shared = dict(alike(origins))
    assert (shared["Python"], "H.264 crf" in shared, "Results file" in shared) == ("3.11.9", False, False)
    left = [dict(apart(found, origins).entries) for found in origins]
    assert [entries["H.264 crf"] for entries in left] == ["12", "18"]
    assert all("Python" not in entries for entries in left)
    assert alike(origins[:1]) == []


def test_the_reference_names_its_actors(written):
    (group,) = by_size(load(written, {"name": "a"}))
    assert dict(reference(group)) == {
        "Store": "grid128",
        "Fingerprint": "abababababababab…",
        "Split": "test",
        "Actors": "s1 and s2",
    }

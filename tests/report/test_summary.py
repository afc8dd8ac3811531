from __future__ import annotations

import re

import pytest

from viseme.report.summary import in_full, lead_metric, summary
from viseme.report.systems import by_size, load_systems


@pytest.fixture
def said(written):
    """The summary of systems of the given kinds, as one text."""

    def say(*kinds):
        (group,) = by_size(load_systems({kind["name"]: written(**kind) for kind in kinds}))
        return " ".join(sentence for paragraph in summary(group) for sentence in paragraph)

    return say


def test_the_better_follower_is_named_with_its_numbers(said):
    text = said({"name": "ddpm", "follows": 0.5}, {"name": "gan", "follows": 0.7, "shift": {"psnr": -3.0}})
    pattern = (
        r"gan follows the sound better than ddpm "
        r"\(mouth correlation 0\.\d{3} against 0\.\d{3}, difference \+0\.\d+ \[\+0\.\d+, \+0\.\d+\]\)\."
    )
    assert re.search(pattern, text)
    assert re.search(r"gan is also better in mouth correlation \(raw\)", text)
    assert re.search(r"ddpm is better in PSNR", text)
    assert re.search(r"no difference was shown in the other \d+ of 15 metrics\.", text)


def test_equal_followers_are_said_to_be_no_different(said):
    text = said({"name": "a", "metrics": ["mouth_correlation"]}, {"name": "b", "metrics": ["mouth_correlation"]})
    assert "No difference between a and b was shown in how well the lips follow the sound" in text
    assert "better" not in text


def test_the_means_are_over_the_clips_that_both_have(said):
    text = said({"name": "a", "follows": 0.7, "failed": {"s1_000": "lost"}}, {"name": "b", "follows": 0.3})
    assert "over the 11 clips that both have" in text


def test_a_model_that_ignores_the_sound_is_exposed_by_another_clips(said):
    own = {"name": "gan", "follows": 0.7}
    weights = {"model_sha256": b"gan".hex() + "0" * 58, "shuffled_audio": 3}
    listening = said(own, {"name": "gan shuffled", "follows": 0.2, "system": weights})
    assert re.search(r"gan listens: mouth correlation 0\.\d+ with its own sound, 0\.\d+ with another's", listening)
    deaf = said(own, {"name": "gan shuffled", "follows": 0.7, "system": weights})
    assert "Nothing here shows that gan listens" in deaf


def test_too_few_clips_are_given_as_the_reason(said):
    few = {"actors": 1, "clips": 4}
    text = said({"name": "a", "follows": 0.9, **few}, {"name": "b", "follows": 0.1, **few})
    assert re.search(
        r"No difference between a and b .* \[\+0\.\d+, \+0\.\d+\]; 4 clips are too few to show one\)", text
    )
    assert "too few" not in said({"name": "a", "follows": 0.9}, {"name": "b", "follows": 0.1})


def test_another_models_shuffled_sound_says_nothing_of_this_one(said):
    text = said({"name": "gan"}, {"name": "other", "follows": 0.1, "system": {"shuffled_audio": 3}})
    assert "listens" not in text


def test_a_metric_that_a_still_face_wins_is_called_weak(said):
    text = said({"name": "gan"}, {"name": "frozen", "shift": {"psnr": 5.0}, "system": {"control": "frozen"}})
    assert re.search(r"The control frozen is better than gan in PSNR.*says? little by", text)


def test_truth_encoded_again_is_no_rival(said):
    text = said({"name": "gan"}, {"name": "truth", "follows": 1.0, "system": {"control": "reencoded"}})
    assert text.startswith("gan: mouth correlation 0.")
    assert "truth" not in text


def test_driving_by_truths_landmarks_is_said_where_the_system_is_named(said):
    text = said({"name": "leak", "follows": 0.9, "system": {"leaking": True}}, {"name": "gan", "follows": 0.5})
    assert "leak (driven by truth's landmarks) follows the sound better than gan" in text


def test_another_metric_leads_where_the_mouth_was_not_measured(written, said):
    (group,) = by_size(load_systems({"a": written(metrics=["mean_curve_raw", "ssim", "psnr"])}))
    assert lead_metric(group) == "ssim"
    kinds = [{"name": name, "metrics": ["psnr"], "shift": {"psnr": up}} for name, up in (("a", 0.0), ("b", 4.0))]
    assert said(*kinds).startswith("b is better in PSNR than a (PSNR 31.")


def test_controls_alone_are_no_comparison(said):
    assert said({"name": "still", "system": {"control": "frozen"}}) == (
        "Only controls are shown here: no system is under test."
    )


def test_systems_of_which_one_lacks_the_mouth_are_still_named(said):
    text = said({"name": "a", "shift": {"psnr": 9.0}}, {"name": "b", "metrics": ["psnr", "ssim"]})
    assert text == "a is better in PSNR; no difference between a and b was shown in SSIM."


def test_systems_without_a_common_clip_are_said_to_be_incomparable(said):
    ids = [f"s{number % 2 + 1}_{number:03d}" for number in range(12)]
    text = said(
        {"name": "a", "failed": dict.fromkeys(ids[:6], "lost")}, {"name": "b", "failed": dict.fromkeys(ids[6:], "lost")}
    )
    assert "a and b share no clip with a metric" in text


def test_what_was_done_to_truth_is_laid_to_the_metrics_that_see_it(said):
    truth = {"name": "truth", "system": {"control": "reencoded"}}
    blurred = {"name": "soft", "system": {"control": "blurred:1.0"}, "shift": {"sharpness": -120.0, "psnr": -4.0}}
    shifted = {"name": "late", "system": {"control": "shifted:5"}}
    kinds = [{**kind, "follows": 0.95, "metrics": ["psnr", "ssim", "sharpness"]} for kind in (truth, blurred, shifted)]
    text = said({"name": "gan", "metrics": ["psnr", "ssim", "sharpness"]}, *kinds)
    assert "What sets soft apart from truth is seen by PSNR and sharpness, and by no other." in text
    assert "What sets late apart from truth is seen by no metric." in text
    assert "The control soft is better" not in text
    assert "What sets" not in said({"name": "gan"}, blurred)  # nothing to hold it against


def test_long_lists_are_counted_and_named_in_full_apart(written):
    better = {"psnr": -3.0, "ssim": -0.3, "lmd": 3.0, "mouth_lmd": 3.0, "csim": -0.5}
    (group,) = by_size(load_systems({"a": written(name="a"), "b": written(name="b", shift=better)}))
    short = " ".join(sentence for paragraph in summary(group) for sentence in paragraph)
    full = " ".join(sentence for paragraph in in_full(group) for sentence in paragraph)
    counts = re.search(r"PSNR, SSIM, LMD and (\d+) more metrics.* shown in the other (\d+) of 15 metrics\.", short)
    assert sum(map(int, counts.groups())) <= 11
    assert "csim" not in short.lower()
    assert "a is better in PSNR, SSIM, LMD, mouth LMD, CSIM (dlib)" in full.replace(" and CSIM", ", CSIM")
    assert "more metrics" not in full
    assert "the other" not in full


def test_a_summary_that_names_all_has_no_longer_form(written):
    files = {name: written(name=name, metrics=["mouth_correlation", "psnr"]) for name in ("a", "b")}
    (group,) = by_size(load_systems(files))
    assert in_full(group) == []

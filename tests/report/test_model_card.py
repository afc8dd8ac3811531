from __future__ import annotations

import re

import pytest
import yaml

from viseme.report.model_card import ClipScore, Validation, model_card

CONFIG = {"kind": "gan", "name": "tiny_gan", "data": {"size": 64}, "model": {"width": 32}, "training": {"steps": 2000}}
TRAINING = {
    "corpus": "A made-up corpus", "licence": "CC BY 4.0", "actors": ["s1", "s2"], "clips": 190, "frames": 14_000,
    "steps": 2000, "seconds": 1800.0, "machine": "2 cores", "parameters": 4_900_000, "model_sha256": "ab" * 32,
}  # fmt: skip


@pytest.fixture
def results(written):
    return {
        "tiny_gan": written(name="gan", follows=0.7),
        "frozen": written(name="frozen", follows=0.0, system={"control": "frozen"}),
    }


def test_the_card_says_what_the_model_is_and_where_it_came_from(results):
    card = model_card(CONFIG, TRAINING, results)
    assert card.startswith("# tiny\\_gan\n")
    assert "A conditional generative adversarial network" in card
    assert "64 × 64 pixels" in card
    assert "4\u202f900\u202f000 parameters" in card
    assert "A made-up corpus; 2 actors (s1 and s2), 190 clips" in card
    assert "2\u202f000 steps, 30 minutes, on 2 cores" in card


def test_the_landmark_licence_is_never_left_out(results):
    for training in (TRAINING, {}):
        card = " ".join(model_card(CONFIG, training, results).split())
        assert "iBUG 300-W. The licence of 300-W excludes commercial use" in card


def test_the_scores_stand_beside_the_controls(results):
    card = model_card(CONFIG, TRAINING, results)
    header = next(line for line in card.split("\n") if line.startswith("| Metric"))
    assert header == r"| Metric | Truth | tiny\_gan | frozen (control) |"
    assert "| Mouth correlation ↑ |" in card
    assert "12 clips of 2 actors" in card


def test_the_configuration_can_be_read_back_from_the_card(results):
    block = model_card(CONFIG, TRAINING, results).split("~~~yaml\n")[1].split("\n~~~")[0]
    assert yaml.safe_load(block) == CONFIG


def test_what_is_not_known_is_said_to_be_unknown():
    card = model_card(CONFIG, {}, {})
    assert "Steps, time and machine were not recorded." in card
    assert "Data: not recorded" in card
    assert "Not measured." in card
    assert not re.search(r"\bNone\b[^ ]|undefined|nan\b", card)


def test_validation_has_intervals_where_the_clips_are_enough():
    clips = tuple(ClipScore(f"s{n % 2}", 49, {"psnr": 20.0 + n, "l1": 0.01 * n}) for n in range(6))
    card = model_card(CONFIG, TRAINING, {}, Validation(2000, clips, {"loss": 0.123456}))
    assert "at step 2\u202f000" in card
    assert "6 clips of 2 actors, 294 frames:" in card
    (row,) = [line for line in card.split("\n") if line.startswith("| PSNR (dB)")]
    _, _, mean, ends, count, _ = (part.strip() for part in row.split("|"))
    low, high = (float(end) for end in ends.strip("[]").split(","))
    assert (mean, count) == ("22.50", "6")
    assert 20 <= low < 22.5 < high <= 25
    assert "| `loss` | 0.1235 |" in card
    few = model_card(CONFIG, TRAINING, {}, Validation(2000, clips[:2], {}))
    assert "| PSNR (dB) | 20.50 | none | 2 |" in few
    assert "fewer than 6: too few for an interval" in few


def test_without_validation_nothing_is_said_of_it():
    assert "## Validation" not in model_card(CONFIG, TRAINING, {})


def test_weights_that_it_began_from_are_named():
    assert "It began from the weights of tiny\\_gan" in model_card(CONFIG, {**TRAINING, "began_from": "tiny_gan"}, {})


def test_few_actors_and_failures_are_limits(results, written):
    card = " ".join(model_card(CONFIG, TRAINING, results).split())
    assert "It has learned from 2 actors (s1 and s2)" in card
    failing = written(name="lost", failed={"s1_000": "no face"})
    assert "- lost failed on 1 of 12 clips." in model_card(CONFIG, TRAINING, {"lost": failing})


def test_landmarks_from_truth_are_admitted():
    card = " ".join(model_card({**CONFIG, "model": {"landmarks": True}}, {}, {}).split())
    assert "it has been shown part of the answer" in card


def test_long_training_is_told_in_hours_and_short_in_seconds():
    assert "2.5 hours" in model_card(CONFIG, {"seconds": 9000}, {})
    assert ", 12 seconds," in model_card(CONFIG, {"seconds": 12.3}, {})

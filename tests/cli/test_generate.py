"""`viseme generate` from the command line: a photo and a voice, a split, controls, bad input."""

from __future__ import annotations

import json

import pytest

from viseme.data.video import read_video


@pytest.mark.parametrize("kind", ["gan", "ddpm"])
def test_a_photo_and_a_voice(cli, runs, portrait, voice, tmp_path, kind):
    out = tmp_path / "talk.mp4"
    outcome = cli("generate", runs[kind], "--image", portrait, "--audio", voice, "--out", out)
    assert outcome.code == 0
    assert outcome.out.startswith(f"{out}: 25 frames")
    assert read_video(out).shape == (25, 64, 64, 3)
    facts = json.loads(cli("inspect", out, "--json").out)["facts"]
    assert facts["provenance ai_generated"] is True
    assert facts["provenance model"] == f"tiny_{kind}"


@pytest.fixture(scope="module")
def driven(store, tmp_path_factory):
    """A barely trained model that landmarks drive, with a regressor."""
    import viseme

    run = tmp_path_factory.mktemp("driven") / "run"
    small = ("training.steps=1", "training.batch_size=2", "training.rollout_clips=0", "training.precision=32-true")
    viseme.train("tiny_ddpm_landmarks", store, run, overrides=[*small, "model.base=8", "model.blocks=1"])
    return run


def test_landmarks_of_a_photo(cli, driven, corpus, portrait, voice, tmp_path):
    video = sorted(corpus.rglob("*.mp4"))[0]
    arguments = ("generate", driven, "--image", portrait, "--audio", voice, "--steps", 1, "--out")
    for name, asked in (("default", ()), ("sound", ("--landmarks", "sound")), ("video", ("--landmarks", video))):
        assert cli(*arguments, tmp_path / f"{name}.mp4", *asked).code == 0
    made = {path.stem: path.read_bytes() for path in tmp_path.glob("*.mp4")}
    assert made["default"] == made["sound"]
    for asked, says in (("./sound", "no such file"), ("truth", "no true landmarks"), ("none.csv", "none.csv")):
        outcome = cli(*arguments, tmp_path / "no.mp4", "--landmarks", asked)
        assert outcome.code == 2
        assert says in outcome.line


def test_landmarks_of_a_split(cli, driven, runs, store, tmp_path):
    arguments = ("generate", driven, "--data", store, "--limit", 1, "--steps", 1)
    for name, asked, leaks in (("a", (), False), ("b", ("--landmarks", "truth"), True)):
        assert cli(*arguments, "--out", tmp_path / name, *asked).code == 0
        assert json.loads((tmp_path / name / "manifest.json").read_text())["system"]["leaking"] is leaks
    outcome = cli(*arguments, "--out", tmp_path / "c", "--landmarks", "points.npy")
    assert outcome.code == 2
    assert "ask for sound or truth" in outcome.line
    outcome = cli("generate", runs["ddpm"], "--data", store, "--out", tmp_path / "c", "--landmarks", "sound")
    assert outcome.code == 2
    assert "not driven by landmarks" in outcome.line


def test_a_weights_file_serves_as_its_run(cli, runs, portrait, voice, tmp_path):
    for name, model in (("a.mp4", runs["gan"]), ("b.mp4", runs["gan"] / "model.safetensors")):
        assert cli("generate", model, "--image", portrait, "--audio", voice, "--out", tmp_path / name).code == 0
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_steps_is_short_for_sampling_steps(cli, runs, store, tmp_path):
    arguments = ("generate", runs["ddpm"], "--data", store, "--limit", 1)
    assert cli(*arguments, "--out", tmp_path / "a", "--steps", 3).code == 0
    assert cli(*arguments, "--out", tmp_path / "b", "--set", "sampling.steps=3").code == 0
    told = [json.loads((tmp_path / name / "manifest.json").read_text()) for name in "ab"]
    assert told[0]["system"] == told[1]["system"]
    assert told[0]["system"]["sampling"]["steps"] == 3


def test_a_split_with_shuffled_audio(cli, runs, store, tmp_path):
    outcome = cli("generate", runs["gan"], "--data", store, "--out", tmp_path / "v", "--shuffle-audio", 5)
    assert outcome.code == 0
    assert outcome.out.startswith(f"{tmp_path / 'v'}: 3 videos of 3")
    clips = json.loads((tmp_path / "v" / "manifest.json").read_text())["clips"]
    assert all(clip["audio_from"] != clip["clip_id"] for clip in clips)


def test_a_clip_that_fails_is_named_and_1(cli, corpus, tmp_path):
    store = tmp_path / "store"
    prepared = cli("prepare", "folder", corpus / "a000", store, "--size", 64, "--jobs", 1, "--test-actors", "a000")
    assert prepared.code == 0
    split = json.loads(cli("inspect", store, "--json").out)["splits"]
    assert [row["split"] for row in split] == ["test"]
    victim = next((tmp_path / "store").rglob("*.safetensors"))
    data = bytearray(victim.read_bytes())
    header = int.from_bytes(data[:8], "little")
    victim.write_bytes(bytes(data[: header + 1000]))
    outcome = cli("generate", "control:frozen", "--data", store, "--out", tmp_path / "v")
    assert outcome.code in (1, 2)
    assert victim.name in outcome.line or "clips failed" in outcome.line


@pytest.mark.parametrize("name", ["frozen", "reencoded", "shifted:3"])
def test_controls(cli, store, tmp_path, name):
    outcome = cli("generate", f"control:{name}", "--data", store, "--out", tmp_path / "v", "--size", 32, "--limit", 1)
    assert outcome.code == 0
    manifest = json.loads((tmp_path / "v" / "manifest.json").read_text())
    assert manifest["system"]["control"] == name
    assert manifest["system"]["size"] == 32


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--data STORE"),
        (["--image", "PORTRAIT"], "--data STORE"),
        (["--image", "PORTRAIT", "--audio", "VOICE", "--limit", "2"], "--limit"),
        (["--image", "PORTRAIT", "--data", "STORE"], "--image"),
        (["--image", "nowhere.png", "--audio", "VOICE"], "nowhere.png"),
        (["--image", "PORTRAIT", "--audio", "nowhere.wav"], "nowhere.wav"),
        (["--image", "TEXT", "--audio", "VOICE"], "text.mp4"),
        (["--image", "BLANK", "--audio", "VOICE"], "face"),
        (["--image", "PORTRAIT", "--audio", "TEXT"], "text.mp4"),
        (["--image", "PORTRAIT", "--audio", "VOICE", "--set", "sampling.nois=1"], "sampling.noise"),
        (["--image", "PORTRAIT", "--audio", "VOICE", "--steps", "5"], "sampling.steps"),
        (["--data", "nowhere"], "not a store"),
        (["--data", "STORE", "--split", "tset"], "tset"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_video(
    cli, runs, portrait, voice, store, tmp_path, monkeypatch, arguments, says
):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    text, blank = tmp_path / "text.mp4", tmp_path / "blank.png"
    text.write_text("neither a photo nor a sound")
    Image.new("RGB", (200, 200), "white").save(blank)
    places = {"PORTRAIT": portrait, "VOICE": voice, "STORE": store, "TEXT": text, "BLANK": blank}
    outcome = cli("generate", runs["gan"], "--out", "talk.mp4", *(places.get(one, one) for one in arguments))
    assert outcome.code == 2
    assert says in outcome.line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blank.png", "text.mp4"]


@pytest.mark.parametrize(
    ("model", "says"),
    [("nowhere", "no such model"), ("nowhere.safetensors", "no such file"), ("control:frozne", "frozen")],
)
def test_unknown_models(cli, store, tmp_path, model, says):
    outcome = cli("generate", model, "--data", store, "--out", tmp_path / "v")
    assert outcome.code == 2
    assert says in outcome.line


def test_a_control_needs_a_store(cli, portrait, voice, tmp_path):
    outcome = cli("generate", "control:frozen", "--image", portrait, "--audio", voice, "--out", tmp_path / "t.mp4")
    assert outcome.code == 2
    assert "store" in outcome.line


def test_other_videos_in_the_folder_are_left_alone(cli, runs, store, tmp_path):
    arguments = ("generate", "control:frozen", "--data", store, "--out", tmp_path / "v", "--limit", 1)
    assert cli(*arguments).code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "v").iterdir()}
    outcome = cli("generate", runs["gan"], "--data", store, "--out", tmp_path / "v", "--limit", 1)
    assert outcome.code == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "v").iterdir()} == before

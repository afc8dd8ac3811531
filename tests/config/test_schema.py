"""What single fields cannot say: which of them go together."""

import pytest

from viseme.config import load_config
from viseme.config.diffusion import DdpmConfig
from viseme.config.gan import GanConfig
from viseme.errors import ConfigError


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["diffusion.zero_terminal_snr=true"], "set prediction to v or x0"),
        (["diffusion.residual=true"], "set it false"),
        (["sampling.sampler=ddpm", "sampling.eta=0.5"], "set eta to 0"),
        (["sampling.sampler=dpmpp_2m", "sampling.eta=1"], "set eta to 0"),
        (["sampling.sampler=heun"], "sampling.sampler"),
        (["diffusion.schedule=sigmoid"], "diffusion.schedule"),
        (["sampling.spacing=karras"], "sampling.spacing"),
        (["model.attention=[4]"], "choose 0 to 3"),
        (["model.attention=[-1]"], "model.attention"),
        (["model.heads=5"], "heads=5 does not divide the 768 channels"),
        (["model.multipliers=[]"], "model.multipliers"),
        (["sampling.steps=251"], "sampling.steps=251: diffusion.steps is 250; choose 1 to 250"),
        (["diffusion.steps=20"], "sampling.steps=50: diffusion.steps is 20; choose 1 to 20"),
        (["motion.own_steps=300"], "motion.own_steps=300: diffusion.steps is 250; choose 1 to 250"),
        (["motion.own=0.5"], "data.window is 1; set it to 2"),
        (["motion.own=1.5"], "motion.own"),
        (["data.motion_frames=0"], "data.motion_frames"),
        (["sampling.motion=identity", "sampling.anchor_every=8"], "set motion to previous"),
        (["sampling.motion=identity", "sampling.motion_noise=0.1"], "set motion to previous"),
        (["sampling.motion=previous", "sampling.motion_noise=0.4"], "training knew up to motion.noise=0.0"),
        (["sampling.motion=identity", "sampling.anchor_colour=true"], "set motion to previous"),
        (["diffusion.detail=2", "diffusion.prediction=v"], "detail=2 spares noise, and v is predicted; set it to 1"),
        (["diffusion.detail=3"], "data.size=64 does not divide by diffusion.detail=3"),
        (["diffusion.shift=0"], "diffusion.shift: input should be greater than 0"),
        (["data.size=100"], "data.size=100 does not divide by 8"),
    ],
)
def test_fields_that_do_not_go_together_are_one_clear_line(overrides: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("ddpm_64", overrides)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gan_has_no_motion_frames() -> None:
    with pytest.raises(ConfigError, match="a GAN remembers in its LSTM and sees none; set it to 1"):
        load_config("tiny_gan", ["data.motion_frames=2"])


@pytest.mark.parametrize("prediction", ["v", "x0"])
def test_what_still_tells_x0_goes_with_no_signal_at_all(prediction: str) -> None:
    config = load_config("ddpm_64", ["diffusion.zero_terminal_snr=true", f"diffusion.prediction={prediction}"])
    assert isinstance(config, DdpmConfig)
    assert config.diffusion.zero_terminal_snr


def test_the_papers_presets_differ_from_the_defaults_only_where_the_paper_or_a_note_says() -> None:
    """The defaults are the paper's too; a preset writes them out."""
    config, plain = load_config("ddpm_64"), DdpmConfig()
    assert isinstance(config, DdpmConfig)
    assert config.diffusion == plain.diffusion
    assert config.loss == plain.loss
    assert config.motion == plain.motion
    assert config.sampling == plain.sampling
    assert config.model == plain.model.model_copy(update={"dropout": 0.1})


def test_the_model_with_landmarks_is_the_one_without_and_landmarks() -> None:
    without, with_them = (load_config(f"ddpm_128{suffix}") for suffix in ("", "_landmarks"))
    assert isinstance(without, DdpmConfig)
    assert isinstance(with_them, DdpmConfig)
    changed = without.model_copy(
        update={
            "name": "ddpm_128_landmarks",
            "model": without.model.model_copy(update={"landmarks": True}),
            "regressor": with_them.regressor,
        }
    )
    assert (without.regressor.width, with_them.regressor.width) == (0, 256)
    assert changed == with_them
    assert (without.model.multipliers, without.model.blocks, without.model.heads) == ((1, 1, 2, 3, 4), 2, 4)


BOTH = ["conditioning.drop_audio=0.1", "conditioning.drop_landmarks=0.1"]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["conditioning.drop_audio=1.1"], "conditioning.drop_audio"),
        (["conditioning.drop_audio=1"], "never shows audio"),
        (["conditioning.drop_landmarks=0.1", "model.landmarks=false"], "model.landmarks is false"),
        (["sampling.guidance_audio=2"], "guidance_audio needs a model trained without audio, too"),
        (["sampling.guidance_landmarks=0"], "conditioning.drop_landmarks is 0"),
        (["sampling.guidance_audio=-1"], "sampling.guidance_audio"),
        (["sampling.without=[landmarks]"], "without=landmarks needs a model trained without landmarks, too"),
        (["sampling.without=[identity]"], "sampling.without"),
        ([*BOTH, "sampling.without=[audio]", "sampling.guidance_audio=2"], "set it to 1"),
        (["model.fusion=add"], "model.fusion"),
        (
            ["model.fusion=token", "model.base=4", "model.heads=8", "model.multipliers=[1,1,2]"],
            "the 4 channels of resolution 1",
        ),
        (["loss.lip=-0.2"], "loss.lip"),
    ],
)
def test_signals_that_do_not_go_together_are_one_clear_line(overrides: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("ddpm_128_landmarks", overrides)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["model.warp=true"], "set it to skip"),
        (["model.backbone=none", "model.backbone_tuned=true"], "set model.backbone"),
        (["model.pose=true"], "model.pose moves the photo as model.warp does"),
        (
            ["model.pose=true", "model.identity=skip", "model.warp=true", "data.warmup=0", "data.window=6"],
            "set data.warmup to 6",
        ),
        (["loss.r1=1", "training.compile=true"], "training.compile"),
        (["loss.kind=wasserstein"], "loss.kind"),
        (["model.backbone=vgg"], "model.backbone"),
        (["discriminator.augment=2"], "discriminator.augment"),
        (["model.noise_memory=-1"], "model.noise_memory"),
        (["loss.r1_every=0"], "loss.r1_every"),
    ],
)
def test_a_gans_fields_that_do_not_go_together_are_one_clear_line(overrides: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("gan_64", overrides)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_was_learned_to_be_left_out_may_be() -> None:
    more = ["sampling.guidance_audio=2", "sampling.guidance_landmarks=0.5"]
    config = load_config("ddpm_128_landmarks", [*BOTH, *more])
    assert isinstance(config, DdpmConfig)
    assert config.sampling.guidance == {"audio": 2.0, "landmarks": 0.5}
    alone = load_config("ddpm_128_landmarks", [*BOTH, "conditioning.drop_audio=1", "sampling.without=[audio]"])
    assert isinstance(alone, DdpmConfig)
    assert alone.sampling.without == ("audio",)


def test_the_papers_gan_at_128_is_that_at_64_but_for_its_size() -> None:
    small, large = load_config("gan_64"), load_config("gan_128")
    changed = small.model_copy(update={"name": "gan_128", "data": small.data.model_copy(update={"size": 128})})
    assert changed == large


@pytest.mark.parametrize("size", [64, 128])
def test_the_papers_gan_has_none_of_the_switches_that_cure_it(size: int) -> None:
    config = load_config(f"gan_{size}")
    assert isinstance(config, GanConfig)
    assert (config.model.identity, config.model.backbone, config.model.decoder) == ("vector", "resnet18", "plain")
    assert (config.loss.kind, config.loss.mouth_weight, config.loss.r1) == ("bce", 1.0, 0.0)
    judge = config.discriminator
    assert (judge.steps, judge.spectral_norm, judge.augment, judge.mouth) == (1, False, 0.0, False)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["data.backgrounds=pictures"], "data: backgrounds are never shown while background is 0"),
        (["data.background=1.5"], "data.background"),
        (["data.rotation=-3"], "data.rotation"),
        (["data.scale=2"], "data.scale"),
        (["data.shift=0.6"], "data.shift"),
    ],
)
def test_augmentations_out_of_range_are_one_clear_line(overrides: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("tiny_gan", overrides)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)

"""The steps of study `paper`: train, choose by validation loss, sample, score, draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from viseme.config import Config, GanConfig, load_config
from viseme.config.schema import to_dict
from viseme.errors import ConfigError
from viseme.parts import PARTS
from viseme.studies.paper.size import PaperSize
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, rollout_steps

COUNTS = (20, 50, 100)
"""Denoising steps of the paper's Table 5; it elects the 50."""
CHOSEN = "ddpm_50"
SPLIT = "test"
LOOKS, VALIDATIONS = 40, 8
"""How often a training is logged and validated, unless its preset looks oftener."""
CONTROL_CLIPS, CONTROL_FRAMES = 2, 3
"""Of the frames with one signal alone: the paper shows two."""
METRICS = (
    *("ofm", "f_mse", "sync_offset", "sync_confidence", "sharpness", "brightness", "csim", "psnr", "frechet_lite0"),
)
FID, SYNCNET = ("fid",), ("av_offset", "lse_c")
PRESETS = {"gan": "gan_128", "ddpm": "ddpm_64", "finetune": "ddpm_64", "landmarks": "ddpm_128_landmarks"}
"""Run -> the paper's preset. The fine-tuned run has the base model's network and weights, and the larger pictures."""


def steps(scale: Scale, seed: int, overrides: Sequence[str]) -> list[Step]:
    """The plan: four trainings, five rollouts and three more for one signal at a time, their scores, one page."""
    size = scale.paper
    fields = {run: _fields(run, size, seed, overrides) for run in PRESETS}
    plan = [
        _clips("small", size.clips, size.small, size.frames),
        _clips("large", size.clips, size.large, size.frames),
        *(_train(run, fields[run]) for run in PRESETS),
    ]
    begun = {"preset": PRESETS["finetune"], "data": "<data>", "overrides": fields["finetune"]}
    start = "viseme.studies.paper.starting.write_losses"
    plan.append(Step("losses/finetune", start, "losses/finetune.json", begun, parts=_parts("finetune", fields)))
    plan += _rollout("gan", "gan", "large", seed)
    plan += _scores("gan_small", "<generate/gan>", "<clips/small>", resample=True)
    for count in COUNTS:
        plan += _rollout(f"ddpm_{count}", "ddpm", "small", seed, overrides=[f"sampling.steps={count}"])
    fifty = {"overrides": ["sampling.steps=50"], "landmarks": "truth"}
    plan += _rollout("landmarks", "landmarks", "large", seed, **fifty)
    plan += _control(size, seed, fifty)
    made = {step.name: f"<{step.name}>" for step in plan}
    arguments = {"data": "<data>", "made": made, "scale": {"small": size.small, "large": size.large}}
    page = "viseme.studies.paper.page.draw"
    return [*plan, Step("page", page, "index.html", arguments, gathers=True, reasons=True)]


def _clips(name: str, clips: int, size: int, frames: int) -> Step:
    some = {"data": "<data>", "split": SPLIT, "clips": clips, "size": size, "frames": frames}
    return Step(f"clips/{name}", "viseme.studies.stores.few_clips", f"stores/{name}", some)


def _train(run: str, fields: list[str]) -> Step:
    arguments: dict[str, Any] = {"preset": PRESETS[run], "data": "<data>", "overrides": fields, "resume": True}
    return Step(f"train/{run}", "viseme.train", f"runs/{run}", arguments, parts=_parts(run, {run: fields}))


def _fields(run: str, size: PaperSize, seed: int, overrides: Sequence[str]) -> list[str]:
    """What a run changes of its preset; half as many steps, from the base model's weights, where it is fine-tuned."""
    preset, own = PRESETS[run], size.gan if run == "gan" else size.ddpm
    asked = [*own, *_taken(preset, overrides), f"data.size={size.small if run == 'ddpm' else size.large}"]
    training = load_config(preset, asked).training
    carried, total = run == "finetune", training.steps
    if carried:
        total = max(1, total // 2)
        asked += [f"training.steps={total}", 'training.init="<train/ddpm>/best.safetensors"']
    return [
        *asked,
        f"training.log_every={min(training.log_every, max(1, total // LOOKS))}",
        f"training.validate_every={min(training.validate_every, max(1, total // VALIDATIONS))}",
        *("training.rollout_clips=0", f"training.seed={seed}"),
    ]


def _taken(preset: str, overrides: Sequence[str]) -> list[str]:
    """The overrides whose field the preset has; one that no preset of the study has is refused."""
    for override in overrides:
        if override.partition("=")[0].strip() == "data.size":
            raise ConfigError("--set data.size: study paper compares two sizes, which its scale sets; leave it out")
        if not any(_has(load_config(other), override) for other in PRESETS.values()):
            load_config(PRESETS["landmarks"], [override])
    return [override for override in overrides if _has(load_config(preset), override)]


def _has(config: Config, override: str) -> bool:
    place: Any = to_dict(config)
    for name in override.partition("=")[0].strip().split("."):
        if not isinstance(place, dict) or name not in place:
            return False
        place = place[name]
    return True


def _parts(run: str, fields: dict[str, list[str]]) -> tuple[str, ...]:
    """The pretrained parts that a run reads sound and photo with."""
    config = load_config(PRESETS[run], fields[run])
    heard = config.audio.kind if not config.audio.checkpoint else ""
    seen = config.model.backbone if isinstance(config, GanConfig) else ""
    return tuple(part for part in (heard, seen) if part in PARTS)


def _rollout(name: str, run: str, clips: str, seed: int, **more: Any) -> list[Step]:
    """Videos by a run's best weights, and their scores."""
    model, store = f"<train/{run}>/best.safetensors", f"<clips/{clips}>"
    made, _ = rollout_steps(name, model, store, seed, SPLIT, METRICS, **more)
    return [made, *_scores(name, f"<generate/{name}>", store)]


def _scores(name: str, videos: str, store: str, **more: Any) -> list[Step]:
    """What is scored without a download, and by FID's and SyncNet's networks where they are here."""
    asked = {"videos": videos, "reference": store, "jobs": 1, **more}
    return [
        Step(f"{kind}/{name}", "viseme.evaluate", f"results/{kind}/{name}.json", {**asked, "metrics": list(m)}, parts=p)
        for kind, m, p in (
            ("evaluate", METRICS, ()),
            ("fid", FID, ("fid-inception",)),
            ("syncnet", SYNCNET, ("syncnet",)),
        )
    ]


def _control(size: PaperSize, seed: int, sampling: dict[str, Any]) -> list[Step]:
    """Frames with both signals and with either alone: the other stands still, as the network never did without it."""
    model = "<train/landmarks>/best.safetensors"
    stores = {"both": "control", "only_audio": "no_landmarks", "only_landmarks": "no_audio"}
    plan = [_clips("control", min(size.clips, CONTROL_CLIPS), size.large, min(size.frames, CONTROL_FRAMES))]
    for signal in ("audio", "landmarks"):
        taken = {"data": "<clips/control>", "signal": signal}
        plan.append(Step(f"clips/no_{signal}", "viseme.studies.stores.without", f"stores/no_{signal}", taken))
    for name, clips in stores.items():
        plan.append(rollout_steps(name, model, f"<clips/{clips}>", seed, SPLIT, METRICS, **sampling)[0])
    videos = {name: f"<generate/{name}>" for name in stores}
    influence = "viseme.studies.influence.write_influence"
    return [*plan, Step("influence", influence, "influence.json", {**videos, "data": "<clips/control>"})]

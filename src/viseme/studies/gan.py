"""`viseme study gan`: what keeps a discriminator from winning, an error from turning, a face from standing still.

The paper's discriminator dominates, its generator's error turns, and mouths are all that moves (sections 4.1 and 5.1).
Its network, with two other learning rates, is set against the stable preset, and each switch of that one is thrown back
alone. What a page says of them is in `gan_words`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from viseme.config import load_config
from viseme.config.gan import GanConfig
from viseme.errors import ConfigError
from viseme.evaluation.results import Results
from viseme.report.wording import counted, listed
from viseme.studies import gan_words as words
from viseme.studies.course import Course, read_course
from viseme.studies.figures import Drawing
from viseme.studies.gan_words import METRICS, PAPER, STABLE
from viseme.studies.measures import Beside, dots, loaded, scored, table
from viseme.studies.page import Finding, write_page
from viseme.studies.panels import Curve, Curves, Dot, Dots
from viseme.studies.plan import Step
from viseme.studies.scale import Scale, rollout_steps, run_step
from viseme.training.history import Curve as Logged

WITHOUT_DOWNLOADS = ("audio.kind=mel", "model.backbone=lite0")
"""The paper's network on inputs that come with packages."""
LOOKS, VALIDATIONS = 40, 8
"""How often a training is logged and validated, unless it is so long that its preset looks oftener."""
FRAMES = 101
"""Of a rollout, at most."""

Rates = Callable[[float, float], tuple[float, float]]
"""Learning rates of generator and discriminator, from those that the arm would have."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One model: a preset with what is changed of it.

    Attributes:
        preset: `gan_64` or `gan_64_stable`.
        fields: the switch.
        rates: changes the learning rates.
    """

    title: str
    preset: str = "gan_64_stable"
    fields: tuple[str, ...] = ()
    rates: Rates | None = None


ARMS: Mapping[str, Arm] = {
    "paper": Arm(PAPER, "gan_64"),
    "paper_slow": Arm("paper: slower discriminator", "gan_64", rates=lambda g, d: (g, d / 4)),
    "paper_fast": Arm("paper: faster generator", "gan_64", rates=lambda g, d: (4 * g, d)),
    "stable": Arm(STABLE),
    "no_r1": Arm("no R1", fields=("loss.r1=0", "discriminator.spectral_norm=false")),
    "no_detail": Arm("no photo detail", fields=("model.identity=vector", "model.warp=false", "model.pose=false")),
    "no_pose": Arm("no pose", fields=("model.pose=false",)),
    "no_memory": Arm("one noise vector a clip", fields=("model.noise_memory=1",)),
    "no_augment": Arm("no augmented views", fields=("discriminator.augment=0",)),
    "no_mouth": Arm("no mouth judge", fields=("discriminator.mouth=false",)),
    "hinge": Arm("hinge for BCE", fields=("loss.kind=hinge",)),
    "one_rate": Arm("one learning rate", rates=lambda g, _d: (g, g)),
    "no_ema": Arm("no EMA", fields=("training.ema=0",)),
}
TITLES: Mapping[str, str] = {name: arm.title for name, arm in ARMS.items()}
CONTROLS: Mapping[str, str] = {"frozen": words.FROZEN, "reencoded": words.REENCODED}
PAPERS = tuple(arm.title for arm in ARMS.values() if arm.preset == "gan_64")
COLOURS = dict.fromkeys(PAPERS, "system2") | dict.fromkeys(CONTROLS.values(), "truth")
"""Of titles; all others are `system0`."""


def steps(scale: Scale, seed: int, overrides: Sequence[str]) -> list[Step]:
    """The plan: a model an arm, a rollout of each and of two controls, one page."""
    plan, size = [], 0
    for name, arm in ARMS.items():
        fields, config = _fields(arm, scale, seed, overrides)
        size = config.data.size
        plan.append(run_step(name, arm.preset, fields))
    some = {"split": "val", "clips": 2 * scale.clips, "size": size, "frames": min(FRAMES, scale.frames)}
    plan.insert(0, Step("clips", "viseme.studies.stores.few_clips", "store", {"data": "<data>", **some}))
    for name in ARMS:
        plan += rollout_steps(name, f"<train/{name}>", "<clips>", seed, "val", METRICS)
    for name in CONTROLS:
        plan += rollout_steps(name, f"control:{name}", "<clips>", seed, "val", METRICS, size=size)
    arguments = {
        "results": {name: f"<evaluate/{name}>" for name in (*ARMS, *CONTROLS)},
        "runs": {name: f"<train/{name}>" for name in ARMS},
    }
    return [*plan, Step("page", "viseme.studies.gan.draw", "index.html", arguments, gathers=True)]


def _fields(arm: Arm, scale: Scale, seed: int, overrides: Sequence[str]) -> tuple[list[str], GanConfig]:
    """What an arm's training changes of its preset, and the configuration that this gives."""
    paper = arm.preset == "gan_64"
    own = [*(WITHOUT_DOWNLOADS if paper else scale.gan_stable), *overrides]
    asked = _config(arm, [*scale.gan, f"training.steps={scale.gan_steps}", *own])
    total = asked.training.steps
    if asked.loss.adversary_from > total // 2:
        raise ConfigError(
            f"study gan: with {arm.title} the discriminator joins at step {asked.loss.adversary_from} of {total}; "
            "set loss.adversary_from to half of training.steps or less"
        )
    looks = [
        f"training.log_every={min(asked.training.log_every, max(1, total // LOOKS))}",
        f"training.validate_every={min(asked.training.validate_every, max(1, total // VALIDATIONS))}",
    ]
    fields = [
        *(*scale.gan, f"training.steps={scale.gan_steps}", *looks, "training.rollout_clips=0"),
        *(f"training.seed={seed}", *own, *arm.fields),
    ]
    if arm.rates is not None:
        generator, discriminator = arm.rates(asked.training.learning_rate, asked.discriminator.learning_rate)
        fields += [f"training.learning_rate={generator}", f"discriminator.learning_rate={discriminator}"]
    return fields, _config(arm, fields)


def _config(arm: Arm, fields: Sequence[str]) -> GanConfig:
    config = load_config(arm.preset, fields)
    assert isinstance(config, GanConfig)
    return config


def draw(results: Mapping[str, str], runs: Mapping[str, str], out: str) -> None:
    """The page, of the arms that are done.

    Args:
        results: arm or control -> results file.
        runs: arm -> run folder.
        out: `index.html`.
    """
    systems = loaded(results, {**TITLES, **CONTROLS})
    courses = {title: read_course(runs[name]) for name, title in TITLES.items() if name in runs}
    clips = scored(next(iter(systems.values())))
    missing = [title for title in TITLES.values() if title not in systems or title not in courses]
    write_page(
        out,
        title="Adversarial balance",
        question="The paper's discriminator dominates, its generator's error turns for the worse, and only the mouth "
        "moves. Which change stops that?",
        facts={
            "Runs": "one of each, of one seed and as many steps, windows and frames; learning rates were chosen for "
            "stable and not searched for the paper's network, which has two more runs with other rates instead",
            "Switches": "of stable, one thrown back to what the paper has; hinge is the loss of neither. Without EMA, "
            "training is stable's own: only the weights of the rollouts differ",
            "Pose": "with it, training and held-out windows are told how truth's head is held, which lowers their L1; "
            "rollouts are not, and draw it",
            "Judged right": "mean of the shares of true and made windows, as the discriminator is shown them, both "
            "judges together where there are two",
            "Rollouts": f"{counted(len(clips), 'clip')} of actors to choose by, each from its first frame",
            "Without an interval": "numbers of one training; there held-out windows are judged, no rollouts",
        },
        notes=[*[f"Not made, so not on this page: {listed(missing)}."] * bool(missing), *words.unseen(systems)],
        legend={
            "the paper's network": "system2",
            "stable, whole or less one switch": "system0",
            "stable itself": "muted",
        },
        findings=[*_training(courses), _motion(systems), _mouth(systems)],
        table=table(systems, METRICS, _beside(courses)),
    )


def _training(courses: Mapping[str, Course]) -> list[Finding]:
    if not courses:
        return []
    right = [_panel(title, courses, lambda course: course.judged, 0.0, 1.02) for title in courses]
    top = 1.05 * max(float(course.error.values.max()) for course in courses.values())
    error = [_panel(title, courses, lambda course: course.error, 0.0, top) for title in courses]
    ends = [
        Dots("Over 95 % judged right, % of looks", _dots(courses, lambda course: 100 * course.won)),
        Dots("L1 at the end over its least, %", _dots(courses, lambda course: 100 * course.risen)),
        Dots("SNR at the end, dB", _dots(courses, lambda course: float(course.snr.values[-1]))),
    ]
    balance = Drawing("balance", "Who wins", "Share judged right by step, one panel a run, with stable.", right, 4)
    turns = Drawing("error", "Does the error turn", "L1 on held-out windows by step, one panel a run.", error, 4)
    ended = Drawing("ends", "How each run ends", "Dominance, turn of the error and SNR by run.", ends, 3)
    return [
        Finding(balance, words.balance(courses, PAPERS)),
        Finding(turns, words.error(courses)),
        Finding(ended, words.ends(courses)),
    ]


def _panel(
    title: str, courses: Mapping[str, Course], pick: Callable[[Course], Logged], bottom: float, top: float
) -> Curves:
    """A run's curve, with stable's behind it."""
    behind = [(STABLE, "muted")] if STABLE in courses and title != STABLE else []
    curves = []
    for name, colour in [*behind, (title, COLOURS.get(title, "system0"))]:
        found = pick(courses[name])
        curves.append(Curve(name, colour, found.steps.astype(float), found.values))
    return Curves(title, curves, "step", bottom, top)


def _dots(courses: Mapping[str, Course], measure: Callable[[Course], float]) -> list[Dot]:
    """One number a run; a single run has no interval."""
    values = {title: measure(course) for title, course in courses.items()}
    return [Dot(title, value, value, value, COLOURS.get(title, "system0")) for title, value in values.items()]


def _motion(systems: Mapping[str, Results]) -> Finding:
    shown = ("head_motion", "blink_motion", "opening_spread")
    panels = _panels(systems, dict.fromkeys(shown, 1.0))
    drawing = Drawing("motion", "What moves", "Motion outside and in the mouth over truth's, by run.", panels, 3)
    return Finding(drawing, words.motion(systems, PAPERS))


def _mouth(systems: Mapping[str, Results]) -> Finding:
    panels = _panels(systems, {"mouth_correlation": None, "snr": None, "csim": None})
    drawing = Drawing("scores", "Scores of rollouts", "Mouth correlation, SNR and likeness by run.", panels, 3)
    return Finding(drawing, words.scores(systems))


def _panels(systems: Mapping[str, Results], targets: Mapping[str, float | None]) -> list[Dots]:
    known = {name: found for results in systems.values() for name, found in results.metrics.items()}
    return [
        Dots(f"{known[m].title}{f', {known[m].unit}' if known[m].unit else ''}", dots(systems, m, COLOURS), target)
        for m, target in targets.items()
        if m in known
    ]


def _beside(courses: Mapping[str, Course]) -> list[Beside]:
    """What training says, for the table."""

    def column(name: str, title: str, unit: str, digits: int, measure: Callable[[Course], float]) -> Beside:
        return Beside(name, title, unit, digits, {run: measure(course) for run, course in courses.items()})

    return [
        column("judged_right", "Judged right", "%", 0, lambda course: 100 * course.accuracy),
        column("won", "Looks over 95 %", "%", 0, lambda course: 100 * course.won),
        column("fooled", "Looks under 55 %", "%", 0, lambda course: 100 * course.fooled),
        column("held_out", "Judged right at the end, held out", "%", 0, lambda c: 100 * float(c.held_out.values[-1])),
        column("l1_end", "L1 at the end", "", 4, lambda course: course.end),
        column("l1_risen", "L1, end over least", "%", 1, lambda course: 100 * course.risen),
        column("generator_norm", "Gradient norm, generator", "", 2, lambda course: course.norms[0]),
        column("discriminator_norm", "Gradient norm, discriminator", "", 2, lambda course: course.norms[1]),
    ]

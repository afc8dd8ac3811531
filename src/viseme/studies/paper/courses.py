"""Figures 4 to 8 and Table 2 of the paper: how losses went, over epochs, in training and in validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from viseme.config import load_config
from viseme.errors import InputError
from viseme.evaluation.results import read_json
from viseme.report.wording import number
from viseme.studies.figures import Drawing
from viseme.studies.measures import plain_table
from viseme.studies.panels import Curve, Curves, Panel
from viseme.studies.paper.made import Made, Section
from viseme.studies.paper.published import published
from viseme.training.history import Curve as Logged
from viseme.training.history import History, read_history

COLOURS = {"train": "system0", "val": "system1"}
NAMES = {"train": "training", "val": "validation"}
TAIL = 8
"""The end of a training curve is the mean of its last eighth: each point is of other windows and timesteps."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a run logged, and how many of its steps are an epoch: one window of each training clip."""

    history: History
    epoch: float

    def curve(self, split: str, name: str) -> Logged:
        """A scalar over steps. Raises `InputError` where it was never logged."""
        found = self.history.curve(split, name)
        if not len(found):
            raise InputError(f"the run logged no {name} of {NAMES[split]}; validation needs clips of split val")
        return found

    def drawn(self, names: Sequence[str], title: str, colours: Mapping[str, str] | None = None) -> Curves:
        """The scalars over epochs, of training and of validation."""
        curves = []
        for name in names:
            for split in COLOURS:
                found = self.curve(split, name)
                label = f"{name}, {NAMES[split]}" if len(names) > 1 else NAMES[split]
                shade = (colours or {}).get(f"{name}/{split}", COLOURS[split])
                curves.append(Curve(label, shade, found.steps / self.epoch, found.values))
        return Curves(title, curves, "epoch", keyed=True)


def read_course(made: Made, run: str) -> Course:
    """The course of a run. Raises `InputError` where there is none."""
    folder = made.run(run)
    clips = len(made.store.clips("train"))
    return Course(read_history(folder.metrics), clips / load_config(folder.config).training.batch_size)


def figure_4(made: Made) -> Section:
    """Losses of discriminator and generator."""
    course = read_course(made, "gan")
    panels = [course.drawn(["discriminator"], "Discriminator"), course.drawn(["generator"], "Generator")]
    right = [course.history.curve("train", name) for name in ("real_right", "fake_right")]
    late = [curve.after(course.history.last_step // 2).values for curve in right]
    judged = float(np.mean([values.mean() for values in late])) if all(len(v) for v in late) else None
    balance = "" if judged is None else f"In the later half it judges {number(100 * judged, 0)} % of windows right. "
    turned = _turn(course, "generator", "The generator's validation loss")
    return _section("Figure 4", "Losses of discriminator and generator", panels, balance + turned)


def figure_5(made: Made) -> Section:
    """The generator's L1."""
    course = read_course(made, "gan")
    says = f"{_turn(course, 'pixel', 'The pixel loss on validation')} {_noise(course, 'pixel')}"
    return _section("Figure 5", "The generator's pixel loss", [course.drawn(["pixel"], "L1 in [−1, 1]")], says)


def figure_6(made: Made) -> Section:
    """SNR of what the generator makes."""
    course = read_course(made, "gan")
    says = _turn(course, "snr", "SNR on validation", highest=True)
    return _section("Figure 6", "SNR of the generator's frames", [course.drawn(["snr"], "SNR, dB")], says)


def figure_7(made: Made) -> Section:
    """MSE and lip loss of the base model."""
    return _denoiser(made, "ddpm", "Figure 7", "base model")


def figure_8(made: Made) -> Section:
    """MSE and lip loss of the model with landmarks, against the base model's gap."""
    section = _denoiser(made, "landmarks", "Figure 8", "model with landmarks")
    gaps = [_gap(read_course(made, run)) for run in ("ddpm", "landmarks") if f"train/{run}" in made.paths]
    if len(gaps) < 2:
        return section
    less = "smaller" if gaps[1] < gaps[0] else "not smaller"
    more = (
        f" Lip loss over MSE at the end of validation: {number(gaps[1], 2)} with landmarks, {number(gaps[0], 2)} for "
        f"the base model: the gap is {less}."
    )
    return _section(section.of, section.title, section.drawing.panels if section.drawing else [], section.says + more)


def table_2(made: Made) -> Section:
    """Validation losses while the base model is fine-tuned on large pictures."""
    course, start = read_course(made, "finetune"), read_json(made.path("losses/finetune"), "losses that a study wrote")
    told = published().tables["2"]
    steps = course.curve("val", "mse").steps
    half = int(np.abs(steps - steps[-1] / 2).argmin())
    marks = [0.0, *(float(steps[at] / course.epoch) for at in (half, -1))]
    header = ["×10⁻³", *(f"{epoch} epochs, paper" for epoch in told["mse"])]
    header += [f"{number(epoch, 1 if epoch else 0)} epochs, here" for epoch in marks]
    rows: list[list[str]] = []
    full: list[tuple[object, ...]] = []
    ends: dict[str, tuple[float, float]] = {}
    for name, title in (("mse", "MSE"), ("lip", "Lip")):
        values = course.curve("val", name).values
        ours = [float(start[name]), float(values[half]), float(values[-1])]
        ends[name] = (ours[0], ours[-1])
        rows.append([title, *(number(v, 3) for v in told[name].values()), *(number(1e3 * v, 3) for v in ours)])
        full += [(name, "paper", epoch, float(v) / 1e3) for epoch, v in told[name].items()]
        full += [(name, "here", mark, v) for mark, v in zip(marks, ours, strict=True)]
    (mse, mse_end), (lip, lip_end) = ends["mse"], ends["lip"]
    ratio, ratio_end = lip / mse, lip_end / mse_end
    return Section(
        *("Table 2", f"Fine-tuning from {made.small} to {made.large} pixels: validation losses"),
        says=f"MSE goes from {number(1e3 * mse, 2)} to {number(1e3 * mse_end, 2)} and the lip loss from "
        f"{number(1e3 * lip, 2)} to {number(1e3 * lip_end, 2)} (×10⁻³); lip over MSE "
        f"{'falls' if ratio_end < ratio else 'rises'} from {number(ratio, 2)} to {number(ratio_end, 2)}. In the paper "
        f"it goes from {number(told['lip']['0'] / told['mse']['0'], 2)} to "
        f"{number(told['lip']['100'] / told['mse']['100'], 2)}.",
        table=plain_table(header, rows, ("loss", "who", "epoch", "value"), full),
        flags=[
            "Epoch 0 is here the base model on the large pictures before its first step; the paper does not say on "
            "which pictures its own stands.",
            "The paper's model failed all the same, by the look of its frames: study `finetune` scores rollouts.",
        ],
    )


def _denoiser(made: Made, run: str, of: str, name: str) -> Section:
    course = read_course(made, run)
    panels = [course.drawn(["mse"], "MSE of the prediction"), course.drawn(["lip"], "Lip loss: MSE in the mouth box")]
    train, val = (course.curve(split, "mse").values for split in ("train", "val"))
    tail = train[-max(1, len(train) // TAIL) :].mean()
    says = (
        f"MSE ends at {number(float(tail), 4)} in training and {number(float(val[-1]), 4)} in validation, "
        f"the lip loss {number(_gap(course), 2)} times as high as the MSE. {_speed(course)}"
    )
    return _section(of, f"MSE and lip loss of the {name}", panels, says)


def _gap(course: Course) -> float:
    """Lip loss over MSE at the last validation."""
    return float(course.curve("val", "lip").values[-1] / course.curve("val", "mse").values[-1])


def _speed(course: Course) -> str:
    """By which share either fell between the first validation and the last."""
    ends = {name: course.curve("val", name).values[[0, -1]] for name in ("mse", "lip")}
    changes = {name: float(last / first - 1) for name, (first, last) in ends.items()}
    parts = [
        f"{title} {'falls' if changes[name] < 0 else 'rises'} by {number(100 * abs(changes[name]), 0)} %"
        for name, title in (("mse", "MSE"), ("lip", "the lip loss"))
    ]
    return f"From the first validation to the last, {' and '.join(parts)}."


def _turn(course: Course, name: str, title: str, highest: bool = False) -> str:
    """Where a validation's scalar was best, and how far from that it ended."""
    found = course.curve("val", name)
    at = int(found.values.argmax() if highest else found.values.argmin())
    word = "highest" if highest else "least"
    last, top = float(found.values[-1]), float(found.values[at])
    reached = f"{title} is {word} at epoch {number(found.steps[at] / course.epoch, 1)} ({number(top, 3)})"
    whole = number(found.steps[-1] / course.epoch, 1)
    turn = published().turn
    if at == len(found) - 1:
        return f"{reached}, the last of the run: it has not turned. The paper's turned after epoch {turn}."
    return f"{reached} of {whole} and ends at {number(last, 3)}. The paper's turned after epoch {turn}."


def _noise(course: Course, name: str) -> str:
    """How much a curve jumps from point to point, of validation and of training."""
    jumps = [float(np.abs(np.diff(course.curve(split, name).values)).mean()) for split in ("train", "val")]
    word = "more" if jumps[1] > jumps[0] else "less"
    told = f"{number(jumps[1], 4)} against {number(jumps[0], 4)}"
    return f"From one point to the next validation jumps {word} than training ({told})."


def _section(of: str, title: str, panels: Sequence[Panel], says: str) -> Section:
    alt = f"{title}, training and validation, over epochs."
    drawing = Drawing(of.lower().replace(" ", "_"), title, alt, list(panels), 2)
    return Section(of, title, says, published().figures[of.rpartition(" ")[2]], drawing)

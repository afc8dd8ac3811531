"""What is measured: each metric's name, title, unit, direction and meaning, without the code that computes it.

Light on purpose: reports and the command line read this table without loading a video library.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from viseme.errors import InputError

Better = Literal["higher", "lower", "truth", "zero", "none"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number a clip.

    Attributes:
        name: key in results files and on the command line.
        title: how tables head it.
        unit: empty where it has none.
        better: `higher`, `lower`, `truth` (closest to truth's own value), `zero` (closest to 0), `none` (a control).
        digits: decimals worth printing.
        description: one sentence: what it is and over what.
    """

    name: str
    title: str
    unit: str
    better: Better
    digits: int
    description: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", "dB", "higher", 2, "Peak signal-to-noise ratio, mean over frames; at most 100."),
        Metric("ssim", "SSIM", "", "higher", 3, "Structural similarity, Gaussian window, mean over frames."),
        Metric("lmd", "LMD", "%", "lower", 2, "Distance of the 68 points to truth's, of truth's eye-corner distance."),
        Metric("mouth_lmd", "Mouth LMD", "%", "lower", 2, "Distance of the mouth points 48-67 to truth's, likewise."),
        Metric(
            "mouth_correlation",
            "Mouth correlation",
            "",
            "higher",
            3,
            "Pearson r of the mouth opening with truth's after the training clips' mean curve is taken out of both.",
        ),
        Metric(
            "mouth_correlation_raw",
            "Mouth correlation, raw",
            "",
            "higher",
            3,
            "Pearson r of the mouth opening with truth's, nothing regressed out.",
        ),
        Metric(
            "mean_curve_raw",
            "Mean curve, raw (control)",
            "",
            "none",
            3,
            "Pearson r of the training clips' mean opening curve with truth: what the raw r gives without any sound.",
        ),
        Metric(
            "opening_spread", "Opening spread", "", "truth", 2, "Standard deviation of the mouth opening over truth's."
        ),
        Metric(
            "csim",
            "CSIM (dlib)",
            "",
            "higher",
            3,
            "Likeness to the identity frame: 1 as two clips of one training actor, 0 as two training actors.",
        ),
        Metric("ofm", "OFM", "px", "truth", 3, "Mean Farneback flow between consecutive frames, pixels at this size."),
        Metric("f_mse", "F-MSE", "", "truth", 2, "Mean squared difference of consecutive frames on 0-255 values."),
        Metric("brightness", "Brightness", "", "truth", 1, "Mean luma (BT.601), 0-255."),
        Metric("sharpness", "Sharpness", "", "truth", 1, "Variance of the Laplacian of luma."),
        Metric(
            "brightness_drift", "Brightness drift", "%", "zero", 2, "Brightness of the last second over the first's."
        ),
        Metric("sharpness_drift", "Sharpness drift", "%", "zero", 2, "Sharpness of the last second over the first's."),
        Metric("identity_drift", "Identity drift", "", "zero", 3, "CSIM of the last second less the first second's."),
    )
}


def chosen(names: Iterable[str] | None) -> list[str]:
    """The metrics asked for, in table order; all where None. Raises `InputError` that names the known ones."""
    if names is None:
        return list(METRICS)
    wanted = set(names)
    if unknown := sorted(wanted - set(METRICS)):
        raise InputError(f"no metric is called {', '.join(unknown)}; known are {', '.join(METRICS)}")
    if not wanted:
        raise InputError(f"no metric was chosen; known are {', '.join(METRICS)}")
    return [name for name in METRICS if name in wanted]


def gap(better: Better, value: float, truth: float | None) -> float | None:
    """How far a value is from the best it could be, in the metric's unit: smaller is better; None for a control.

    `higher` gives -value, `lower` the value, `zero` its magnitude, `truth` the distance to truth's value.
    """
    if better == "higher":
        return -value
    if better == "lower":
        return value
    if better == "zero":
        return abs(value)
    return abs(value - truth) if better == "truth" and truth is not None else None

"""What is measured: each metric's name, title, unit, direction and meaning, without the code that computes it.

Light on purpose: reports and the command line read this table without loading a video library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        default: whether it is scored where no metrics are named.
    """

    name: str
    title: str
    unit: str
    better: Better
    digits: int
    description: str
    default: bool = True


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", "dB", "higher", 2, "Peak signal-to-noise ratio, mean over frames; at most 100."),
        Metric("snr", "SNR", "dB", "higher", 2, "Energy of truth over that of the difference; at most 100."),
        Metric("ssim", "SSIM", "", "higher", 3, "Structural similarity, Gaussian window, mean over frames."),
        Metric("lpips", "LPIPS", "", "lower", 3, "How different it looks (AlexNet, v0.1), mean over frames.", False),
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
            "opening_spread_least",
            "Opening spread, least second",
            "",
            "truth",
            2,
            "The same within the second where it is least, of those in which truth speaks: near 0 if the lips stop.",
        ),
        Metric(
            "av_lag",
            "AV lag (CCA)",
            "frames",
            "truth",
            2,
            "Frames by which the lips come after the sound of their own file, by canonical correlation.",
        ),
        Metric(
            "sync_offset",
            "Mouth-audio offset",
            "frames",
            "truth",
            2,
            "Frames by which the mouth comes after its sound, by viseme's own sync scorer (not SyncNet).",
        ),
        Metric(
            "sync_confidence",
            "Mouth-audio confidence",
            "",
            "higher",
            3,
            "How far that offset stands out, by the same scorer: near 0 where nothing fits. Not LSE-C.",
        ),
        Metric("blink_rate", "Blinks", "1/s", "truth", 2, "Blinks begun a second, from the eye aspect ratio."),
        Metric("blink_length", "Blink length", "s", "truth", 2, "Mean seconds a blink, where both blink."),
        Metric(
            "head_roll",
            "Head roll",
            "°",
            "truth",
            2,
            "Range of rotation in the plane, 5th to 95th percentile.",
        ),
        Metric(
            "head_shift",
            "Head shift",
            "%",
            "truth",
            2,
            "Range of the place of eyes and nose, 5th to 95th percentile, of the eye-corner distance.",
        ),
        Metric(
            "head_motion",
            "Motion outside the mouth",
            "",
            "truth",
            2,
            "Spread over time of brows, nose and eyes (points 17-47) over truth's, head motion included.",
            default=False,
        ),
        Metric(
            "blink_motion",
            "Motion of the lids",
            "",
            "truth",
            2,
            "Standard deviation of the eye aspect ratio over truth's.",
            default=False,
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
        Metric("av_offset", "AV offset (SyncNet)", "frames", "truth", 2, "Frames by which the lips come late.", False),
        Metric("lse_c", "LSE-C", "", "higher", 2, "SyncNet's confidence, as published: median less least.", False),
        Metric("lse_d", "LSE-D", "", "lower", 2, "SyncNet's least distance over shifts, as published.", False),
        Metric(
            "av_offset_valid", "AV offset, true pairs", "frames", "truth", 2, "The same, ends not zero-padded.", False
        ),
        Metric("lse_c_valid", "LSE-C, true pairs", "", "higher", 2, "The same, ends not zero-padded.", False),
        Metric("lse_d_valid", "LSE-D, true pairs", "", "lower", 2, "The same, ends not zero-padded.", False),
        Metric(
            "ofm_legacy",
            "OFM as Diffused Heads' script",
            "",
            "truth",
            2,
            "Mean value of a stretched colour picture of the flow at 128 pixels: no motion, for published tables only.",
            default=False,
        ),
        Metric(
            "f_mse_legacy",
            "F-MSE as Diffused Heads' script",
            "",
            "truth",
            2,
            "Squared differences that wrap at 256, frames at 128 pixels: for published tables only.",
            default=False,
        ),
    )
}

SET_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "av_lag_pooled",
            "AV lag (CCA), pooled",
            "frames",
            "truth",
            0,
            "Frames by which the lips come late, from the mean of all clips' lag curves: steadier than any one clip's.",
        ),
        Metric(
            "frechet_dlib",
            "Fréchet distance, dlib",
            "",
            "lower",
            4,
            "Of dlib's face descriptors, every fifth frame: who is seen, not how well. It is no FID.",
        ),
        Metric(
            "frechet_lite0",
            "Fréchet distance, Lite0",
            "",
            "lower",
            2,
            "Of EfficientNet-Lite0's features, every fifth frame. It is no FID and compares with no published table.",
        ),
        Metric(
            "kernel_lite0",
            "Kernel distance, Lite0",
            "",
            "lower",
            4,
            "Of the same features, unbiased by their number; it may fall below 0. It is no KID.",
        ),
        Metric(
            "fid",
            "FID",
            "",
            "lower",
            2,
            "Fréchet distance of Inception's features (2015-12-05, pytorch-fid's resizing), every scored frame.",
            default=False,
        ),
        Metric("kid", "KID", "", "lower", 4, "Kernel distance of the same features, at most 10 000 a side.", False),
        Metric(
            "fvd",
            "FVD",
            "",
            "lower",
            1,
            "Fréchet distance of I3D's features of windows of 16 frames, with the backbone given.",
            default=False,
        ),
    )
}
"""Numbers of all scored clips together, one a system."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "lpips": ("lpips-alexnet", "lpips-heads"),
    **dict.fromkeys(("av_offset", "lse_c", "lse_d", "av_offset_valid", "lse_c_valid", "lse_d_valid"), ("syncnet",)),
}
"""Metric -> the parts of `viseme.weights` without which it cannot be computed."""


def chosen(names: Iterable[str] | None) -> list[str]:
    """The metrics asked for, in table order; the default ones where None. Raises `InputError`, naming the known."""
    known = {**METRICS, **SET_METRICS}
    if names is None:
        return [name for name, metric in known.items() if metric.default]
    wanted = set(names)
    if unknown := sorted(wanted - set(known)):
        raise InputError(f"no metric is called {', '.join(unknown)}; known are {', '.join(known)}")
    if not wanted:
        raise InputError(f"no metric was chosen; known are {', '.join(known)}")
    return [name for name in known if name in wanted]


def parts_needed(names: Iterable[str]) -> list[str]:
    """The pretrained parts that these metrics need, each once."""
    return list(dict.fromkeys(part for name in names for part in NEEDS.get(name, ())))


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

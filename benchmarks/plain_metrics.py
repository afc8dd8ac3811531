"""The metrics as one script each, as they are commonly run: each decodes both videos and finds faces by itself.

    python benchmarks/plain_metrics.py NAME PAIRS.json

PAIRS.json holds `{"store": path, "pairs": [[candidate, truth], ...]}`. Printed is, as JSON, `[wall, processor]` seconds
of each pair, then of what a script does after the last one. Frames are enlarged to 256 pixels for dlib, which finds no
small faces; arithmetic that takes no time is viseme's own. Frame 0, the identity frame, is not scored.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Pairs = Sequence[tuple[str, str]]
FACE = 256
EVERY = 5


def decoded(video: str) -> np.ndarray:
    """RGB `[T,S,S,3]`."""
    capture, frames = cv2.VideoCapture(video), []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return np.stack(frames)


def scored(pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Both videos from frame 1 on."""
    return decoded(pair[0])[1:], decoded(pair[1])[1:]


@functools.cache
def dlib_models() -> tuple[Any, Any, Any]:
    """Detector, landmarks, descriptor."""
    import dlib
    import face_recognition_models as models

    return (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(models.pose_predictor_model_location()),
        dlib.face_recognition_model_v1(models.face_recognition_model_location()),
    )


def face(frame: np.ndarray) -> tuple[np.ndarray, Any]:
    """The enlarged frame and dlib's shape in it; where nothing is found, the whole frame is the face."""
    import dlib

    detector, predictor, _ = dlib_models()
    if len(frame) < FACE:
        frame = cv2.resize(frame, (FACE, FACE), interpolation=cv2.INTER_CUBIC)
    boxes = detector(frame, 0)
    return frame, predictor(frame, boxes[0] if boxes else dlib.rectangle(0, 0, len(frame) - 1, len(frame) - 1))


def landmarks(frames: np.ndarray) -> np.ndarray:
    """`[T,68,2]`, the detector on every frame."""
    shapes = [face(frame)[1] for frame in frames]
    return np.array([[(point.x, point.y) for point in shape.parts()] for shape in shapes], dtype=np.float32)


def descriptor(frame: np.ndarray) -> np.ndarray:
    """`[128]`."""
    return np.array(dlib_models()[2].compute_face_descriptor(*face(frame)))


def psnr(pairs: Pairs, _store: str) -> Iterator[object]:
    """By scikit-image, frame by frame."""
    from skimage.metrics import peak_signal_noise_ratio

    for pair in pairs:
        yield np.mean([peak_signal_noise_ratio(b, a, data_range=255) for a, b in zip(*scored(pair), strict=True)])


def snr(pairs: Pairs, _store: str) -> Iterator[object]:
    """Over the whole clip."""
    for pair in pairs:
        ours, true = (side.astype(np.float64) for side in scored(pair))
        yield 10 * np.log10((true**2).sum() / ((true - ours) ** 2).sum())


def ssim(pairs: Pairs, _store: str) -> Iterator[object]:
    """By scikit-image, frame by frame."""
    from skimage.metrics import structural_similarity

    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    for pair in pairs:
        yield np.mean(
            [structural_similarity(a, b, data_range=255, **settings) for a, b in zip(*scored(pair), strict=True)]
        )


def lmd(pairs: Pairs, _store: str) -> Iterator[object]:
    """Of the face and the mouth."""
    from viseme.evaluation.landmarks import landmark_distance

    for pair in pairs:
        ours, true = map(landmarks, scored(pair))
        yield landmark_distance(ours, true)


def mouth(pairs: Pairs, _store: str) -> Iterator[object]:
    """Correlation and spread of the opening."""
    from viseme.evaluation.mouth import correlation, least_spread_ratio, opening, spread_ratio

    for pair in pairs:
        ours, true = (opening(landmarks(side)) for side in scored(pair))
        yield correlation(ours, true), spread_ratio(ours, true), least_spread_ratio(ours, true)


def blinks(pairs: Pairs, _store: str) -> Iterator[object]:
    """Rate and length."""
    from viseme.evaluation.blinks import blinks as found
    from viseme.evaluation.blinks import eye_aspect_ratio

    for pair in pairs:
        yield [found(eye_aspect_ratio(landmarks(side))) for side in scored(pair)]


def head_motion(pairs: Pairs, _store: str) -> Iterator[object]:
    """Roll and shift."""
    from viseme.evaluation.head_motion import head_motion as moved

    for pair in pairs:
        yield [moved(landmarks(side)) for side in scored(pair)]


def csim(pairs: Pairs, _store: str) -> Iterator[object]:
    """dlib's descriptors of every fifth frame beside truth's first frame."""
    from viseme.evaluation.identity import cosine

    for ours, true in pairs:
        identity = descriptor(decoded(true)[0])
        yield [cosine(np.stack([*map(descriptor, decoded(side)[1::EVERY])]), identity).mean() for side in (ours, true)]


def ofm(pairs: Pairs, _store: str) -> Iterator[object]:
    """Farneback's flow by OpenCV."""
    for pair in pairs:
        means = []
        for side in scored(pair):
            grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in side]
            flows = [cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 7, 5, 15, 5, 1.2, 0) for a, b in pairwise(grey)]
            means.append(np.mean([np.linalg.norm(flow, axis=-1).mean() for flow in flows]))
        yield means


def f_mse(pairs: Pairs, _store: str) -> Iterator[object]:
    """Of consecutive frames."""
    for pair in pairs:
        yield [np.mean(np.diff(side.astype(np.float32), axis=0) ** 2) for side in scored(pair)]


def brightness(pairs: Pairs, _store: str) -> Iterator[object]:
    """Mean grey, its drift from it."""
    for pair in pairs:
        yield [[cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).mean() for frame in side] for side in scored(pair)]


def sharpness(pairs: Pairs, _store: str) -> Iterator[object]:
    """Variance of the Laplacian by OpenCV."""
    for pair in pairs:
        yield [
            [cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var() for frame in side]
            for side in scored(pair)
        ]


def frechet_lite0(pairs: Pairs, _store: str) -> Iterator[object]:
    """Frechet and kernel distance on EfficientNet-Lite0, every fifth frame, one at a time."""
    from viseme.evaluation.efficientnet import efficientnet_lite0
    from viseme.evaluation.frechet import frechet_distance, gaussian
    from viseme.evaluation.kernel_distance import kernel_distance
    from viseme.weights import located

    extract = efficientnet_lite0(located("efficientnet-lite0"))
    features: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for pair in pairs:
        for kept, side in zip(features, scored(pair), strict=True):
            kept.append(extract(side[::EVERY], batch=1))
        yield None
    ours, true = map(np.concatenate, features)
    yield frechet_distance(gaussian(ours), gaussian(true)), kernel_distance(ours, true, np.random.default_rng(0))


def frechet_dlib(pairs: Pairs, _store: str) -> Iterator[object]:
    """Frechet distance on dlib's descriptors, every fifth frame."""
    from viseme.evaluation.frechet import frechet_distance, gaussian

    features: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for pair in pairs:
        for kept, side in zip(features, scored(pair), strict=True):
            kept += map(descriptor, side[::EVERY])
        yield None
    yield frechet_distance(*(gaussian(np.stack(side)) for side in features))


def av_lag(pairs: Pairs, store: str) -> Iterator[object]:
    """Canonical correlation of mouth and sound, both from the files."""
    from viseme.data.audio import read_audio
    from viseme.data.store import Store
    from viseme.evaluation.lag import lag_curve, mouth_features, sound_features, training_canonical

    mixtures = training_canonical(Store.open(store))
    for pair in pairs:
        curves = []
        for video, side in zip(pair, scored(pair), strict=True):
            sound = sound_features(read_audio(Path(video)), len(side))
            curves.append(lag_curve(mouth_features(landmarks(side)), sound, mixtures))
        yield curves


def sync(pairs: Pairs, _store: str) -> Iterator[object]:
    """The bundled sync scorer's offset and confidence."""
    from viseme.data.audio import read_audio
    from viseme.evaluation.sync_scorer import mouth_audio_sync

    for pair in pairs:
        yield [
            mouth_audio_sync(side, read_audio(Path(video))[640:])
            for video, side in zip(pair, scored(pair), strict=True)
        ]


Script = Callable[[Pairs, str], Iterator[object]]
SCRIPTS: dict[str, Script] = {
    script.__name__: script
    for script in (
        psnr,
        snr,
        ssim,
        lmd,
        mouth,
        blinks,
        head_motion,
        csim,
        ofm,
        f_mse,
        brightness,
        sharpness,
        frechet_lite0,
        frechet_dlib,
        av_lag,
        sync,
    )
}


def main(arguments: Sequence[str]) -> None:
    """Run one script and print its laps; without arguments, what scripts there are."""
    if not arguments:
        print(", ".join(SCRIPTS))
        return
    name, file = arguments
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    pairs = [(ours, true) for ours, true in given["pairs"]]
    steps, laps = SCRIPTS[name](pairs, given["store"]), []
    for _ in range(len(pairs) + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        next(steps, None)
        laps.append((time.perf_counter() - wall, time.process_time() - cpu))
    print(json.dumps(laps))


if __name__ == "__main__":
    main(sys.argv[1:])

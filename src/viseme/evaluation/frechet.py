"""Frechet distance of two sets of features, each taken as a Gaussian: FID, FVD and their kin.

What the number means rests on the features, so it is named after them: on FID's Inception it is FID, on dlib's face
descriptors or EfficientNet-Lite0 it is neither FID nor comparable with one. It falls as the number of samples grows:
compare systems at equal numbers only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy import linalg

from viseme.errors import InputError

Float64 = NDArray[np.float64]


@dataclass(slots=True)
class Gaussian:
    """Mean and covariance of features that arrive in pieces, in any order and of any size.

    Attributes:
        count: samples so far, N.
        mean: float64 `[D]`.
        scatter: float64 `[D,D]`, sum of (x - mean)(x - mean)^T.
    """

    count: int
    mean: Float64
    scatter: Float64

    @classmethod
    def empty(cls, width: int) -> Gaussian:
        """Of no samples of `width` numbers each."""
        return cls(0, np.zeros(width), np.zeros((width, width)))

    @property
    def covariance(self) -> Float64:
        """`[D,D]`, scatter / (N - 1). Raises `ValueError` for fewer than two samples."""
        if self.count < 2:
            raise ValueError(f"a covariance needs at least two samples, not {self.count}")
        return self.scatter / (self.count - 1)

    def update(self, features: NDArray[Any]) -> None:
        """Add samples `[N,D]`. Raises `ValueError` for another shape or values that are not finite."""
        samples = np.asarray(features, dtype=np.float64)
        if samples.ndim != 2 or samples.shape[1] != self.mean.size:
            raise ValueError(f"features are [N,{self.mean.size}], not {list(samples.shape)}")
        if not np.isfinite(samples).all():
            raise ValueError("features must be finite")
        if len(samples):
            mean = samples.mean(axis=0)
            centred = samples - mean
            self.merge(Gaussian(len(samples), mean, centred.T @ centred))

    def merge(self, other: Gaussian) -> None:
        """Add another's samples (Chan, Golub and LeVeque, Updating Formulae, 1979, eq. 2.1, for vectors)."""
        if other.mean.size != self.mean.size:
            raise ValueError(f"features of {other.mean.size} numbers do not go with those of {self.mean.size}")
        total = self.count + other.count
        if not other.count:
            return
        shift = other.mean - self.mean
        self.scatter = self.scatter + other.scatter + np.outer(shift, shift) * (self.count * other.count / total)
        self.mean = self.mean + shift * (other.count / total)
        self.count = total


def gaussian(features: NDArray[Any]) -> Gaussian:
    """Of samples `[N,D]` that are all here. Raises `ValueError` as `Gaussian.update`."""
    if features.ndim != 2:
        raise ValueError(f"features are [N,D], not {list(features.shape)}")
    result = Gaussian.empty(features.shape[1])
    result.update(features)
    return result


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Squared Frechet distance of two Gaussians, in squared units of the features; 0 for the same, never below.

    d^2 = |mu_a - mu_b|^2 + tr(A + B - 2 (A B)^(1/2)) (Dowson and Landau, The Frechet Distance between Multivariate
    Normal Distributions, 1982, eq. 4; Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, eq. 6).

    With A = F F^T and B = G G^T, tr (A B)^(1/2) is the sum of the singular values of F^T G. That needs no square root
    of a non-symmetric product, which is inaccurate where there are fewer samples than numbers, and may turn complex.

    Raises:
        ValueError: fewer than two samples on a side, or features of different lengths.
    """
    if a.mean.size != b.mean.size:
        raise ValueError(f"features of {a.mean.size} and {b.mean.size} numbers have no distance")
    covariances = a.covariance, b.covariance
    overlap = linalg.svdvals(_factor(covariances[0], a.count - 1).T @ _factor(covariances[1], b.count - 1)).sum()
    shift = a.mean - b.mean
    distance = shift @ shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * overlap
    return float(max(distance, 0.0))


def _factor(covariance: Float64, rank: int) -> Float64:
    """F `[D,R]` with F F^T the covariance; no more than `rank` of its eigenvalues can differ from 0."""
    width = len(covariance)
    values, vectors = linalg.eigh(covariance, subset_by_index=(max(width - rank, 0), width - 1))
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))


def read_features(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Features `[N,D]` that another program computed, from `.npy`, or from `.safetensors` with one tensor.

    So a video network that is a program, as TorchScript is, serves too: run it where it is trusted, one row a video,
    for candidate and truth. I3D from plain weights runs here (`viseme.evaluation.i3d`).

    Raises:
        InputError: missing, of another kind, damaged, not `[N,D]` of finite floats, or fewer than two rows.
    """
    place = Path(path)
    try:
        if place.suffix == ".npy":
            with open(place, "rb") as file:
                features = np.lib.format.read_array(file, allow_pickle=False)
        elif place.suffix == ".safetensors":
            tensors = load_file(place)
            if len(tensors) != 1:
                raise InputError(f"{path}: holds {len(tensors)} tensors; write the features alone")
            features = next(iter(tensors.values()))
        else:
            raise InputError(f"{path}: features are read from .npy or .safetensors; write them as one of these")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give a file of features") from error
    except (ValueError, EOFError, TypeError, KeyError, MemoryError, SafetensorError) as error:
        raise InputError(f"{path}: is damaged or no plain array; write the features again") from error
    if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating):
        raise InputError(f"{path}: holds no floats [N,D]; write one row a video")
    if len(features) < 2 or not features.shape[1] or not np.isfinite(features).all():
        raise InputError(f"{path}: needs at least two rows, all finite; write the features again")
    return features

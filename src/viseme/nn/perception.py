"""Losses by networks trained to see: how different a made frame looks from the true one, and whether it is the person.

Two of the terms that the paper names as future work, and one for sharpness that needs no network. They join a family's
own loss with a weight each; their networks never train, and are part of no model and no checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

from viseme.config.sections import PerceptualLossConfig
from viseme.errors import InputError
from viseme.nn.detail import detail_distance
from viseme.nn.face_chip import face_chips
from viseme.nn.face_descriptor import FaceDescriptor, face_descriptor
from viseme.nn.lpips import Lpips, lpips

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SEEN_SIZE = 256
"""Pixels a side that smaller pictures are enlarged to (bicubic) before a face is cut out, as evaluation does."""


class IdentityDistance(nn.Module):
    """1 - cos(f(a), f(b)) of dlib's face descriptors f: 0 for one face, about 0.01 and 0.16 for one person and two.

    Both faces are cut out by the landmarks of b, so that they differ in their pixels alone.
    """

    def __init__(self, descriptor: FaceDescriptor) -> None:
        super().__init__()
        self.descriptor = descriptor

    def forward(self, a: Tensor, b: Tensor, landmarks: Tensor) -> Tensor:
        """Distances `[N]` of pictures a and b, float `[N,3,S,S]` in [-1, 1].

        Landmarks are b's, `[N,68,2]`, xy / S * 2 - 1. The gradient flows to both pictures. Raises `InputError` for
        pictures of another shape.
        """
        if a.shape != b.shape or a.ndim != 4 or a.shape[1] != 3 or a.shape[2] != a.shape[3]:
            raise InputError(f"identity needs two square pictures [N,3,S,S], not {list(a.shape)} and {list(b.shape)}")
        ours, theirs = (self.descriptor(self._chips(pictures, landmarks)) for pictures in (a, b))
        return 1 - F.cosine_similarity(ours, theirs)

    @staticmethod
    def _chips(pictures: Tensor, landmarks: Tensor) -> Tensor:
        size = pictures.shape[-1]
        shown = max(size, SEEN_SIZE)
        if size < shown:
            # What overshoots is cut off, as 8 bits do.
            pictures = F.interpolate(pictures, size=(shown, shown), mode="bicubic").clamp(-1, 1)
        points = (landmarks + 1) / 2 * size
        return face_chips(pictures, (points + 0.5) * (shown / size) - 0.5)


class Perception:
    """The perceptual terms of a loss; a network is made only for a term whose weight is above 0.

    Raises:
        InputError: the weights of a network that is asked for are not here, or are another's.
    """

    def __init__(self, config: PerceptualLossConfig) -> None:
        self.weights = {"lpips": config.lpips, "identity": config.identity, "detail": config.detail}
        self.lpips: Lpips | None = None
        self.identity: IdentityDistance | None = None
        if config.lpips:
            self.lpips = lpips(instead="do without: --set loss.lpips=0")
        if config.identity:
            self.identity = IdentityDistance(face_descriptor(instead="do without: --set loss.identity=0"))

    def __bool__(self) -> bool:
        """Whether anything is asked of it."""
        return any(self.weights.values())

    def setup(self, fabric: Fabric) -> None:
        """Move the networks to the fabric's device; they run in float32, whatever the precision."""
        for network in (self.lpips, self.identity):
            if network is not None:
                fabric.to_device(network)

    def terms(self, made: Tensor, truth: Tensor, landmarks: Tensor, share: Tensor | None = None) -> dict[str, Tensor]:
        """Mean distances of made to true frames, scalars by the name of their weight; empty where nothing is asked.

        The reference is the true frame and not the identity frame: only at truth is the distance 0, whatever the pose
        and the expression, and its landmarks are known.

        Args:
            made, truth: `[N,3,S,S]` in [-1, 1]; the gradient flows to the made ones.
            landmarks: truth's, `[N,68,2]`, xy / S * 2 - 1.
            share: `[N]`, what each frame's distance is multiplied by before the mean; 1 where None.
        """
        made, found = made.float(), {}
        if self.lpips is not None:
            found["lpips"] = self.lpips(made, truth)
        if self.identity is not None:
            found["identity"] = self.identity(made, truth, landmarks)
        if self.weights["detail"]:
            found["detail"] = detail_distance(made, truth)
        return {name: (each if share is None else share * each).mean() for name, each in found.items()}

    def weighed(self, terms: Mapping[str, Tensor]) -> Tensor | float:
        """Their weighted sum, 0 where there are none: what is added to the loss."""
        return sum((self.weights[name] * term for name, term in terms.items()), start=0.0)

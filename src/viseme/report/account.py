"""What stands behind a system's numbers: clips scored and failed with reasons, cautions, and where all came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from viseme.evaluation.bootstrap import ENOUGH_CLIPS
from viseme.evaluation.metrics import METRICS
from viseme.report.alike import unlike
from viseme.report.sets import unequal
from viseme.report.systems import Group, System
from viseme.report.wording import listed, signature


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some clips failed or lack a metric, and which."""

    text: str
    clips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """One system's clips: how many, and what went wrong with which.

    Attributes:
        notes: cautions of its results that are not those of every system.
        failed: reasons of clips that could not be scored.
        missing: reasons of metrics that could not be computed.
    """

    system: System
    clips: int
    scored: int
    failed: tuple[Reason, ...]
    missing: tuple[Reason, ...]
    notes: tuple[str, ...]

    @property
    def troubled(self) -> bool:
        """Whether anything is to be said of it beyond its number of clips."""
        return bool(self.failed or self.missing or self.notes)


def account(system: System, shared: Sequence[str]) -> Account:
    """The system's clips, scored and failed; notes that are `shared` by all systems stand at the top of the page."""
    results = system.results
    failed: dict[str, list[str]] = {}
    missing: dict[str, list[str]] = {}
    for clip in results.clips:
        if clip.status == "failed":
            failed.setdefault(clip.reason or "no reason was recorded", []).append(clip.clip_id)
        for metric, reason in clip.missing.items():
            known = results.metrics.get(metric) or METRICS.get(metric)
            missing.setdefault(f"{known.title if known else metric}: {reason}", []).append(clip.clip_id)
    return Account(
        system=system,
        clips=len(results.clips),
        scored=len(system.scored),
        failed=_reasons(failed),
        missing=_reasons(missing),
        notes=tuple(note for note in results.notes if note not in shared),
    )


def lacking(accounts: Sequence[Account]) -> tuple[Reason, ...]:
    """What every one of several systems lacks on the same clips, to be said once."""
    first, *others = accounts
    return tuple(reason for reason in first.missing if others and all(reason in other.missing for other in others))


def own(found: Account, shared: Sequence[Reason]) -> Account:
    """An account without the reasons that all share."""
    return replace(found, missing=tuple(reason for reason in found.missing if reason not in shared))


def _reasons(found: Mapping[str, Sequence[str]]) -> tuple[Reason, ...]:
    """The most frequent first."""
    return tuple(Reason(text, tuple(clips)) for text, clips in sorted(found.items(), key=lambda item: -len(item[1])))


def shared_notes(systems: Sequence[System]) -> list[str]:
    """The cautions that the results of every system hold."""
    first, *others = systems
    return [note for note in first.results.notes if all(note in other.results.notes for other in others)]


def cautions(groups: Sequence[Group]) -> list[str]:
    """What a reader must know beside the numbers, each thing once."""
    return [*reservations(groups), *shared_notes([system for group in groups for system in group.systems])]


def reservations(groups: Sequence[Group]) -> list[str]:
    """What makes the comparison itself less than fair, whatever the results say of themselves."""
    systems = [system for group in groups for system in group.systems]
    notes = unlike(systems)
    if len(groups) > 1:
        sizes = listed([f"{group.size} × {group.size}" if group.size else "unstated" for group in groups])
        notes.append(
            f"The systems make frames of different sizes ({sizes} pixels). Motion, sharpness and fidelity depend "
            "on the size, so each size has its own tables, and systems of different sizes are not ranked against "
            "each other."
        )
    for group in groups:
        sets = {frozenset(system.scored) for system in group.systems}
        if len(sets) > 1:
            notes.append(
                "Not every system has the same clips scored: each mean is over its own, each difference over those "
                "that both have."
            )
            break
    for group in groups:
        if titles := unequal(group):
            notes.append(f"{listed(titles)}: numbers of unequal samples are not put beside one another.")
    for group in groups:
        both = [len(group.first.scored.keys() & other.scored.keys()) for other in group.others]
        if both and min(both) < ENOUGH_CLIPS:
            notes.append(
                f"With fewer than {ENOUGH_CLIPS} clips in common no difference is called shown: "
                "so few fall on one side by chance too often."
            )
            break
    for system in systems:
        if system.leaking:
            notes.append(
                f"{system.name} was driven by the landmarks of the true video, which no photo and voice can give: "
                "it is never marked as best."
            )
    crfs = {system.results.system.get("crf") for system in systems} - {None}
    if len(crfs) > 1:
        notes.append(f"The videos were compressed differently (crf {listed(sorted(map(str, crfs)))}).")
    return notes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one system's numbers came from, as labelled values."""

    system: System
    entries: tuple[tuple[str, str], ...]


_SYSTEM = (
    ("Videos of", "name"),
    ("Model", "model"),
    ("Weights, SHA-256", "model_sha256"),
    ("Made by viseme", "version"),
    ("Control", "control"),
    ("Sound shuffled by seed", "shuffled_audio"),
    ("Driven by truth's landmarks", "leaking"),
    ("Frame size", "size"),
    ("Frames a second", "fps"),
    ("H.264 crf", "crf"),
    ("Seed", "seed"),
    ("Sampling", "sampling"),
)
_EVALUATION = (
    ("Scored by viseme", "viseme"),
    ("Landmarks", "landmarks"),
    ("Weights of what measures", "weights"),
    ("Python", "python"),
    ("NumPy", "numpy"),
    ("SciPy", "scipy"),
    ("PyTorch", "torch"),
    ("OpenCV", "opencv"),
    ("dlib", "dlib"),
    ("PyAV", "av"),
    ("Machine", "machine"),
    ("Command", "command"),
    ("Bootstrap seed", "seed"),
    ("Scored on", "created"),
)


def origin(system: System) -> Origin:
    """The system's manifest, the evaluation's provenance and the results file itself; fields unknown here come last."""
    entries = [*_entries(system.results.system, _SYSTEM), *_entries(system.results.provenance, _EVALUATION)]
    entries += [("Results file", system.path.name), ("Results file, SHA-256", signature(system.checksum, 16))]
    return Origin(system, tuple(entries))


def alike(origins: Sequence[Origin]) -> list[tuple[str, str]]:
    """What is true of several systems, each of them, so that it need be said once; nothing of one alone."""
    first, *others = origins
    return [entry for entry in first.entries if others and all(entry in other.entries for other in others)]


def apart(found: Origin, origins: Sequence[Origin]) -> Origin:
    """The origin of one of these systems without what is `alike` in all."""
    shared = alike(origins)
    return Origin(found.system, tuple(entry for entry in found.entries if entry not in shared))


def reference(group: Group) -> list[tuple[str, str]]:
    """What all systems of the page were scored against."""
    found = group.first.results.reference
    actors = found.get("actors") or []
    return [
        ("Store", str(found.get("store", ""))),
        ("Fingerprint", signature(str(found.get("fingerprint", "")), 16)),
        ("Split", str(found.get("split", ""))),
        ("Actors", listed([str(actor) for actor in actors])),
    ]


def _entries(found: Mapping[str, Any], labels: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    known = [(label, found[key]) for label, key in labels if key in found]
    named = {key for _, key in labels}
    rest = [(key.replace("_", " ").capitalize(), value) for key, value in found.items() if key not in named]
    return [(label, _text(value)) for label, value in [*known, *rest] if _said(value)]


def _said(value: Any) -> bool:
    """Whether there is anything to say: zero is something, no and nothing are not."""
    return value is not None and value is not False and value not in ("", {}, [])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(inner) for inner in value)
    text = str(value)
    return signature(text, 16) if len(text) == 64 and all(c in "0123456789abcdef" for c in text) else text

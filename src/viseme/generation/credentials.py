"""C2PA Content Credentials: a signed statement inside a video of what made it, which other programs can check.

Needs c2pa-python (`viseme[credentials]`); it is imported on use.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import viseme
from viseme.errors import InputError
from viseme.files import AnyPath, written_aside
from viseme.generation.provenance import SOURCE_TYPE, read_provenance

MIME = "video/mp4"
BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The UUID of the MP4 box that holds credentials."""
_MEANINGS = {
    "Trusted": "valid, by a signer that this machine trusts",
    "Valid": "valid, by a signer that this machine does not know",
    "Invalid": "INVALID: the video was changed after it was signed, or the signature is none",
}
ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")


@dataclass(frozen=True, slots=True)
class Signature:
    """What is signed with.

    Attributes:
        certificates: PEM, the signer's first, then those up to the root's.
        key: PEM, the signer's private key, PKCS#8.
        algorithm: one of `ALGORITHMS`, as the key needs it.
        timestamps: URL of a time-stamping authority, or empty.
    """

    certificates: str
    key: str
    algorithm: str = "es256"
    timestamps: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a video's credentials say.

    Attributes:
        state: `Trusted`, `Valid` (whole, but the signer is on no list of this machine) or `Invalid`.
        signer: who signed, as the certificate names it.
        program: what claims to have made the video.
        source_type: IPTC's term, such as that for media made by a trained model; empty where none is given.
        faults: codes of what does not hold, of the C2PA specification.
    """

    state: str
    signer: str
    program: str
    source_type: str
    faults: Sequence[str]

    @property
    def meaning(self) -> str:
        """The state in words."""
        return _MEANINGS.get(self.state, self.state.lower())


def read_signature(certificates: AnyPath, key: AnyPath, algorithm: str = "es256", timestamps: str = "") -> Signature:
    """What is signed with, from PEM files.

    Raises:
        InputError: a file that cannot be read or is no PEM, an algorithm that is not known, or c2pa-python missing.
    """
    c2pa()
    if algorithm not in ALGORITHMS:
        raise InputError(f"{algorithm}: is no algorithm of Content Credentials; there are {', '.join(ALGORITHMS)}")
    return Signature(_pem(certificates, "CERTIFICATE"), _pem(key, "PRIVATE KEY"), algorithm, timestamps)


def sign(path: AnyPath, signature: Signature) -> None:
    """Put credentials into a video that viseme wrote; its pictures, sound and metadata stay.

    Raises:
        InputError: c2pa-python is missing, or certificate and key do not go together.
    """
    parts = c2pa()
    words = (signature.algorithm, signature.certificates, signature.key, signature.timestamps)
    info = parts.C2paSignerInfo(*(word.encode("ascii") if word else None for word in words))
    try:
        with (
            written_aside(path) as aside,
            parts.Signer.from_info(info) as signer,
            parts.Builder(manifest(read_provenance(path))) as builder,
        ):
            builder.sign_file(path, aside, signer)
    except parts.C2paError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be signed ({reason}); do certificate, key and algorithm match?") from error


def manifest(record: dict[str, Any]) -> dict[str, Any]:
    """The C2PA manifest of a video with such a record of `provenance`: made, not filmed, by which program and model."""
    program = {"name": "viseme", "version": viseme.__version__}
    made = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": program,
        "description": f"{record.get('name', 'a model')}, seed {record.get('seed')}",
    }
    return {
        "claim_generator_info": [program],
        "title": f"AI-generated talking head ({record.get('name', 'unknown model')})",
        "format": MIME,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}],
    }


def carries_credentials(path: AnyPath) -> bool:
    """Whether an MP4 has a box of credentials at its top level, whatever they say; needs no c2pa-python."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        place = 0
        while place + 24 <= size:
            file.seek(place)
            head = file.read(32)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            start = 16 if length == 1 else 8
            if kind == b"uuid" and head[start : start + 16] == BOX:
                return True
            step = int.from_bytes(head[8:16], "big") if length == 1 else length
            if step < 8:
                return False
            place += step
    return False


def read_credentials(path: AnyPath) -> Credentials | None:
    """The credentials of a video, checked; None where it has none.

    Raises:
        InputError: c2pa-python is missing, or what is there cannot be read.
    """
    parts = c2pa()
    try:
        with open(path, "rb") as file:
            reader = parts.Reader.try_create(MIME, file)
            if reader is None:
                return None
            with reader:
                return _told(json.loads(reader.json()))
    except (parts.C2paError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: its Content Credentials cannot be read ({reason})") from error


def credential_facts(path: AnyPath) -> dict[str, Any]:
    """What a video's credentials say, name -> JSON value, in the order of reading; that there are none, where so."""
    title = "content credentials"
    if not carries_credentials(path):
        return {title: "none"}
    try:
        found = read_credentials(path)
    except InputError as error:
        return {title: f"not checked: {error}"}
    if found is None:
        return {title: "none"}
    facts = {
        title: found.meaning,
        f"{title} signer": found.signer,
        f"{title} program": found.program,
        f"{title} source type": found.source_type,
        f"{title} faults": list(found.faults),
    }
    return {name: value for name, value in facts.items() if value}


def c2pa() -> Any:
    """The module c2pa. Raises `InputError` where it is not installed."""
    try:
        import c2pa as module
    except ImportError as error:
        raise InputError(
            "Content Credentials need c2pa-python; install it: pip install 'viseme[credentials]'"
        ) from error
    return module


def _told(store: dict[str, Any]) -> Credentials:
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signer, program = active.get("signature_info", {}), (active.get("claim_generator_info") or [{}])[0]
    actions = [
        action
        for assertion in active.get("assertions", [])
        if assertion.get("label", "").startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", [])
    ]
    return Credentials(
        state=store.get("validation_state", "Invalid"),
        signer=", ".join(filter(None, (signer.get("common_name"), signer.get("issuer")))),
        program=" ".join(filter(None, (program.get("name"), program.get("version")))),
        source_type=next((one["digitalSourceType"] for one in actions if "digitalSourceType" in one), ""),
        faults=sorted({fault.get("code", "") for fault in store.get("validation_status", [])}),
    )


def _pem(path: AnyPath, kind: str) -> str:
    try:
        text = Path(os.fspath(path)).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a PEM file") from error
    if f"{kind}-----" not in text:
        raise InputError(f"{path}: holds no {kind.lower()} in PEM; give one")
    return text

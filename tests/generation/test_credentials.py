from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import viseme
from viseme.data.video import read_video
from viseme.errors import InputError
from viseme.generation.credentials import carries_credentials, read_credentials, read_signature, sign
from viseme.generation.provenance import SOURCE_TYPE, read_provenance
from viseme.generation.writer import VideoWriter

cryptography = pytest.importorskip("cryptography", reason="cryptography is not installed")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    record = {"generator": "viseme", "name": "tiny_gan", "seed": 3, "ai_generated": True}
    with VideoWriter(tmp_path / "talk.mp4", 32, np.zeros(0, np.float32), metadata=record) as writer:
        for level in range(5):
            writer.write(np.full((32, 32, 3), 20 * level, np.uint8))
    return tmp_path / "talk.mp4"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate under a root of its own, and its key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, text), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tests")]
        )

    def usage(root: bool) -> x509.KeyUsage:
        return x509.KeyUsage(not root, False, False, False, False, root, root, False, False)

    def certificate(subject: str, key, issuer: str, by, root: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(root, None), critical=True)
            .add_extension(usage(root), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        )
        if not root:
            built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        return built.sign(by, hashes.SHA256())

    folder = tmp_path_factory.mktemp("signer")
    above, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = [certificate("Signer", own, "Root", above, False), certificate("Root", above, "Root", above, True)]
    pem = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(pem) for one in chain))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "chain.pem", folder / "key.pem"


def test_a_signed_video_says_who_signed_it_and_stays_what_it_was(video: Path, pair: tuple[Path, Path]) -> None:
    pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    before, record = read_video(video), read_provenance(video)
    assert read_credentials(video) is None
    assert not carries_credentials(video)
    sign(video, read_signature(*pair))
    found = read_credentials(video)
    assert carries_credentials(video)
    assert (found.state, found.signer, found.program) == ("Valid", "Signer, tests", f"viseme {viseme.__version__}")
    assert found.source_type == SOURCE_TYPE
    assert found.faults == ["signingCredential.untrusted"]
    assert (read_video(video) == before).all()
    assert read_provenance(video) == record


def test_a_change_after_signing_shows(video: Path, pair: tuple[Path, Path]) -> None:
    pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    sign(video, read_signature(*pair))
    data = bytearray(video.read_bytes())
    data[data.rindex(b"mdat") + 40] ^= 1
    video.write_bytes(data)
    found = read_credentials(video)
    assert found.state == "Invalid"
    assert "assertion.bmffHash.mismatch" in found.faults
    assert "changed after" in found.meaning


def test_inspect_tells_the_credentials(video: Path, pair: tuple[Path, Path], cli) -> None:
    pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    assert viseme.inspect(video).facts["content credentials"] == "none"
    sign(video, read_signature(*pair))
    told = cli("inspect", video).out
    assert "Signer, tests" in told
    assert "does not know" in told


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda chain, key: (key, key), "holds no certificate"),
        (lambda chain, key: (chain, chain), "holds no private key"),
        (lambda chain, key: (chain.with_name("none.pem"), key), "cannot be read"),
        (lambda chain, key: (chain, key, "rot13"), "there are es256"),
    ],
)
def test_what_cannot_sign_is_refused(pair: tuple[Path, Path], change, line: str) -> None:
    pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    with pytest.raises(InputError, match=line):
        read_signature(*change(*pair))


def test_a_key_of_another_kind_is_told(video: Path, pair: tuple[Path, Path]) -> None:
    pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    before = video.read_bytes()
    with pytest.raises(InputError, match="cannot be signed"):
        sign(video, read_signature(*pair, "ed25519"))
    assert video.read_bytes() == before


def test_without_c2pa_one_line_says_what_to_install(video: Path) -> None:
    code = (
        "import sys; sys.modules['c2pa'] = None\n"
        "from viseme.generation.credentials import read_credentials\n"
        "from viseme.errors import InputError\n"
        "try: read_credentials(sys.argv[1])\n"
        "except InputError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code, video], capture_output=True, text=True, check=True).stdout
    assert "pip install 'viseme[credentials]'" in told

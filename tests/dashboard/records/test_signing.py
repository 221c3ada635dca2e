"""What the school's signature proves, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classair.places import Places
from dashboard.records import command
from dashboard.records.signing import SUFFIX, NotSigned, Signer, verify

BODY, ABOUT = b"time,value\r\n", {"org": "demo-town", "room": "ban-suan.p1-2", "data": "0123456789abcdef"}


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "key")


def test_a_file_is_proved_by_its_signature_and_the_schools_key(signer: Signer) -> None:
    proof = verify(BODY, signer.sign("a.csv", BODY, ABOUT), signer.public_key)
    assert proof.known and proof.about["room"] == "ban-suan.p1-2" and proof.about["file"] == "a.csv"


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = Signer(tmp_path / "key").public_key
    assert Signer(tmp_path / "key").public_key == first
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_one_other_byte_in_the_file_is_found(signer: Signer) -> None:
    with pytest.raises(NotSigned, match="not the one"):
        verify(BODY + b" ", signer.sign("a.csv", BODY, ABOUT))


@pytest.mark.parametrize("key", ["room", "data", "file", "bytes", "public_key"])
def test_whatever_the_signature_says_cannot_be_changed(signer: Signer, key: str) -> None:
    said = json.loads(signer.sign("a.csv", BODY, ABOUT))
    said[key] = "x" if key != "bytes" else 1
    with pytest.raises(NotSigned):
        verify(BODY, json.dumps(said).encode())


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b'{"format": "classair-signature-1"}', b"[" * 20_000, b"\xff\xfe"]
)
def test_what_is_no_signature_is_refused_in_words(text: bytes) -> None:
    with pytest.raises(NotSigned):
        verify(BODY, text)


def test_another_schools_key_is_not_taken_for_ours(signer: Signer, tmp_path: Path) -> None:
    other = Signer(tmp_path / "other")
    assert not verify(BODY, other.sign("a.csv", BODY, ABOUT), signer.public_key).known


def test_the_command_proves_a_file_and_refuses_a_changed_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, file = Places(tmp_path).record_key, tmp_path / "a.csv"
    key.parent.mkdir()
    signature = Signer(key).sign("a.csv", BODY, ABOUT)
    file.write_bytes(BODY)
    file.with_name("a.csv" + SUFFIX).write_bytes(signature)
    assert command.main(["verify", str(file), "--data", str(tmp_path)]) == 0
    assert "VALID" in capsys.readouterr().out
    assert command.main(["verify", str(file), "--data", str(tmp_path / "elsewhere")]) == 1
    assert "UNKNOWN KEY" in capsys.readouterr().out and not (tmp_path / "elsewhere").exists()
    assert command.main(["key", "--data", str(tmp_path)]) == 0
    public = capsys.readouterr().out.strip()
    assert command.main(["verify", str(file), "--data", str(tmp_path / "elsewhere"), "--key", public]) == 0
    capsys.readouterr()
    file.write_bytes(BODY + b"1,2\r\n")
    assert command.main(["verify", str(file), "--data", str(tmp_path)]) == 1
    assert "NOT VALID" in capsys.readouterr().out

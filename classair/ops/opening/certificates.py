"""The school's own certificate authority and certificate, made by openssl; keys are readable by their owner only.

Phones and bridges trust the authority, so it is held to the school: private addresses and the names it was made for.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

AUTHORITY_DAYS: Final = 3650
DAYS: Final = 800  # Apple's devices take at most 825 from an authority that a person has installed
RENEWED_DAYS: Final = 60
"""So long before its end a certificate is made again."""
_PRIVATE: Final = (
    *("IP:10.0.0.0/255.0.0.0", "IP:172.16.0.0/255.240.0.0", "IP:192.168.0.0/255.255.0.0"),
    *("IP:fc00::/fe00::", "DNS:local", "DNS:lan", "DNS:internal", "DNS:home.arpa"),
)


class NoCertificate(RuntimeError):
    """Why there is none; for a person."""


def authority_of(folder: Path) -> Path:
    return folder / "ca.crt"


def make(folder: Path, org: str, names: list[str], now: datetime) -> list[str]:
    """Makes what is missing, ends soon or is for other names; what was made ("ca", "server"). Raises NoCertificate."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = []
    allowed = _read(folder / "ca.json")
    whole = _fits(folder, "ca") or not (folder / "ca.key").exists()  # some keep it elsewhere
    if not authority_of(folder).exists() or not whole or not all(_covered(name, allowed) for name in names):
        dns = [f"DNS:{name}" for name in names if not _is_ip(name)]
        alone = [_one_ip(name) for name in names if _is_ip(name)]
        permitted = list(dict.fromkeys([*_PRIVATE, *dns, *alone]))
        _authority(folder, org, permitted)
        _write(folder / "ca.json", permitted)
        made.append("ca")
    ends = end_of(folder)
    soon = ends is None or ends - now < timedelta(days=RENEWED_DAYS)
    if made or soon or _read(folder / "names.json") != names or not usable(folder) or not _signed(folder):
        _certificate(folder, org, names)
        _write(folder / "names.json", names)
        made.append("server")
    return made


def end_of(folder: Path) -> datetime | None:
    """Until when the certificate holds; None where there is none."""
    path = folder / "server.crt"
    if not path.exists():
        return None
    told = _openssl("x509", "-in", str(path), "-noout", "-enddate").strip().partition("=")[2]
    return datetime.strptime(told, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)


def usable(folder: Path) -> bool:
    """Whether there is a certificate with its key: not where making it was interrupted."""
    return _fits(folder, "server")


def _fits(folder: Path, name: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    except OSError:  # also what is damaged, or another one's key
        return False
    return True


def _signed(folder: Path) -> bool:
    """Whether the certificate is of this authority."""
    try:
        _openssl("verify", "-no_check_time", "-CAfile", str(authority_of(folder)), str(folder / "server.crt"))
    except NoCertificate:
        return False
    return True


def _authority(folder: Path, org: str, permitted: list[str]) -> None:
    fresh = folder / "ca.crt.new"
    constraints = ",".join(f"permitted;{one}" for one in permitted)
    key = _key(folder / "ca.key.new")
    _openssl(
        *("req", "-x509", "-new", "-key", str(key), "-sha256", "-days", str(AUTHORITY_DAYS), "-out", str(fresh)),
        *("-subj", f"/O={org}/CN=ClassAir {org}"),
        *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-addext", f"nameConstraints=critical,{constraints}"),
    )
    key.replace(folder / "ca.key")
    fresh.replace(authority_of(folder))


def _certificate(folder: Path, org: str, names: list[str]) -> None:
    asked, fresh, wanted = (folder / name for name in ("server.csr", "server.crt.new", "server.ext"))
    key = _key(folder / "server.key.new")
    try:
        _openssl("req", "-new", "-key", str(key), "-subj", f"/O={org}/CN=ClassAir", "-out", str(asked))
        wanted.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
            f"subjectAltName={','.join(_alternative(name) for name in names)}\n",
            "ascii",
        )
        _openssl(
            *("x509", "-req", "-in", str(asked), "-CA", str(authority_of(folder)), "-CAkey", str(folder / "ca.key")),
            *("-CAcreateserial", "-sha256", "-days", str(DAYS), "-extfile", str(wanted), "-out", str(fresh)),
        )
        # Only now: whoever uses the old ones goes on with them if openssl or the disk fails.
        key.replace(folder / "server.key")
        fresh.replace(folder / "server.crt")
    finally:
        for path in (asked, wanted):
            path.unlink(missing_ok=True)


def _key(path: Path) -> Path:
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path))
    path.chmod(0o600)
    return path


def _openssl(*words: str) -> str:
    program = shutil.which("openssl")
    if program is None:
        raise NoCertificate("openssl is not installed (Debian: apt install openssl)")
    done = subprocess.run([program, *words], capture_output=True, text=True, umask=0o077, check=False)
    if done.returncode:
        raise NoCertificate(f"openssl {words[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _alternative(name: str) -> str:
    return f"{'IP' if _is_ip(name) else 'DNS'}:{name}"


def _one_ip(name: str) -> str:
    return f"IP:{name}/{'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' if ':' in name else '255.255.255.255'}"


def _covered(name: str, permitted: list[str]) -> bool:
    """Whether an authority that may sign for these may sign for the name."""
    if not _is_ip(name):
        return any(one.startswith("DNS:") and (name == one[4:] or name.endswith(f".{one[4:]}")) for one in permitted)
    address = ipaddress.ip_address(name)
    for one in permitted:
        base, _, mask = one.removeprefix("IP:").partition("/")
        if one.startswith("IP:") and address.version == ipaddress.ip_address(base).version:
            bits = int(ipaddress.ip_address(mask))
            if int(address) & bits == int(ipaddress.ip_address(base)) & bits:
                return True
    return False


def _read(path: Path) -> list[str]:
    try:
        return [str(one) for one in json.loads(path.read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _write(path: Path, what: list[str]) -> None:
    path.write_text(json.dumps(what), "utf-8")

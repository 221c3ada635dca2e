"""What the repository carries: nothing of one machine, nothing unfinished, names that do not collide."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Written so that this file is not among its own findings.
FORBIDDEN = {
    "the address of a package index": r"index[-_]url|find[-_]links|(pypi|pythonhosted)[.]org/(simple|packages)|"
    r"registry[.]npmjs|^registry ?=",
    "something left for later": r"\bTO[D]O\b|\bFIX[M]E\b|\bX[X]X\b",
    "a private key": r"BEGIN [A-Z ]*PRIVATE[ ]KEY",
    "a home folder": r"/(home|Users)/[a-z]\w*/",
    "a mark of an unfinished merge": r"^(<{7}|>{7}) ",
}


def tracked() -> list[str]:
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if told.returncode:
        pytest.skip("not a git checkout, so there is no list of files")
    return [name for name in told.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_files() -> dict[str, str]:
    found = {}
    for name in tracked():
        data = (ROOT / name).read_bytes()
        # Bundles of others (minified JavaScript, fonts) are not ours to word.
        if b"\0" not in data[:8000] and ".min." not in name:
            found[name] = data.decode("utf-8")
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_carries(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = {name: match[0] for name, text in text_files().items() if (match := pattern.search(text))}
    assert found == {}


def test_no_file_names_a_path_of_this_machine() -> None:
    here = f"{ROOT}/"
    if here.count("/") < 3:
        pytest.skip(f"{here} is too short a path to be told from others")
    assert [name for name, text in text_files().items() if here in text] == []


def test_pins_have_hashes_and_no_addresses() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text("utf-8")
        pins = re.findall(r"^[A-Za-z0-9_.-]+(?:\[[^\]]+\])?==\S+", text, re.MULTILINE)
        assert pins and "://" not in text and "-e " not in text, path.name
        hashes = r"\\\n    --hash=sha256:[0-9a-f]{64}(?: \\\n    --hash=sha256:[0-9a-f]{64})*"
        assert len(pins) == len(re.findall(hashes, text))


def test_a_package_has_one_version_in_all_pins() -> None:
    versions: dict[str, set[str]] = {}
    for path in (ROOT / "requirements").glob("*.txt"):
        for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", path.read_text("utf-8"), re.MULTILINE):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = {extra: [*project["project"]["dependencies"], *needs] for extra, needs in extras.items()}
    apart = ("netcdf", "tapo")  # for those who ask for it
    wanted["run"] = [need for extra, needs in wanted.items() if extra not in apart for need in needs]
    more = [need for extra in apart for need in wanted[extra]]
    wanted["test"] = [*wanted["run"], *wanted["research"], *more, *project["dependency-groups"]["dev"]]
    for name, needs in wanted.items():
        pinned = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").lower().replace("_", "-")
        for need in needs:
            package = re.split(r"[\[<>=~;! ]", need)[0].lower().replace("_", "-")
            assert re.search(rf"^{re.escape(package)}==", pinned, re.MULTILINE), f"{package} in requirements/{name}.txt"


def test_test_files_have_names_of_their_own_and_no_packages() -> None:
    tests = [Path(name) for name in tracked() if name.startswith("tests/") and name.endswith(".py")]
    assert [str(path) for path in tests if path.name == "__init__.py"] == []
    assert [name for name, n in Counter(path.name for path in tests).items() if n > 1 and name != "conftest.py"] == []

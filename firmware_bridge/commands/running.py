"""Which schools run on this machine, and where their data are: read from the processes of `classair run`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from classair.arguments import shared


class Running(NamedTuple):
    """Data folder and configuration file of a school that runs, both absolute."""

    data: Path
    config: Path


def running(processes: Path = Path("/proc")) -> list[Running]:
    """Every `classair run` and `classair bridge` of this machine that may be looked at, each folder once."""
    found = {}
    for process in processes.iterdir() if processes.is_dir() else ():
        if not process.name.isdecimal() or process.name == str(os.getpid()):
            continue
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            folder = (process / "cwd").readlink()
        except OSError:  # it has ended, or is another person's
            continue
        if (options := _options(words)) is not None:
            one = Running((folder / options.data).resolve(), (folder / options.config).resolve())
            found[one.data] = one
    return sorted(found.values())


def _options(words: Sequence[str]) -> argparse.Namespace | None:
    """What `… classair run|bridge …` was told; None for another program."""
    for place, word in enumerate(words[:-1]):
        named = word.endswith("/classair") or (word == "classair" and (place == 0 or words[place - 1] == "-m"))
        if named and words[place + 1] in ("run", "bridge"):
            parser = argparse.ArgumentParser(
                add_help=False, exit_on_error=False, parents=[shared("--data", "--config")]
            )
            try:
                return parser.parse_known_args([one for one in words[place + 2 :] if one])[0]
            except argparse.ArgumentError:
                return None
    return None


def meant(data: Path, config: Path, *, said: Sequence[str]) -> tuple[Running, str]:
    """The school that a command means when it was not told one, and what to tell of that.

    `data`, `config`: what the options hold; `said`: which of them were given. Where none was and one school runs here,
    that is meant. Raises ValueError when several run and nothing says which.
    """
    own, others = Running(data.resolve(), config.resolve()), running()
    same = next((one for one in others if one.data == own.data), None)
    if same is not None and "--config" not in said:
        return same, ""
    if same is not None or "--data" in said or not others:
        return own, ""
    if "--config" in said:
        others = [one for one in others if one.config == own.config]
        if not others:
            return own, ""
    if len(others) > 1:
        folders = ", ".join(str(one.data) for one in others)
        raise ValueError(f"several schools run on this machine ({folders}). Say which: --data DIR")
    return others[0], f"using the data of the school that runs here: {others[0].data}"

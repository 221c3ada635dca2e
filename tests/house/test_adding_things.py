"""One file adds a thing: in a copy of the tree it is added, nothing else is touched, and it is used."""

from __future__ import annotations

from typing import Any


def test_a_copy_of_the_tree_runs_by_itself(copy: Any) -> None:
    told = copy.run("check")
    assert told.returncode == 0 and "in order" in told.stdout, told.stderr

"""A sensitive room is told of earlier, and its purifier starts earlier; other rooms are as before."""

from __future__ import annotations

import json

import pytest

from alerts.rules.kinds import above
from classair import config as configuration
from classair.config.notifying import AboveRule
from classair.config.purifiers import PurifierRule

SCHOOL = {
    "org": "o",
    "sites": {
        "s": {
            "name": "S",
            "bridges": {"b": {}},
            "rooms": {
                "small": {"name": "N", "volume_m3": 100, "sensitive": True},
                "big": {"name": "B", "volume_m3": 100},
            },
            "sensors": {},
        }
    },
    "rules": {"purifiers": {"kind": "purifier"}, "dust": {"kind": "above", "above": 37.5, "tell": []}},
    "people": {},
}


@pytest.fixture
def school() -> configuration.Config:
    return configuration.parse(json.dumps(SCHOOL), {})


def test_a_purifier_of_a_sensitive_room_starts_at_whos_guideline(school: configuration.Config) -> None:
    early, usual = school.purifier_rule("s.small"), school.purifier_rule("s.big")
    assert (early.on_above, early.off_below, early.fast_above) == (15.0, 10.0, 37.5)
    assert (usual.on_above, usual.off_below) == (25.0, 15.0) and usual == school.purifier_rule()
    # A school that is stricter already stays so.
    assert PurifierRule(kind="purifier", on_above=12, off_below=6).stricter().on_above == 12


@pytest.mark.parametrize(("limit", "expected"), [(37.5, 25.0), (20.0, 20.0)])
def test_the_alert_about_dust_comes_earlier_for_a_sensitive_room(
    school: configuration.Config, limit: float, expected: float
) -> None:
    rule = above.Rule("dust", AboveRule(kind="above", above=limit), school)
    assert rule.limit_in("s.small") == expected
    assert rule.limit_in("s.big") == limit
    co2 = above.Rule("air", AboveRule(kind="above", above=1500, quantity="co2"), school)
    assert co2.limit_in("s.small") == 1500

"""From a row of the table to all words around it: the reason line, the line for children, the texts for every age.

One function decides each line from the row and the air, so that no two texts of one screen speak against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from classair import i18n
from classair.science import advice
from classair.science.advice import DUST_ROWS, OUTDOOR_ROW, ROWS, STUFFY_ROWS
from classair.science.heat import DANGEROUS
from classair.wire import Phase, PhaseTexts

_FOLLOW_TEACHER = frozenset({"1", "2", "3", "3a", "7a"})
_HIGH_OUTSIDE = frozenset({"13", "13a", "13b", "13c"})
Over = Literal["", "hour", "day"]
_PROMISES = frozenset({"reason.filling", "reason.warming_up"})
_SILENT = frozenset({"reason.silent", "reason.silent_told"})
_LINES = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a screen's words depend on at one moment. `level` is the key on the panel.

    `worst`: the worse (1…5) of that level and the number beside it. `play`: the level by which playing outdoors is
    advised, None for unknown; `over`: it comes from a mean over so long and is worse than what is shown of now.
    `stuffy`: CO2 is above fresh air's end. `stricter`: this is advised because the room is a sensitive one.
    `unknown_key`: why there is no value.
    """

    row: str
    level: str
    worst: int
    play: int | None
    stuffy: bool = False
    made_inside: bool = False
    heat: str = ""
    openings: bool = True
    is_clean: bool = False
    over: Over = ""
    stricter: bool = False
    unknown_key: str = "reason.silent"
    minutes: int = 0


def play_beside(row: str, play: int | None) -> int | None:
    """The level of the advice on outdoor play beside a row: none is sent out by it whom the row keeps in."""
    return max(play or 0, 4) if row in _HIGH_OUTSIDE else play


def over_of(play_level: int | None, play_over: Over, now: int) -> Over:
    """Over how long the air was worse than the level that is shown `now`; "" where playing is judged by that."""
    return play_over if (play_level or 0) > now else ""


def is_stricter(facts: advice.Facts, row: str, has: frozenset[advice.Need]) -> bool:
    """Whether other rooms with the same air would be told less."""
    if not facts.sensitive or facts.indoor is None:
        return False
    earlier = facts.play is not None and facts.play >= 4
    return earlier or (row in ROWS and advice.choose(replace(facts, sensitive=False), has) != row)


def play_key(scene: Scene) -> str:
    """The key under [outdoor_play]."""
    if scene.play is None:
        return "unknown"
    if scene.play <= 2:
        return "usual"
    if scene.play < 5:
        return {3: "shorter", 4: "none"}[scene.play]
    # Nobody is sent to a clean room by one line and kept here by the other.
    return "stay_in_clean" if scene.is_clean or scene.row in ("2", "7a") else "stay_in"


def children_key(scene: Scene) -> str:
    """The key under [children]."""
    if (scene.row not in ROWS and scene.row != OUTDOOR_ROW) or scene.level == "unknown" or not scene.worst:
        return "unknown"
    play = scene.play
    if scene.row in _FOLLOW_TEACHER or scene.row in STUFFY_ROWS:
        return "teacher"
    if scene.worst <= 2:
        if scene.stuffy or (scene.stricter and scene.row in DUST_ROWS):
            return "teacher"
        if scene.row == OUTDOOR_ROW:
            return _LINES[scene.worst - 1] if play is not None and play <= 2 else "teacher"
        if play is None or play == 3:
            return "learn_inside"
        return _LINES[scene.worst - 1] if play <= 2 else "stay_inside"
    if scene.worst == 3:
        return "moderate"
    if play is not None and play <= 3:
        return "teacher"  # nobody is kept in a room whose air is worse than the yard's
    if scene.worst == 4:
        return "starts_to_affect_health"
    return "affects_health" if scene.is_clean and scene.row != "7b" else "affects_health_here"


def action_key(row: str, openings: bool) -> str:
    """The key of the row's words; without openings those about windows are left out."""
    bare = f"action.no_windows.{row}"
    return bare if not openings and i18n.has(bare) else f"action.{row}"


@lru_cache(maxsize=8192)
def known_texts(language: str, scene: Scene) -> PhaseTexts:
    """What the screen says while there is a value."""
    playing = i18n.t(language, f"outdoor_play.{play_key(scene)}")
    if scene.over and scene.play is not None:
        # Beside a number of now nobody could tell where this comes from.
        playing = i18n.t(language, f"reason.over_{scene.over}", reason=playing)
    if scene.row == OUTDOOR_ROW:
        action, reason = playing, ""
    else:
        action, reason = i18n.t(language, action_key(scene.row, scene.openings)), playing
        if scene.made_inside:
            reason = _joined(language, reason, "reason.made_inside")
        elif scene.heat in DANGEROUS and ROWS[scene.row].closes_windows:
            reason = _joined(language, reason, "reason.very_hot")
        if scene.stricter:
            reason = _joined(language, reason, "reason.stricter")
    return PhaseTexts(
        rule=scene.row,
        level=i18n.t(language, f"level.{scene.level}"),
        action=action,
        reason=reason,
        children=i18n.t(language, f"children.{children_key(scene)}"),
    )


@lru_cache(maxsize=8192)
def unknown_texts(language: str, row: str, openings: bool, key: str, minutes: int, is_outdoor: bool) -> PhaseTexts:
    """What the screen says while there is none. {minutes} stays in a silent room's reason: the page counts the age."""
    return PhaseTexts(
        rule=row,
        level=i18n.t(language, "level.unknown"),
        action=i18n.t(language, "outdoor_play.unknown" if is_outdoor else action_key(row, openings)),
        reason=i18n.t(language, key, n=minutes) if minutes else i18n.t(language, key),
        children=i18n.t(language, "children.unknown_outdoor" if is_outdoor else "children.unknown"),
    )


def unknown_key(key: str, is_outdoor_known: bool, is_kept_up: bool) -> str:
    """The reason's key once nobody keeps a promise up, and without a word about an outdoor value that is not there."""
    if key in _PROMISES and not is_kept_up:
        key = "reason.silent"
    return f"{key}_flag" if key in _SILENT and not is_outdoor_known else key


def texts_of(
    scene: Scene, facts: advice.Facts, has: frozenset[advice.Need], is_outdoor: bool
) -> dict[str, dict[Phase, PhaseTexts]]:
    """The words of every phase in every language.

    With a value: `ok` and `late` say the row on the screen, `unknown` what will be right once the value is too old.
    Without one all three say the row, and only `ok` that there will be a value in some minutes. `no_outdoor` is for the
    time after the outdoor value has become too old, which a page that hears nothing more has to see by itself.
    """
    known = scene.level != "unknown"
    blind = scene
    if not is_outdoor and facts.outdoor is not None:
        row = advice.choose_blind(advice.without_outdoors(facts), has)
        blind = replace(scene, row=row, play=None, over="", made_inside=False)
    seen = facts.outdoor is not None and not is_outdoor
    found: dict[str, dict[Phase, PhaseTexts]] = {}
    for language in i18n.LANGUAGES:

        def unknown(row: str, key: str, language: str = language) -> PhaseTexts:
            minutes = scene.minutes if key in _PROMISES else 0
            return unknown_texts(language, row, scene.openings, key, minutes, is_outdoor)

        key = scene.unknown_key
        if known:
            told = known_texts(language, scene)
            # Nobody may be there to say then whether the value outside is still one.
            row = advice.NOT_KNOWN if is_outdoor else row_when_unknown(facts, has)
            found[language] = {"ok": told, "late": told, "unknown": unknown(row, unknown_key(key, False, False))}
            if blind is not scene:
                found[language]["no_outdoor"] = known_texts(language, blind)
        else:
            later = unknown(scene.row, unknown_key(key, seen, False))
            found[language] = {"ok": unknown(scene.row, unknown_key(key, seen, True)), "late": later, "unknown": later}
            if blind is not scene:
                found[language]["no_outdoor"] = unknown(blind.row, unknown_key(key, False, False))
    return found


def _joined(language: str, reason: str, more: str) -> str:
    return i18n.t(language, "reason.with_more", reason=reason, more=i18n.t(language, more))


def dust_is_made_inside(row: str, facts: advice.Facts) -> bool:
    """Whether the reason line adds that dust is made in the room."""
    inside, outside = advice.tenths(facts.indoor), advice.tenths(facts.outdoor)
    return row in ("1", "3", "3a") and inside is not None and outside is not None and inside > outside


def row_when_unknown(facts: advice.Facts, has: frozenset[advice.Need]) -> str:
    """The row of a room whose value will be too old, told ahead: it stands on a page that may hear nothing more, so it
    opens nothing. Closed windows are right as long as nobody knows that the air outside is good.
    """
    outside = advice.air_of(facts).outside
    if outside is None or outside <= advice.limit_of(37.5, facts.sensitive) * 10 or not has & {"purifier", "openings"}:
        return advice.NOT_KNOWN
    return "0a" if "purifier" in has else "0b"

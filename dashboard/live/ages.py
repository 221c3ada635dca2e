"""What a state published earlier says at this moment: the same three phases that every page goes through by age."""

from __future__ import annotations

from typing import Final, Literal

from classair.wire import Current, PhaseTexts, RoomState
from classair.wire import Phase as TextPhase

Phase = Literal["ok", "late", "unknown"]

FAR_MS: Final = 1 << 62
UNCONFIRMED_MS: Final = 30_000
"""A purifier is given 10 s and three tries to confirm; after this long without, it is a case for a person."""
PROMISED_MS: Final = 3 * 60_000
"""A value is promised only while readings come: not later than this after the newest, or after the last state."""
SILENT_MS: Final = 15 * 60_000  # a state that nobody renewed for so long speaks of the past, whatever it says


def current_as_of(value: Current, at_ms: int) -> Current:
    """A value as it stands at `at_ms`: late or unknown once its own moments have passed. Nothing gets better by age."""
    if value.status in ("ok", "late") and value.unknown_at is not None and at_ms >= value.unknown_at:
        return value.model_copy(update={"status": "unknown", "value": None, "shown": "", "level": "unknown"})
    if value.status == "ok" and value.late_at is not None and at_ms >= value.late_at:
        return value.model_copy(update={"status": "late"})
    if value.status == "filling" and value.newest_at is not None and at_ms >= value.newest_at + PROMISED_MS:
        return value.model_copy(update={"status": "unknown", "minutes_left": None})
    return value


def state_as_of(state: RoomState, at_ms: int) -> RoomState:
    """The state with each of its values as it stands at `at_ms`."""
    parts: dict[str, object] = {name: current_as_of(getattr(state, name), at_ms) for name in ("pm25", "co2", "outdoor")}
    if state.purifier is not None and at_ms - max(state.at, state.purifier.at) > SILENT_MS:
        # Whoever watches the purifier has gone quiet: what it said last is no longer known.
        parts["purifier"] = state.purifier.model_copy(update={"on": None, "confirmed": False})
    for name in ("pm25", "co2", "outdoor"):
        value = parts[name]
        if isinstance(value, Current) and value.status == "warming_up" and at_ms >= state.at + PROMISED_MS:
            parts[name] = value.model_copy(update={"status": "unknown", "minutes_left": None})
    aged = state.model_copy(update=parts)
    texts = next(iter(state.texts.values()), {}).get(text_phase(state, at_ms))
    return aged if texts is None else aged.model_copy(update={"rule": texts.rule})


def text_phase(state: RoomState, at_ms: int) -> TextPhase:
    """Which of the state's texts fit at `at_ms`: by the age of the value inside, then by that of the value outside."""
    was, outdoor = state.pm25.status in ("ok", "late"), state.outdoor
    phase = phase_of(current_as_of(state.pm25, at_ms))
    gone = outdoor.status in ("ok", "late") and phase_of(current_as_of(outdoor, at_ms)) == "unknown"
    if gone and (phase != "unknown" or not was) and any("no_outdoor" in texts for texts in state.texts.values()):
        return "no_outdoor"
    # What is promised stands in the first of the texts, and in no other.
    return "ok" if is_promised(state, at_ms) else phase


def is_promised(state: RoomState, at_ms: int) -> bool:
    """Whether there will be a value inside in some minutes, as far as somebody has said so lately."""
    value = state.pm25
    if value.status == "filling" and value.newest_at is not None:
        return at_ms < value.newest_at + PROMISED_MS
    return value.status in ("filling", "warming_up") and at_ms < state.at + PROMISED_MS


def texts_as_of(state: RoomState, language: str, at_ms: int) -> PhaseTexts | None:
    """The words of the room as they stand at `at_ms`, in one language."""
    return state.texts.get(language, {}).get(text_phase(state, at_ms))


def actions_as_of(state: RoomState, at_ms: int) -> dict[str, str]:
    """The action by language, without the marks of its phrases."""
    return {
        language: told.action.replace("‹", "").replace("›", "")
        for language in state.texts
        if (told := texts_as_of(state, language, at_ms)) is not None
    }


def phase_of(value: Current) -> Phase:
    """Which of the state's three texts fits a value that has been brought to the present."""
    return "ok" if value.status == "ok" else "late" if value.status == "late" else "unknown"


def next_change(state: RoomState | None, at_ms: int) -> int:
    """When what a state says will differ by its age alone (UTC ms); far away when nothing will."""
    if state is None:
        return FAR_MS
    moments = [at for value in (state.pm25, state.co2, state.outdoor) for at in (value.late_at, value.unknown_at)]
    if state.purifier is not None:
        heard = max(state.at, state.purifier.at)
        moments += [heard + PROMISED_MS, heard + SILENT_MS + 1, state.purifier.since + UNCONFIRMED_MS + 1]
    for value in (state.pm25, state.co2, state.outdoor):
        if value.status == "filling" and value.newest_at is not None:
            moments.append(value.newest_at + PROMISED_MS)
        elif value.status == "warming_up":
            moments.append(state.at + PROMISED_MS)
    return min((at for at in moments if at is not None and at > at_ms), default=FAR_MS)

"""Everything that can be said of a room, from its minutes, in one order."""

from __future__ import annotations

from research.rooms.cleaning import avoided, cleaning, room_losses
from research.rooms.estimate import Estimate
from research.rooms.gains import gains
from research.rooms.infiltration import infiltration, quiet_hours, ratio
from research.rooms.minutes import Minutes
from research.rooms.ventilation import from_decays, from_lessons


def estimates(room: Minutes) -> tuple[list[Estimate], bool | None]:
    """(ventilation, indoor against outdoor, purifier; whether the purifier has an effect, None: cannot tell)."""
    start, indoor, outdoor = room.start_ms, room.pm25, room.outdoor_pm25
    losses = room_losses(start, indoor, outdoor, room.purifier, room.occupied, room.windows)
    quiet = quiet_hours(start, indoor, outdoor, room.occupied, room.purifier)
    known = gains(losses, quiet.median)
    found = [
        from_decays(start, room.co2, room.occupied, room.outdoor_co2, when="break"),
        from_decays(start, room.co2, room.occupied, room.outdoor_co2, when="after_school"),
        from_lessons(start, room.co2, room.occupied, room.outdoor_co2),
        ratio(start, indoor, outdoor, known),
        infiltration(start, indoor, outdoor, room.occupied, room.purifier, losses, known),
    ]
    if room.volume_m3 is None:
        return found, None
    cleaned = cleaning(
        start,
        indoor,
        outdoor,
        room.purifier,
        room.volume_m3,
        room.occupied,
        room.windows,
        claimed_m3h=room.claimed_m3h,
        losses=losses,
    )
    return [
        *found,
        cleaned.clean_air,
        *avoided(cleaned, indoor, room.purifier, room.occupied, room.lesson, known, room.windows),
    ], cleaned.effect

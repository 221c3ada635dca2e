"""The closed sets of words that alerts, their notifications and smoke episodes are described by."""

from __future__ import annotations

from typing import Final, Literal

Severity = Literal["info", "warning", "urgent"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "urgent")

AlertState = Literal["pending", "firing", "acknowledged", "resolved", "closed"]
"""`pending`: it holds, but not yet for as long as its rule asks. `resolved`: it is over, and what comes back within the
joining time (JOIN_MS) is the same alert. `closed`: over for good; the recovery message is sent then."""
OPEN: Final[tuple[AlertState, ...]] = ("pending", "firing", "acknowledged", "resolved")

Stage = Literal["fired", "escalated", "reminder", "recovered", "episode", "test", "message"]
"""Why a notification is sent: the alert fired, nobody acknowledged it, it lasts, it is over, a smoke episode opened or
closed or has a task for somebody, a person tries their channel, the dashboard has a message for somebody (a weekly
report, news of a ticket)."""

NotificationState = Literal["waiting", "sending", "delivered", "abandoned", "dropped"]
"""`dropped`: there was nothing to tell any more, or the person does not want it (see its reason); `abandoned`: every
channel refused it for good, or for too long."""

Reason = Literal[
    "",
    "quiet_hours",  # waits for their end
    "unsubscribed",
    "over_before_sent",
    "quota",  # LINE's month is used up, and there is no second channel
    "budget",  # kept back so that urgent messages still have quota
    "no_channel",
    "refused",  # the channel refused it for good: blocked, wrong address
    "too_old",
    "silenced",
    "acknowledged",  # it would have said that nobody had acknowledged it
]

JOIN_MS: Final = 30 * 60_000
GROUP_MS: Final = 60_000
ESCALATE_AFTER_S: Final = (0.0, 600.0, 1800.0)  # of the steps of a chain that do not say `after`
CHANNELS_THAT_REACH_NOBODY: Final = ("console", "in_app")

"""One answer: words, cards and pictures, with buttons that write the next words in the user's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from classair.line import flex, limits

MOST_CHOICES: Final = 13  # LINE's own limit of quick replies


@dataclass(frozen=True, slots=True)
class Choice:
    """`label` stands on the button, `says` is what a tap writes."""

    label: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """`messages`: cards and pictures before the words. `listed`: the choices stand in the words as well, numbered,
    for LINE on a computer, which shows no buttons. `outcome` is kept with the event.
    """

    outcome: str
    text: str = ""
    choices: tuple[Choice, ...] = ()
    messages: tuple[dict[str, Any], ...] = ()
    listed: bool = False

    def made(self) -> list[dict[str, Any]]:
        """In LINE's form: at most five messages, the buttons at the last one."""
        made = [dict(message) for message in self.messages]
        if self.text:
            made.append(flex.text(self.words))
        made = made[: limits.MESSAGES]
        if made and self.choices:
            made[-1]["quickReply"] = {
                "items": [
                    {
                        "type": "action",
                        "action": {
                            "type": "message",
                            "label": limits.shortened(one.label, limits.LABEL),
                            "text": limits.shortened(one.says or one.label, limits.POSTBACK_DATA),
                        },
                    }
                    for one in self.choices[:MOST_CHOICES]
                ]
            }
        return made

    @property
    def words(self) -> str:
        if not self.listed:
            return self.text
        return "\n".join([self.text, *(f"{number}. {one.label}" for number, one in enumerate(self.choices, 1))])

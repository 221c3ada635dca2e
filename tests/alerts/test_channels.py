"""Every channel: delivers or says why not, refuses unknown settings, and leaves nothing private in the log."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.channels import ChannelError, Message, console, in_app

MESSAGE = Message("Title", "Something happened", "en")


def test_the_console_speaks(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    console.Channel(console.Settings()).send(MESSAGE)
    assert capsys.readouterr().out == "** Title: Something happened\n"
    assert caplog.text == ""


def test_a_console_that_cannot_be_written_is_a_failure_that_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(ChannelError) as failure:
        console.Channel(console.Settings()).send(MESSAGE)
    assert not failure.value.permanent and "No space" in str(failure.value)


@pytest.mark.parametrize("channel", [console, in_app])
def test_a_log_and_a_page_reach_nobody_and_take_no_settings(channel: Any) -> None:
    assert channel.REACHES_A_PERSON is False
    assert channel.Channel(channel.Settings()).send(MESSAGE) is None
    with pytest.raises(ValidationError):
        channel.Settings.model_validate({"to": "somebody"})

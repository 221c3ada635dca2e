"""Every channel: delivers or says why not, refuses unknown settings, and leaves nothing private in the log."""

from __future__ import annotations

import sys

import pytest
from pydantic import ValidationError

from alerts import channels
from alerts.channels import ChannelError, Message, console

MESSAGE = Message("Title", "Something happened", "en")


def test_the_console_speaks(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    channels.make("console", {}).send(MESSAGE)
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


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError):
        channels.make("console", {"to": "somebody"})

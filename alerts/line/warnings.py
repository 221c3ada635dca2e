"""What the health page says of LINE: a quota that ends, who would then be told nothing, a token that is missing."""

from __future__ import annotations

from alerts.channels import Office
from alerts.line.budget import Forecast
from alerts.line.desk import NoToken, desk
from classair.config import Config
from classair.i18n import LANGUAGES, in_every_language, show_date, t

Words = dict[str, str]


def warnings(config: Config, office: Office) -> list[Words]:
    """Nothing where nobody is told by LINE. Asks LINE once an hour, without waiting for the answer."""
    people = by_line(config)
    if not people:
        return []
    shared = desk(office)
    try:
        shared.client()
    except NoToken as error:
        return [in_every_language("line.no_token", why=error, people=", ".join(people))]
    shared.budget.refresh_apart()
    return said(shared.budget.forecast(len(people)), without_second(config))


def by_line(config: Config) -> list[str]:
    """Who is told by LINE, by one of their ways."""
    return [
        name
        for name, person in config.people.items()
        if person.channel == "line" or (person.second is not None and person.second.channel == "line")
    ]


def without_second(config: Config) -> list[str]:
    """Who is told by LINE alone."""
    return [name for name, person in config.people.items() if person.channel == "line" and not _other(config, name)]


def not_linked(config: Config, office: Office) -> list[Words]:
    """Who is told by LINE alone, with nobody behind it: known long before the first message fails."""
    found = [
        name
        for name in without_second(config)
        if not (config.people[name].model_extra or {}).get("user") and office.contact(name, "line") is None
    ]
    return [in_every_language("line.not_linked", people=", ".join(found), count=len(found))] if found else []


def said(forecast: Forecast, alone: list[str]) -> list[Words]:
    found: list[Words] = []
    if forecast.error:
        found.append(in_every_language("line.unread", why=forecast.error))
    if forecast.left is None or forecast.limit is None:
        return found
    counts = {"left": forecast.left, "limit": forecast.limit}
    if forecast.left == 0:
        found.append(in_every_language("line.used_up", limit=forecast.limit))
    elif forecast.ends_on is not None:
        ends = {code: show_date(forecast.ends_on, code) for code in LANGUAGES}
        found.append({code: t(code, "line.ends_on", day=ends[code], **counts) for code in LANGUAGES})
    elif forecast.episode_days is not None:
        found.append(in_every_language("line.episode_ends", day=forecast.episode_days, **counts))
    if found and alone and (forecast.left == 0 or forecast.ends_on or forecast.episode_days is not None):
        found.append(in_every_language("line.without_second", people=", ".join(alone), count=len(alone)))
    if forecast.held:
        found.append(in_every_language("line.held", count=forecast.held))
    return found


def _other(config: Config, name: str) -> bool:
    second = config.people[name].second
    return second is not None and second.channel not in ("line", "console", "in_app")

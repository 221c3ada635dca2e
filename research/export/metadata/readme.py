"""README and LICENSE of a package, for people, in every language."""

from __future__ import annotations

from collections.abc import Sequence

from classair.i18n import LANGUAGES, REFERENCE, t
from research.export.changes import Changes
from research.export.metadata.about import About


def readme(about: About, files: Sequence[str], since: Changes | None) -> bytes:
    """One part for each language, English last."""
    parts = []
    origin = about.origin
    for language in LANGUAGES:
        lines = [f"# {about.title(language)}", ""]
        if about.simulated:
            lines += [f"**{t(language, 'export.simulated')}**", ""]
        lines += [f"* {line}" for line in about.asked(language)]
        lines += [
            f"* {t(language, 'export.rows', n=f'{about.rows:,}')}",
            "",
            t(language, "export.reading_rules"),
            "",
            t(language, "export.order_mean" if about.request.selection.step_ms else "export.order_reading"),
            t(language, "export.neutral"),
            "",
            *about.licence_texts(language),
            *_contacts(about, language),
            "",
            t(language, "export.cite"),
            "",
        ]
        if origin.unsettled:
            lines += [t(language, "export.unsettled", days=", ".join(origin.unsettled)), ""]
        lines += changed(since, language)
        parts.append("\n".join(lines))
    doi = f" https://doi.org/{about.request.doi}" if about.request.doi else ""
    tail = [
        f"    {about.marked_title(REFERENCE)}. Data id {origin.data_id}.{doi}",
        "",
        f"request {origin.request} · data {origin.data_id} · ClassAir {origin.software}",
        "",
        *(f"* {name}" for name in files),
        "",
    ]
    return ("\n".join(parts) + "\n" + "\n".join(tail)).encode()


def _contacts(about: About, language: str) -> list[str]:
    return [
        f"{about.school(site, language)}: {' · '.join(said)}"
        for site in about.sites
        if (said := [text for text in (about.settings(site).contact, about.settings(site).url) if text])
    ]


def changed(since: Changes | None, language: str) -> list[str]:
    """What has changed since an earlier package, as lines; none when there is nothing to compare with."""
    if since is None:
        return []
    if not since:
        return [t(language, "export.since_same", id=since.since), ""]
    lines = []
    if since.days:
        lines.append(t(language, "export.since_days", id=since.since, days=", ".join(since.days)))
    other = [*since.aside, *(["request"] if since.other_request else [])]
    if other:
        lines.append(t(language, "export.since_other", what=", ".join(other)))
    return [*lines, ""]


def licence(about: About) -> bytes:
    """The schools' choice, or honestly that there is none."""
    return "\n\n".join(
        "\n".join([about.schools(language), *about.licence_texts(language)]) for language in LANGUAGES
    ).encode() + (b"\n")

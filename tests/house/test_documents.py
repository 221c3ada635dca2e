"""The documents hold: links lead somewhere, commands exist, every setting and decision has its place."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel, RootModel

from classair import config, plugins
from classair.config import notifying, purifiers, settings, sign_in, tickets
from firmware_bridge import adapters, drivers

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
        *(ROOT / "tests" / "captures").glob("*.md"),
    ]
)
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
VERBS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(text: str, *languages: str) -> list[str]:
    # A list's code block is indented; its indentation is taken off. Words behind the language: see test_examples_run.
    found = re.findall(r"^( *)```(\w+)[^\n]*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, language, body in found if language in languages
    ]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=_shown)
def test_every_link_inside_the_repository_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, part = urllib.parse.unquote(target).partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), f"{target} leads nowhere"
        if part:
            headings = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.MULTILINE)
            assert part in {anchor(heading) for heading in headings}, f"{target}: no such heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=_shown)
def test_every_make_verb_in_a_document_exists(path: Path) -> None:
    named = set(
        re.findall(
            r"(?:`|^|\s)make ([a-z][a-z-]+)(?=[\s`.,;]|$)",
            "\n".join([*blocks(path.read_text("utf-8"), "sh"), *re.findall(r"`[^`\n]+`", path.read_text("utf-8"))]),
            re.MULTILINE,
        )
    )
    assert named <= VERBS


@pytest.mark.parametrize("path", DOCUMENTS, ids=_shown)
def test_every_classair_command_in_a_document_exists(path: Path) -> None:
    from classair.__main__ import COMMANDS

    code = "\n".join([*blocks(path.read_text("utf-8"), "sh"), *re.findall(r"`[^`\n]+`", path.read_text("utf-8"))])
    named = set(re.findall(r"(?:^|[\s`/])classair ([a-z][a-z-]*)(?=[\s`]|$)", code, re.MULTILINE))
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=_shown)
def test_every_shell_block_parses(path: Path) -> None:
    for block in blocks(path.read_text("utf-8"), "sh", "bash"):
        told = subprocess.run(["sh", "-n"], input=block, text=True, capture_output=True)
        assert told.returncode == 0, told.stderr


NOT_RUN = {
    "hardware": "needs a sensor at a port",
    "root": "changes the operating system",
    "install": "installs packages, or is what a fresh clone is tried with",
    "interactive": "asks a person, or runs until Ctrl-C",
    "data": "needs data that no demo has",
    "fragment": "shows a part, with names that the reader fills in",
    "development": "is what runs these tests",
    "container": "needs Docker; nobody has run it",
    "other-program": "is for a program that ClassAir does not need",
}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_shown)
def test_an_example_that_is_not_run_gives_a_known_reason(path: Path) -> None:
    """Those without a reason are run by tests/e2e/test_examples_run.py."""
    fences = re.findall(r"^ *```(\w+)([^\n]*)\n", path.read_text("utf-8"), re.MULTILINE)
    reasons = [word.removeprefix("no-run=") for _, words in fences for word in words.split() if "no-run" in word]
    assert set(reasons) <= set(NOT_RUN)
    run_elsewhere = {"README.md", "README.th.md"} if path.parent == ROOT else {path.name}
    run_elsewhere = run_elsewhere if path.parts[len(ROOT.parts)] in ("docs", "deploy", path.name) else set()
    unmarked = [
        words for kind, words in fences if kind in ("sh", "console", "python", "sql", "r") and "no-run=" not in words
    ]
    assert path.name in run_elsewhere or unmarked == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=_shown)
def test_every_json_block_is_json(path: Path) -> None:
    for block in blocks(path.read_text("utf-8"), "json"):
        json.loads(block)


@pytest.mark.parametrize("path", DOCUMENTS, ids=_shown)
def test_every_configuration_shown_whole_is_accepted(path: Path) -> None:
    for block in blocks(path.read_text("utf-8"), "yaml"):
        if block.startswith("org:"):
            config.parse(block)


def test_every_decision_is_in_the_index_and_numbered_once() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert [path.name for path in decisions if f"]({path.name})" not in index] == []
    assert [path.name[:4] for path in decisions] == [f"{n:04d}" for n in range(1, len(decisions) + 1)]
    for path in decisions:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        assert all(f"\n## {part}\n" in text for part in ("What pressed", "What we chose", "What it costs")), path.name


PAGES = [path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "index.md"]


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert [path.name for path in PAGES if f"]({path.name})" not in index] == []


def _title(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0].removeprefix("# ")


def test_a_link_in_a_table_of_contents_bears_the_title_of_its_page() -> None:
    told = [
        (title, _title(index.parent / target))
        for index in (ROOT / "docs" / "index.md", ROOT / "docs" / "decisions" / "README.md")
        for title, target in re.findall(r"^- \[([^\]]+)\]\(([\w-]+\.md)\)", index.read_text("utf-8"), re.MULTILINE)
    ]
    # A page in both languages names itself in both.
    assert [(link, title) for link, title in told if link not in title.split(" / ") and link != title] == []


@pytest.mark.parametrize("path", PAGES, ids=_shown)
def test_a_page_begins_with_what_it_is_for(path: Path) -> None:
    first = path.read_text("utf-8").split("\n")
    assert first[0].startswith("# ") and first[1] == "" and re.match(r"[^\W\d_]", first[2]), (
        "a sentence after the title"
    )


# Words that docs/glossary.md replaces, and phrases that say nothing of who does what.
REPLACED = re.compile(
    r"\b(anew|by itself|by themselves|put right|set aside|whoever|gap ledger|foreign devices?|safety mode|"
    r"(?<!fail-)safe mode|air changes)\b|\d %",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if "decisions" not in path.parts], ids=_shown)
def test_documents_use_the_terms_of_the_glossary(path: Path) -> None:
    if path.name == "command-line.md" or path.name.startswith("add-a-"):  # the commands' words; guides to code
        return
    prose = re.sub(r"^ *```.*?^ *```|^#[^\n]*$|`[^`\n]+`", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [found[0] for found in REPLACED.finditer(prose)] == []


# -- configuration.md against the typed shape --------------------------------------------------------------------------

SECTIONS: dict[str, type[BaseModel]] = {
    "top level": settings.Config,
    "keep": settings.Keep,
    "sites.SITE": settings.Site,
    "sites.SITE.position": settings.Position,
    "sites.SITE.data": settings.DataSettings,
    "sites.SITE.bridges.BRIDGE": settings.BridgeSettings,
    "sites.SITE.bridges.BRIDGE.blackbox": settings.BlackBoxSettings,
    "sites.SITE.rooms.ROOM": settings.Room,
    "sites.SITE.rooms.ROOM.windows": settings.Windows,
    "sites.SITE.sensors.SENSOR": settings.Sensor,
    "sites.SITE.sensors.SENSOR.duty": settings.DutySettings,
    "sites.SITE.purifiers.PURIFIER": settings.Purifier,
    "sites.SITE.purifiers.PURIFIER.speeds": purifiers.Speed,
    "sites.SITE.purifiers.PURIFIER.filter": purifiers.FilterSettings,
    "timetables.TIMETABLE": settings.TimetableSettings,
    "calendar": settings.Calendar,
    "school_years.YEAR": settings.SchoolYear,
    "rules.RULE, kind: purifier": settings.PurifierRule,
    "rules.RULE, kind: above": notifying.AboveRule,
    "rules.RULE, kind: rising": notifying.RisingRule,
    "rules.RULE, kind: silent": notifying.SilentRule,
    "rules.RULE, kind: disagree": notifying.DisagreeRule,
    "rules.RULE, kind: co2_high": notifying.CO2HighRule,
    "rules.RULE, kind: purifier_fault": notifying.PurifierFaultRule,
    "rules.RULE, kind: person_off": notifying.PersonOffRule,
    "rules.RULE, kind: filter_due": notifying.FilterDueRule,
    "rules.RULE, kind: smoke_episode": notifying.SmokeEpisodeRule,
    "rules.RULE, kind: system": notifying.SystemRule,
    "escalation.CHAIN": notifying.EscalationStep,
    "people.PERSON": notifying.Person,
    "line": settings.LineSettings,
    "tickets": tickets.TicketSettings,
    "tickets.office": tickets.OfficeSettings,
    "tickets.units.UNIT": tickets.TicketUnit,
    "sign_in.PROVIDER": sign_in.SignIn,
    "home_assistant": settings.HomeAssistant,
}


PLUGINS = {"alerts.purifiers": "kind", "alerts.channels": "channel"}


@pytest.mark.parametrize("package", PLUGINS)
def test_every_plugin_and_its_settings_are_documented(package: str) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    table = text.partition(f"| {PLUGINS[package]} | its keys |")[2].partition("\n\n")[0]
    rows = {row.split("|")[1].strip(" `"): row.split("|")[2] for row in table.splitlines() if row.startswith("| `")}
    assert set(rows) == set(plugins.names(package))
    for name, keys in rows.items():
        fields = plugins.load(package, name).Settings.model_fields
        assert {field.alias or key for key, field in fields.items()} == set(re.findall(r"`([a-z_]+)`", keys))


def test_every_model_of_sensor_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8").partition("### Models")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z0-9-]+)`", text)) == set(drivers.models())


def test_every_foreign_device_and_its_settings_are_documented() -> None:
    text = (ROOT / "docs" / "foreign-devices.md").read_text("utf-8")
    read = text.partition("| model | port |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z0-9-]+)`", read, re.MULTILINE)) == set(adapters.models())
    table = text.partition("| model | setting |")[2].partition("\n\n")[0]
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \| `([a-z_]+)`", table, re.MULTILINE))
    assert rows == {
        (model, key)
        for model in adapters.models()
        for key in adapters.kind_of(model).settings.model_fields
        if key != "interval"
    }
    assert all(adapters.kind_of(model).path.partition("{")[0] in text for model in adapters.models())


def documented() -> dict[str, dict[str, str]]:
    """Section → key → the default as written."""
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    text = re.sub(r"^### Models\n.*?(?=^## )", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\| (kind|channel) \| its keys \|.*?(?=\n\n|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {
        heading: {
            cells[0].strip().strip("`"): cells[2].strip()
            for cells in (row.strip("|").split("|") for row in body.splitlines() if row.startswith("| `"))
        }
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_key_of_the_configuration_is_documented_and_no_other() -> None:
    models = {
        name: {field.alias or key for key, field in model.model_fields.items()} for name, model in SECTIONS.items()
    }
    assert {name: set(keys) for name, keys in documented().items()} == models


def test_every_part_of_the_configuration_has_a_section() -> None:
    parts = {
        part
        for part in (
            *vars(settings).values(),
            *vars(purifiers).values(),
            *vars(notifying).values(),
            *vars(tickets).values(),
            *vars(sign_in).values(),
        )
        if isinstance(part, type)
        and issubclass(part, BaseModel)
        and not issubclass(part, RootModel)  # a name by language is no section
        and part.__module__
        in (settings.__name__, purifiers.__name__, notifying.__name__, tickets.__name__, sign_in.__name__)
    }
    assert parts - {settings.Part, notifying.AlertRule, notifying.Address} == set(SECTIONS.values())


def test_a_key_without_a_default_is_documented_as_required() -> None:
    # volume_m3 may be left out outdoors only; that is a rule of the whole, not of the field.
    wrong = [
        f"{section}: {field.alias or key}"
        for section, model in SECTIONS.items()
        for key, field in model.model_fields.items()
        if field.is_required() != (documented()[section][field.alias or key] == "") and key not in ("volume_m3", "kind")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("section", "key"),
    [(s, k) for s, keys in documented().items() for k, d in keys.items() if re.fullmatch(r"`[^`]+`", d)],
)
def test_a_documented_default_is_the_real_one(section: str, key: str) -> None:
    model = SECTIONS[section]
    name, field = next((n, f) for n, f in model.model_fields.items() if (f.alias or n) == key)
    written = documented()[section][key].strip("`")
    value = model.__pydantic_validator__.validate_assignment(model.model_construct(), name, written)
    assert getattr(value, name) == field.get_default(call_default_factory=True)


# -- what is generated -------------------------------------------------------------------------------------------------


def _generator() -> ModuleType:
    sys.path.insert(0, str(ROOT))
    try:
        import docs.generate
    finally:
        sys.path.remove(str(ROOT))
    return docs.generate


def _compared(path: str, text: str) -> list[str]:
    # Where argparse breaks a line differs between versions of Python.
    return text.split() if path == "docs/command-line.md" else [text]


def test_generated_files_are_those_of_the_code() -> None:
    stale = [
        path
        for path, text in _generator().files().items()
        if not (ROOT / path).exists() or _compared(path, (ROOT / path).read_text("utf-8")) != _compared(path, text)
    ]
    assert stale == [], "run `make docs`"


def test_the_demo_is_valid_and_every_port_simulated() -> None:
    demo = config.load(ROOT / "sensors.yaml", {})
    assert all(sensor.simulated for _, sensor in demo.sensors())
    assert all(purifier.simulated for _, purifier in demo.purifiers())
    assert len(demo.sites) == 2

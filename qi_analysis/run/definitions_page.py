"""docs/definitions.md, made from the files that define things, so that the page cannot drift from them.

Rewrite the page with: python -m qi_analysis.run.definitions_page
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from qi_analysis.dataset import Field, read_rows, read_table_fields
from qi_analysis.extract.ledger import RULES
from qi_analysis.measures.episodes import EXITS
from qi_analysis.measures.flags import ENDED
from qi_analysis.measures.results import MeasureDefinition, read_definitions
from qi_analysis.periods import describe_day
from qi_analysis.record.measure_blocks import CLOCKS, read_names
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import Chains, Completion, Definition, Measure, Settled
from qi_analysis.storage import DEFINITIONS, REFERENCE, TEMPLATES, find_places, write_whole

PAGE = "definitions.md"
MONTH_WORDS = {
    "received_on": "referral received",
    "as_at": "as at the month's end",
    "first_assessment_on": "first assessment",
    "first_treatment_on": "first treatment",
    "second_treatment_on": "second treatment",
    "ended_on": "referral ended",
    "contact_on": "appointment",
    "li_end": "LI ended",
    "li_start": "LI began",
    "li_first_session_on": "first LI session",
}
BLOCK_MONTHS = {
    "end": "LI ended",
    "start": "LI began",
    "contact": "appointment",
    "month_end": "as it stood at the month's end",
}
GOOD_WORDS = {"up": "higher", "down": "lower", "either": "neither: both directions are watched"}
KNOWN_AFTER = {"": "at once", "28": "after 28 days", "horizon": "after the fixed horizon", "ended": "once LI has ended"}
LOG_MONTH = "log ended"  # in the logs table, ended_on is the end of a log


def build_definitions_page(completion: Completion, blocks: Sequence[Measure]) -> str:
    """The text of docs/definitions.md for the settings of project/completion.toml and the blocks of measures.toml.

    Raises KeyError when a line of completion.toml, a field or a date of a measure has no words yet.
    """
    measures = read_definitions()
    page = _load_template().render(
        completion=completion,
        agreed_on=describe_day(completion.agreed_on),
        choice=completion.definitions[completion.team_choice],
        conditions={name: describe_definition(rule, completion) for name, rule in completion.definitions.items()},
        lines=_build_lines(completion),
        end_codes=_code_names("end_codes.csv"),
        types=_code_names("appointment_types.csv"),
        therapies=_therapy_names(),
        exits=EXITS,
        ended=ENDED,
        li_measures=_build_measures([one for one in measures if one.clock != "national"]),
        blocks=blocks,
        good=GOOD_WORDS,
        block_months=BLOCK_MONTHS,
        names=_build_names(),
        national=_build_measures([one for one in measures if one.clock == "national"]),
        tables=_build_tables(),
        local=_build_local(),
        rules=_build_rules(),
    )
    return page.rstrip() + "\n"


def _load_template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # the page is Markdown
    )
    environment.filters |= {"cell": render_cell, "codes": render_codes}
    return environment.get_template(f"{PAGE}.j2")


def render_cell(value: object) -> str:
    """A value as it may stand in a cell of a Markdown table."""
    return " ".join(str(value).replace("|", r"\|").split())


def render_codes(codes: tuple[str, ...]) -> str:
    """Codes in words: "46", "47 or 16", "95, 96 or 97"."""
    return codes[0] if len(codes) == 1 else f"{', '.join(codes[:-1])} or {codes[-1]}" if codes else "none"


def describe_definition(rule: Definition, completion: Completion) -> str:
    """What a definition asks of an ended LI episode, worked out from its numbers and not from its name."""
    asked = []
    if rule.planned_end:
        codes = render_codes(completion.planned_end_codes)
        asked.append(f"end code {codes} and at least {rule.min_sessions} LI sessions")
    if rule.enough_sessions:
        asked.append(f"at least {rule.enough_sessions} LI sessions, whatever the end code")
    if rule.min_treatment_contacts:
        asked.append(f"at least {rule.min_treatment_contacts} treatment contacts of any kind, whatever the end code")
    return "; or ".join(asked) or "nothing: no episode completes"


def _build_lines(completion: Completion) -> list[dict[str, str]]:
    """Every line of completion.toml with its value now (a definition's lines have none) and its meaning."""
    says = {row["line"]: row["says"] for row in read_rows(DEFINITIONS / "completion_lines.csv")}
    top = [f.name for f in fields(Completion) if f.name not in ("settled", "definitions", "chains")]
    values: dict[str, Any] = {name: getattr(completion, name) for name in top}
    values |= {f"settled.{f.name}": getattr(completion.settled, f.name) for f in fields(Settled)}
    values |= {f"chains.{f.name}": getattr(completion.chains, f.name) for f in fields(Chains)}
    values |= {f"definitions.{f.name}": "(for each definition)" for f in fields(Definition)}
    return [{"line": line, "now": _describe_value(value), "says": says[line]} for line, value in values.items()]


def _describe_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)


def _code_names(file: str) -> dict[str, str]:
    return {row["code"]: row["name"] for row in read_rows(REFERENCE / file)}


def _therapy_names() -> dict[str, str]:
    rows = read_rows(REFERENCE / "therapy_types.csv")
    return {r["code"] if r["scheme"] == "snomed" else f"v1.5:{r['code']}": r["name"] for r in rows if r["code"]}


def _build_measures(measures: list[MeasureDefinition]) -> list[dict[str, str]]:
    """One row per measure id, with every month it is counted by."""
    rows: dict[str, dict[str, str]] = {}
    for one in measures:
        month = LOG_MONTH if one.table == "logs" else MONTH_WORDS[one.month_by]
        row = {"id": one.measure_id, "name": one.name, "statistic": one.statistic, "says": one.says, "month": month}
        known = rows.setdefault(one.measure_id, row)
        if known is not row:
            known["month"] += f"; {month}"
    return list(rows.values())


def _build_names() -> list[dict[str, str]]:
    """Every name a block may count, with what it may be counted by."""
    return [
        {
            "name": one.name,
            "months": ", ".join(CLOCKS[one.table]),
            "known": KNOWN_AFTER[one.known_after],
            "says": one.says,
        }
        for one in read_names()
    ]


def _build_tables() -> list[dict[str, Any]]:
    """Each national table with its own fields, and last the fields that stand in every table."""
    text = tomllib.loads((DEFINITIONS / "tables.toml").read_text(encoding="utf-8"))
    tables = []
    for name, known in read_table_fields().items():
        own = {field: spec for field, spec in known.items() if field in text[name]["fields"]}
        head = {"name": name, "national": text[name]["national"], "why": text[name]["why"]}
        tables.append(head | {"fields": _build_fields(own)})
    shared = {field: read_table_fields()["referrals"][field] for field in text["submission"]["fields"]}
    head = {"name": "in every table", "national": "", "why": "which submission a row came from"}
    return [*tables, head | {"fields": _build_fields(shared)}]


def _build_fields(known: Mapping[str, Field]) -> list[dict[str, str]]:
    """Our name, headings, kind, needed or not, and meaning of each field."""
    says = _field_words()
    return [
        {
            "name": name,
            "headings": ", ".join(spec.headings),
            "kind": f"code ({spec.list})" if spec.list else spec.kind,
            "need": "needed" if spec.required else "",
            "says": says[name],
        }
        for name, spec in known.items()
    ]


def _build_local() -> dict[str, list[dict[str, str]]]:
    """The two files of a local export: our names, needed or not, meaning."""
    says = _field_words()
    parts = tomllib.loads((DEFINITIONS / "tables.toml").read_text(encoding="utf-8"))["local"]
    return {
        part: [
            {"name": n, "need": "needed" if n in block["required"] else "", "says": says[n]} for n in block["fields"]
        ]
        for part, block in parts.items()
    }


def _field_words() -> dict[str, str]:
    return {row["field"]: row["says"] for row in read_rows(DEFINITIONS / "field_words.csv")}


def _build_rules() -> dict[str, list[dict[str, str]]]:
    """Cleaning rules by what they do to a row."""
    rules: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(RULES):
        rules.setdefault(row["treatment"], []).append(row)
    return rules


def main() -> None:
    """Rewrite docs/definitions.md of the project that holds the current folder."""
    places = find_places()
    record = read_record(places.record)
    write_whole(places.root / "docs" / PAGE, build_definitions_page(record.completion, record.measures))


if __name__ == "__main__":
    main()

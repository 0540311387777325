"""The documents cannot drift: what they say is held to the code, the settings and the files they name."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from example import PAGE as MAP_PAGE
from example import read_blocks, run_example, write_example
from typer.testing import CliRunner

from qi_analysis import errors
from qi_analysis.cli import UNEXPECTED, app
from qi_analysis.dataset import read_rows, read_table_fields
from qi_analysis.measures.results import read_definitions
from qi_analysis.measures.worked_examples import describe_counted
from qi_analysis.record.measure_blocks import read_names
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import Chains, Completion, Definition, Settled
from qi_analysis.run.definitions_page import build_definitions_page
from qi_analysis.storage import DEFINITIONS as FOLDER

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("data/*/README.md"),
        ROOT / "reports" / "README.md",
    ]
)
MADE = ("data/processed/", "reports/", ".venv/")  # made by a run or by make
LATER = ("project/columns.toml",)  # written by the analyst
DEFINITIONS = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORD = read_record(ROOT / "project")
COMPLETION = RECORD.completion


def read_page(path: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)


def find_table(text: str, heading: str) -> list[list[str]]:
    """The cells of the Markdown table whose heading row begins with `heading`."""
    rows = text.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]


def find_anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as they are made from headings on the web."""
    headings = re.findall(r"^#+ (.+)$", read_page(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_definitions_page_is_what_is_made_from_the_definitions():
    assert build_definitions_page(COMPLETION, RECORD.measures) == DEFINITIONS


def test_every_measure_is_documented():
    ids = {one.measure_id for one in read_definitions()}
    assert ids - set(re.findall(r"^\| `?(\w+)`? \| \S.* \| \S.* \| \S", DEFINITIONS, re.M)) == set()


def test_every_cleaning_rule_is_documented():
    rules = {row["rule"] for row in read_rows(FOLDER / "cleaning_rules.csv")}
    assert rules - set(re.findall(r"^\| `(\w+)` \| \S.* \| \S", DEFINITIONS, re.M)) == set()


def test_every_line_of_the_completion_settings_has_words_and_no_others():
    parts = {"settled": Settled, "chains": Chains, "definitions": Definition}
    lines = {f.name for f in fields(Completion) if f.name not in parts}
    lines |= {f"{name}.{f.name}" for name, part in parts.items() for f in fields(part)}
    assert {row["line"] for row in read_rows(FOLDER / "completion_lines.csv")} == lines


def test_every_field_has_words_and_no_others():
    local = tomllib.loads((FOLDER / "tables.toml").read_text(encoding="utf-8"))["local"]
    names = {name for known in read_table_fields().values() for name in known}
    names |= {name for part in local.values() for name in part["fields"]}
    assert {row["field"] for row in read_rows(FOLDER / "field_words.csv")} == names


@pytest.mark.parametrize("part", ["referrals", "appointments"])
def test_our_names_of_a_local_export_are_listed_with_their_meaning(part):
    block = tomllib.loads((FOLDER / "tables.toml").read_text(encoding="utf-8"))["local"][part]
    says = {row["field"]: row["says"] for row in read_rows(FOLDER / "field_words.csv")}
    wanted = [[name, "needed" if name in block["required"] else "", says[name]] for name in block["fields"]]
    page = MAP_PAGE.read_text(encoding="utf-8").split(f"\n{part.capitalize()}:\n", 1)[1]
    assert find_table(page, "Our name") == wanted


def test_every_part_of_a_column_map_is_explained():
    page = read_page(MAP_PAGE)
    for name in ("file", "columns", "dates", "labels", "therapy_scheme", "extract_date"):
        assert f"**`{name}`**" in page


def list_commands() -> list[str]:
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    return commands + [group.name for group in app.registered_groups]


@pytest.mark.parametrize("command", list_commands())
def test_every_command_is_in_the_readme_with_its_options(command):
    assert f"| `qi {command}" in README
    shown = CliRunner().invoke(app, [command, "--help"]).output
    for option in set(re.findall(r"--\w+", shown)) - {"--help"}:
        assert f"`{option}`" in README or f"{command} {option}`" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_that_is_written_exists(page):
    written = set(re.findall(r"(?:^|[`\s/\\])qi ([a-z][a-z-]*)\b", page.read_text(encoding="utf-8"), re.M))
    assert written <= set(list_commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_that_is_written_exists(page):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make (\w+)", text, re.M)) <= targets


def test_exit_codes_are_documented():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.QiError)} | {0, UNEXPECTED}
    for page in (README, (ROOT / "docs" / "schedule.md").read_text(encoding="utf-8")):
        assert {int(code) for code in re.findall(r"^\| (\d) \| \w", page, re.M)} == codes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_path_leads_somewhere(page):
    text = read_page(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in find_anchors(found), f"{target}: there is no such heading"
    tops = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for written in re.findall(r"`([\w.-]+/[\w./-]*)`", text):
        if written.split("/")[0] in tops and not written.startswith(MADE) and written not in LATER:
            assert (ROOT / written).exists(), f"{written} does not exist"


def test_architecture_names_every_module_once():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- `(\w+\.py)`: \S", page, re.M)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "qi_analysis").glob("*.py"))


def test_decisions_are_numbered_and_say_why_and_what_was_turned_down():
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    entries = re.split(r"^(?=\d+\. )", page, flags=re.M)[1:]
    assert [int(entry.split(".")[0]) for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry[:40] for entry in entries if "Why: " not in " ".join(entry.split())] == []
    assert [entry[:40] for entry in entries if "Turned down: " not in " ".join(entry.split())] == []


def test_every_dependency_has_its_reason():
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    named = {name for cell in re.findall(r"^ +\| ([\w, -]+) \| \w", page, re.M) for name in cell.split(", ")}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert named - {"Package"} == set(re.findall(r'"([a-z][a-z0-9-]+)>=[\d.]+', project))


def test_the_example_of_a_local_export_is_read_as_the_page_says(tmp_path):
    _, tables, account, pathways = run_example(tmp_path)
    text = MAP_PAGE.read_text(encoding="utf-8")
    seen = pathways.referrals
    days = {name: seen[name].dt.strftime("%Y-%m-%d").fillna("") for name in ("li_start", "li_end")}
    rows = zip(tables.keys["referral"], seen["n_li"], days["li_start"], days["li_end"], seen["exit_ii"], strict=True)
    assert find_table(text, "Referral") == [[str(cell) for cell in row] for row in rows]
    quality = account.build_quality()[["rule", "table", "field", "rows"]]
    assert find_table(text, "Rule") == quality.astype(str).to_numpy().tolist()
    assert account.build_ledger()[["rows_in", "used", "set_aside"]].iloc[1].tolist() == [11, 10, 1]


def test_the_check_of_the_example_says_what_the_page_says(tmp_path, monkeypatch):
    write_example(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["check"])
    assert (result.output, result.exit_code) == (read_blocks()["check"], 0)


def test_a_needed_heading_that_is_missing_is_named_with_the_nearest(tmp_path, monkeypatch):
    write_example(tmp_path)
    file = tmp_path / "data" / "raw" / "appointments_july.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("Outcome", "Outcomes"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == errors.DataProblem.exit_code
    assert "  missing     Outcome (needed); the nearest heading is 'Outcomes'\n" in result.output


def test_the_column_map_to_copy_can_be_read(tmp_path):
    write_example(tmp_path)
    text = (tmp_path / "project" / "columns.example.toml").read_text(encoding="utf-8")
    (tmp_path / "project" / "columns.toml").write_text(text, encoding="utf-8")
    columns = read_record(tmp_path / "project").columns
    assert columns is not None and columns.referrals.columns["Referral ID"] == "referral_id"


@pytest.mark.parametrize(
    ("measure", "example"),
    [(measure, example) for measure in RECORD.measures for example in measure.examples],
    ids=lambda value: value["says"] if isinstance(value, dict) else value.id,
)
def test_worked_examples_hold(measure, example):
    assert describe_counted(measure, example, COMPLETION) == example["counts"]


def test_every_measure_has_an_example():
    assert [measure.id for measure in RECORD.measures if not measure.examples] == []


def test_every_name_that_can_be_counted_is_documented_with_its_meaning():
    page = DEFINITIONS.split("### What can be counted", 1)[1]
    assert [row[0] for row in find_table(page, "Name")] == [one.name for one in read_names()]
    assert all(row[3] for row in find_table(page, "Name"))


def test_the_picture_is_small():
    assert 20_000 < (ROOT / "docs" / "review.png").stat().st_size < 150_000

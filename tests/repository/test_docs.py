"""The documents cannot drift: what they say is held to the code, the settings and the files they name."""

import importlib
import json
import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path

import pandas as pd
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
from qi_analysis.storage import PACKAGE

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
PERIOD = "2021-07"
DICTIONARY = ROOT / "docs" / "data_dictionary.md"
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
    for option in set(re.findall(r"--\w+", shown)) - {"--help"}:  # --project is said once, above the table
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


def test_exit_codes_are_documented_once():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.QiError)} | {0, UNEXPECTED}
    assert [int(row[0]) for row in find_table(README, "Exit code")] == sorted(codes)
    others = [page for page in PAGES if page.name != "README.md"]
    assert [page.name for page in others if re.search(r"^\| 0 \| \w", page.read_text(encoding="utf-8"), re.M)] == []


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


def read_first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].strip('"')


def test_architecture_has_a_line_for_each_subpackage_and_it_is_the_package_s_own():
    rows = find_table((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), "Part")
    told = {row[0].strip("` /").split("/")[1]: row[1] for row in rows if row[0].strip("`").endswith("/")}
    parts = {path.parent.name: read_first_line(path) for path in PACKAGE.glob("*/__init__.py")}
    assert {name: told.get(name, "").replace("`", "") for name in parts} == {
        name: says.replace("`", "") for name, says in parts.items()
    }


def find_names(text: str) -> set[str]:
    """Dotted names of the package: `measures.results.build_results`, with or without `qi_analysis.` before it."""
    parts = "|".join(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
    return set(re.findall(rf"(?<![\w./])(?:qi_analysis\.)?((?:{parts})(?:\.[a-z_]+)+)\b", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_module_and_function_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    for name in {name for quoted in re.findall(r"`([^`\n]+)`", text) for name in find_names(quoted)}:
        if name.rsplit(".", 1)[1] not in ("toml", "csv", "md", "json", "html", "parquet") and page.name != "api.md":
            assert resolves(name), f"{name} is not there"
    for name in re.findall(r"python -m qi_analysis\.([\w.]+)", text):
        assert (PACKAGE / f"{name.replace('.', '/')}.py").exists(), f"{name} is not there"
    for name in re.findall(r"`([a-z_]+/[a-z_]+\.py)`", text):
        if (PACKAGE / name.split("/")[0]).is_dir():
            assert (PACKAGE / name).exists(), f"{name} is not there"


def resolves(name: str) -> bool:
    """Whether a dotted name below the package is a module, or something in one."""
    if (PACKAGE / f"{name.replace('.', '/')}.py").exists():
        return True
    module, _, attribute = name.rpartition(".")
    path = PACKAGE / f"{module.replace('.', '/')}.py"
    return path.exists() and hasattr(importlib.import_module(f"qi_analysis.{module}"), attribute)


def test_the_drawn_way_of_one_count_is_that_of_the_table():
    drawing = (ROOT / "docs" / "one_count.svg").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    joined = re.sub(r"</text><text[^>]*>(?=\.)", "", drawing)
    assert find_names(joined) and find_names(joined) <= find_names(page)
    assert "<script" not in drawing and "href" not in drawing


def test_the_figures_of_one_count_are_those_of_a_run(published_july):
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    pathways = pd.read_parquet(published_july.workshop(PERIOD) / "pathways.parquet")
    ended = pathways["li_end"].dt.strftime("%Y-%m") == PERIOD
    completed = int((ended & (pathways["exit_ii"] == "completed")).sum())
    for folder in (published_july.workshop(PERIOD), published_july.release(PERIOD), published_july.reports / PERIOD):
        results = pd.read_csv(folder / "results.csv")
        chosen = (results["measure_id"] == "li_completion") & (results["clock"] == "end")
        row = results[chosen & (results["interval_start"] == f"{PERIOD}-01")].iloc[0]
        assert int(row["numerator"]) == completed
        assert f"{completed} of {int(row['denominator'])}" in page
    chart = pd.read_csv(published_july.release(PERIOD) / "chart.csv").iloc[-1]
    assert f"{completed} of {int(row['denominator'])}" in (ROOT / "docs" / "one_count.svg").read_text(encoding="utf-8")
    assert f"{chart['value']:.0%}, with its limits" in (ROOT / "docs" / "one_count.svg").read_text(encoding="utf-8")


def read_dictionary() -> dict[str, dict[str, list[str]]]:
    """file below the project -> column -> (type, unit, meaning, empty means), as the dictionary has them."""
    found: dict[str, dict[str, list[str]]] = {}
    for part in DICTIONARY.read_text(encoding="utf-8").split("\n## ")[1:]:
        sections = part.split("\n### ")
        folder = re.search(r"`([^`]+/)`", sections[0])
        for section in sections[1:]:
            assert folder is not None
            file = section.splitlines()[0].split()[-1]
            like = re.search(r"[Aa]ll columns of `([\w.]+)`(?: but ([^,:]+))?", section)
            columns = dict(next(known for path, known in found.items() if path.endswith(like[1]))) if like else {}
            left_out = re.findall(r"`(\w+)`", like[2] or "") if like else []
            own = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| `.+$", section, re.M)]
            columns |= {row[0].strip("`"): row[1:] for row in own}
            name = f"{folder[1]}{file}".replace("<period>", PERIOD)
            found[name] = {column: row for column, row in columns.items() if column not in left_out}
    return found


def list_columns(path: Path) -> list[str]:
    if path.suffix == ".json":
        return list(json.loads(path.read_text(encoding="utf-8")))
    return list(pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, nrows=0))


def test_every_file_of_a_run_is_in_the_dictionary(published_july):
    folders = (published_july.workshop(PERIOD), published_july.release(PERIOD), published_july.reports / PERIOD)
    paths = [*(path for folder in folders for path in folder.iterdir()), *published_july.ledger.glob(f"{PERIOD}*")]
    files = {path.relative_to(published_july.root).as_posix() for path in paths if path.suffix != ".html"}
    again = {f"reports/{PERIOD}/results.csv"}  # the released results, byte for byte
    assert files - again == set(read_dictionary())


@pytest.mark.parametrize("name", read_dictionary())
def test_every_column_is_in_the_dictionary_and_no_other(published_july, name):
    columns = read_dictionary()[name]
    assert set(list_columns(published_july.root / name)) == set(columns)
    assert [column for column, row in columns.items() if not (row[0] and row[2] and row[3])] == []


@pytest.mark.parametrize("name", [name for name in read_dictionary() if name.endswith(".json")])
def test_the_parts_of_a_block_are_named_with_it(published_july, name):
    values = json.loads((published_july.root / name).read_text(encoding="utf-8"))
    for key, row in read_dictionary()[name].items():
        named, value = set(re.findall(r"`(\w+)", row[2])), values[key]
        if named and isinstance(value, (dict, list)):
            each = value if isinstance(value, list) else list(value.values())
            parts = [set(one) for one in (value, *each[:1]) if isinstance(one, dict)]
            assert named in parts, key


def test_columns_without_gaps_have_none(published_july):
    for name, columns in read_dictionary().items():
        if not name.endswith(".json"):
            path = published_july.root / name
            table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
            full = [column for column, row in columns.items() if row[3] == "never"]
            assert [column for column in full if table[column].isna().any()] == [], name


def test_the_messages_that_are_explained_are_those_of_the_code():
    page = (ROOT / "docs" / "when_it_breaks.md").read_text(encoding="utf-8").split("## A message", 1)[1]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    whole = re.sub(r"[\"']\s*\n\s*f?[\"']", "", sources)
    told = [
        piece.strip(" .")
        for row in find_table(page, "Code")
        for said in row[1].split(";")
        for piece in said.split("...")
    ]
    assert len(told) > 40
    assert [piece for piece in told if piece not in whole] == []


def test_the_glossary_is_in_order_and_says_each_word_once():
    words = [row[0].lower() for row in find_table((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), "Word")]
    assert words == sorted(set(words)) and len(words) > 60


def test_hooks_are_the_quick_half_of_make_test():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    strip = re.search(r"^STRIP := (.+)$", make, re.M)
    recipe = re.search(r"^test:.*\n((?:\t.+\n)+)", make, re.M)
    assert strip is not None and recipe is not None
    wanted = [
        line.strip().replace("$(STRIP)", strip[1]).replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()
    ]
    wanted = [line.removesuffix(" notebooks/*.ipynb") for line in wanted if "pytest" not in line]
    hooks = re.findall(r"entry: (.+)$", text, re.M)
    assert sorted(map(shlex.split, hooks)) == sorted(map(shlex.split, wanted))


STATUS = r"\*(\d{4}-\d\d-\d\d), (in force|withdrawn|(?:amended|answered) by ([\d, and]+))\.\* "


def test_decisions_are_numbered_dated_and_say_why_and_what_was_turned_down():
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    entries = re.split(r"^(?=\d+\. )", page, flags=re.M)[1:]
    numbers = [int(entry.split(".")[0]) for entry in entries]
    assert numbers == sorted(set(numbers))
    flat = [" ".join(entry.split()) for entry in entries]
    assert [entry[:40] for entry in flat if "Why: " not in entry] == []
    assert [entry[:40] for entry in flat if "Turned down: " not in entry] == []
    for number, entry in zip(numbers, flat, strict=True):
        status = re.match(rf"{number}\. {STATUS}", entry)
        assert status, f"{number} has no date and status"
        assert all(int(later) in numbers for later in re.findall(r"\d+", status[3] or ""))


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

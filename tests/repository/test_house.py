"""The house rules of CONTRIBUTING.md that no tool can say. The rest is ruff's, mypy's and import-linter's: `make test`."""

import ast
import re
from pathlib import Path

import pytest
from example import run_example
from repository import ROOT

from qi_analysis.dataset import Rule, read_rows, read_table_fields
from qi_analysis.extract.ledger import RULES
from qi_analysis.measures.flags import FLAGS, OPEN_BANDS, build_episode_flags
from qi_analysis.measures.results import MeasureDefinition, build_results, read_definitions
from qi_analysis.periods import Period

PACKAGE = ROOT / "qi_analysis"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted({path.parent for path in MODULES} - {PACKAGE})
MOST_ON_THE_GROUND, MOST_IN_A_ROOM = 14, 14
SKIPPED = {
    ".git",
    ".venv",
    "__pycache__",
    ".ruff_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".hypothesis",
    ".ipynb_checkpoints",
}
TEXT = {".py", ".md", ".toml", ".csv", ".ipynb", ".j2", ".css", ".json", ".yml", ".txt", ".cfg", ""}
FOREIGN = {  # pieces are put together here so that this file does not hold them
    "a folder of one machine": re.compile(
        "|".join(["/" + name + "/" for name in ("work", "tmp", "root", "home/[a-z]+")])
    ),
    "a folder outside the repository": re.compile(r"(?:\.\./)+" + "shared"),
    "the host of a package registry": re.compile(
        "|".join(
            first + last + r"\.(?:org|com)" for first, last in (("py", "pi"), ("python", "hosted"), ("ana", "conda"))
        )
    ),
}
MAY_NAME_FOLDERS = {"tests/unit/gate/test_check.py"}  # it holds what the gate must find


def list_texts() -> dict[str, Path]:
    """name -> every text file of the repository that is written by hand or committed."""
    made = [ROOT / "data" / "raw", ROOT / "data" / "processed", ROOT / "reports"]
    return {
        path.relative_to(ROOT).as_posix(): path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file()
        and path.suffix in TEXT
        and not SKIPPED & set(path.relative_to(ROOT).parts)
        and (path.name == "README.md" or not any(folder in path.parents for folder in made))
    }


def test_few_modules_stand_on_the_ground_floor_and_few_in_a_room():
    crowds = {room.name: len(list(room.glob("*.py"))) - 1 for room in ROOMS}
    assert len(crowds) >= 11 and {name: crowd for name, crowd in crowds.items() if crowd > MOST_IN_A_ROOM} == {}
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_ON_THE_GROUND


def test_a_room_says_what_it_is_for_and_imports_nothing_by_itself():
    for room in ROOMS:
        tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
        assert len(tree.body) == 1 and ast.get_docstring(tree), room.name


def test_no_drawer_for_leftovers():
    drawers = {"util", "utils", "helper", "helpers", "common", "misc"}
    names = [path.relative_to(PACKAGE).with_suffix("") for path in MODULES]
    assert [str(name) for name in names if drawers & set(re.split(r"[/\\_]", str(name)))] == []


def test_nothing_names_a_machine_or_a_folder_outside():
    texts = {name: path.read_text(encoding="utf-8") for name, path in list_texts().items()}
    found = {
        f"{name} names {kind}" for name, text in texts.items() for kind, what in FOREIGN.items() if what.search(text)
    }
    assert found == {f"{name} names a folder of one machine" for name in MAY_NAME_FOLDERS}
    assert "README.md" in texts and "qi_analysis/cli.py" in texts


def test_the_rules_of_cleaning_are_those_with_words_and_each_is_used():
    assert [row["rule"] for row in read_rows(RULES)] == list(Rule)
    source = "".join(path.read_text(encoding="utf-8") for path in MODULES)
    assert [rule for rule in Rule if not re.search(rf"\bRule\.{rule.name}\b", source)] == []


def test_rules_have_one_of_four_treatments():
    rows = read_rows(RULES)
    assert {row["treatment"] for row in rows} == {"repaired", "flagged", "merged", "set aside"}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return run_example(tmp_path_factory.mktemp("example"))


def test_every_flag_of_the_measures_exists(example):
    record, _, _, pathways = example
    episodes = pathways.referrals[pathways.referrals["is_li"].to_numpy()]
    ours = set(build_episode_flags(episodes, record.completion, pathways.as_at))
    fields = {name for known in read_table_fields().values() for name in known} | {
        "medium_seen",
        "any_appointment",
    }
    for one in read_definitions():
        known = ours if one.table == "episodes" else set(FLAGS) | set(OPEN_BANDS)
        assert find_unknown(one, known, fields) == [], one.measure_id


def find_unknown(one: MeasureDefinition, known: set[str], fields: set[str]) -> list[str]:
    """The words of a measure that are neither a flag nor, with codes, a field that holds codes."""
    top_known = known | fields if one.codes else known
    unknown = [one.numerator] if one.numerator not in top_known else []
    return unknown + ([one.denominator] if one.denominator and one.denominator not in known else [])


def test_every_measure_has_a_result_for_every_month(example):
    record, _, _, pathways = example
    results = build_results(pathways, record.completion, Period(2022, 7))
    wanted = {(one.measure_id, one.clock): 7 for one in read_definitions()}
    assert results.groupby(["measure_id", "clock"]).size().to_dict() == wanted


def test_every_measure_stands_once_for_each_month_it_is_counted_by():
    keys = [(one.measure_id, one.month_by) for one in read_definitions()]
    assert len(keys) == len(set(keys))

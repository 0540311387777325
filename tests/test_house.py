"""The house rules of CONTRIBUTING.md: small modules, arrows that point one way, words that do not drift."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from example import run_example

from qi_analysis.dataset import Rule, read_rows, read_table_fields
from qi_analysis.extract.ledger import RULES
from qi_analysis.measures.flags import FLAGS, OPEN_BANDS, build_episode_flags
from qi_analysis.measures.results import MeasureDefinition, build_results, read_definitions
from qi_analysis.periods import Period

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "qi_analysis").glob("*.py"))
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in MODULES}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}

# A module may import those before it and no other. A new module gets its place here.
LAYERS = (
    "__init__ errors whole editions periods phrases places codes keys sequences chart_style svg disclosure cells team_record_values settings consent",
    "days personal faults record_lines record_text record_lists record_prose team_parts team_checks team_dates team_record",
    "table_fields record_limits column_map project_file measure_names record",
    "headings csv_reader file_kinds workbook reader odd_rows extract account repair date_forms readable typed merge people referrals links contacts scores",
    "clean checks stages outcomes episodes pathways flags episode_flags bookings open_referrals measure_definitions measures",
    "worked_examples",
    "spc_spec spc_grid spc_ranges spc_limits spc_runs spc_patterns spc_rules spc funnel rebase competing proportions",
    "suggestion confirmation signals wording benchmark_settings benchmark_data benchmark_levels benchmark release standing",
    "standing_release benchmark_release published_figures",
    "result_cells attack puzzle protection year_totals release_ledger",
    "record_words chart_keys workings workshop trust detection recording leaving reasons characteristics fairness glance measure_words measure_charts plain_release",
    "review_facts revisions cycle_results method_checks whats_new record_release summaries",
    "review fragments charts bars incidence funnel_chart page_words page_analyst page_trust page_benchmark page_glance page_measures page_standing",
    "page_leaving page_reasons page_fairness driver_diagram page_record aim_line page_aim page_plain page_tests page_stories page_actions page_method page_new pages",
    "fingerprint lock gate_text gate_tags gate_html gate_unpack gate_packed gate_written gate_decode gate_notebook gate_allow gate_look gate_records",
    "gate_extract gate_words gate_known gate_digests gate_names gate_store gate_prose gate_numbers gate gate_guard gate_verdict publish wall warm kernels rowless reports reading_age share_words share",
    "sample_layout sample_care sample_people sample_therapy sample_contacts sample_rows sample",
    "seen manifest turns making runs definition_pages read_back entry_kinds entry_files new_entry meeting_days check_record new_command",
    "pack_sources pack_numbers pack_page page_learning pack_handover pack_welcome pack_meeting pack_case_study life_qi packs",
    "cli_run cli_check cli_share cli_packs cli __main__",
)
ORDER = [name for layer in LAYERS for name in layer.split()]
RUNNERS = {"papermill", "nbconvert", "nbclient"}
KERNEL_TOOLS = {"jupyter_client", "ipykernel"}
ROWS = {*ORDER[ORDER.index("headings") : ORDER.index("spc_spec")]} | {
    "workshop", "workings", "trust", "recording", "leaving", "reasons", "characteristics", "fairness", "glance", "measure_charts", "plain_release", "summaries",
    "cycle_results", "method_checks", "whats_new", "record_release",
}  # fmt: skip
MODULE_LINES, FUNCTION_LINES, ARGUMENTS = 250, 40, 5
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
MAY_NAME_FOLDERS = {"gate_look.py", "test_gate.py"}  # they look for such paths


def list_imports(tree: ast.AST) -> set[str]:
    """Every module imported anywhere in a file, inside functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
            if node.module == "qi_analysis":
                found |= {f"qi_analysis.{alias.name}" for alias in node.names if alias.name in SOURCES}
    return found


def list_ours(name: str) -> set[str]:
    """The modules of the package that a module imports."""
    found = {full for full in list_imports(TREES[name]) if full.split(".")[0] == "qi_analysis"}
    return {full.split(".")[1] if "." in full else "__init__" for full in found}


def list_functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def list_public(tree: ast.Module) -> list[ast.FunctionDef]:
    """Functions of a module that others may call."""
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def list_texts() -> list[Path]:
    """Every text file of the repository that is written by hand or committed."""
    made = [ROOT / "data" / "raw", ROOT / "data" / "processed", ROOT / "reports"]
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file()
        and path.suffix in TEXT
        and not SKIPPED & set(path.relative_to(ROOT).parts)
        and (path.name == "README.md" or not any(folder in path.parents for folder in made))
    ]


def test_every_module_has_a_place_in_the_order():
    assert sorted(ORDER) == sorted(SOURCES)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_imports_point_one_way(name):
    allowed = set(ORDER[: ORDER.index(name)]) if name in ORDER else set()
    assert list_ours(name) - allowed == set()


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_no_relative_import(name):
    assert [full for full in list_imports(TREES[name]) if full.startswith(".")] == []


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_only_one_module_knows_the_notebook_runners(name):
    tops = {full.split(".")[0] for full in list_imports(TREES[name])}
    assert name == "reports" or not tops & RUNNERS
    assert name in ("reports", "kernels") or not tops & KERNEL_TOOLS


def test_pages_reach_nothing_that_knows_rows():
    reached, waiting = set(), {"pages"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= list_ours(name) - reached
    assert reached & ROWS == set()


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_module_is_short(name):
    lines = len(SOURCES[name].splitlines())
    assert lines <= MODULE_LINES


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_functions_are_short_and_take_few_arguments(name):
    found = []
    for node in list_functions(TREES[name]):
        arguments = [one.arg for one in node.args.posonlyargs + node.args.args if one.arg not in ("self", "cls")]
        lines = (node.end_lineno or 0) - node.lineno + 1
        found += [f"{node.name} has {lines} lines"] if lines > FUNCTION_LINES else []
        found += [f"{node.name} takes {len(arguments)} arguments"] if len(arguments) > ARGUMENTS else []
    assert found == []


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_public_functions_have_types_and_a_docstring(name):
    found = []
    for node in list_public(TREES[name]):
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        found += [f"{node.name}: {one.arg} has no type" for one in arguments if one.annotation is None]
        found += [] if node.returns is not None else [f"{node.name} does not say what it returns"]
        found += [] if ast.get_docstring(node) else [f"{node.name} has no docstring"]
    assert found == []


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"__main__"}))
def test_every_module_says_what_it_is_for(name):
    assert ast.get_docstring(TREES[name])


def test_no_drawer_for_leftovers():
    drawers = {"util", "utils", "helper", "helpers", "common", "misc"}
    assert [name for name in SOURCES if drawers & set(name.split("_"))] == []


def test_nothing_names_a_machine_or_a_folder_outside():
    paths = [path for path in list_texts() if path.name not in MAY_NAME_FOLDERS]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    found = [
        f"{name} names {kind}" for name, text in texts.items() for kind, what in FOREIGN.items() if what.search(text)
    ]
    assert found == []
    assert "README.md" in texts and "qi_analysis/cli.py" in texts


def test_the_rules_of_cleaning_are_those_with_words_and_each_is_used():
    assert [row["rule"] for row in read_rows(RULES)] == list(Rule)
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "qi_analysis").rglob("*.py"))
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

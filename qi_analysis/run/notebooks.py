"""Running and rendering the notebooks. This module alone knows papermill and nbconvert.

A notebook is checked before it runs, runs in a warm kernel with a time limit, and is judged by what really
ran: every code cell once, in order, no error, nothing on stderr. Its file says nothing that is believed.
"""

import ast
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError

from qi_analysis.errors import RecordProblem, RunFailed
from qi_analysis.facts import Facts
from qi_analysis.report.editions import EDITIONS, TITLE, EditionName, choose_cells
from qi_analysis.report.html import PageFacts, render_prose
from qi_analysis.run.kernels import choose_manager
from qi_analysis.run.wall import Wall, read_refused
from qi_analysis.storage import TEMPLATES

STARTUP_SECONDS = 60


@dataclass(frozen=True)
class Parameter:
    """One parameter a notebook may have: its name and type, and what it means."""

    name: str
    type: type
    says: str


PARAMETERS = (Parameter("period", str, 'the month of the review, such as "2022-08", or "latest"'),)


def read_notebook(path: Path) -> NotebookNode:
    """The notebook as nbformat reads it. Raises RecordProblem when it cannot be read."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError):
        raise RecordProblem(f"{path.name}: the notebook cannot be read. Take the last committed one.") from None


def check_parameters(path: Path, notebook: NotebookNode, given: Mapping[str, Any]) -> None:
    """Raises RecordProblem unless the tagged cell sets exactly PARAMETERS, and later cells read each of them."""
    known = {one.name: one for one in PARAMETERS}
    for name, value in given.items():
        if name not in known:
            raise RecordProblem(f"{name!r} is not a parameter of the notebooks. Known: {', '.join(known)}.")
        if type(value) is not known[name].type:
            raise RecordProblem(f"The parameter {name} must be {known[name].type.__name__}: {known[name].says}.")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tagged = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise RecordProblem(f"{path.name}: exactly one cell must have the tag 'parameters'; {len(tagged)} have it.")
    defaults = _read_defaults(path, tagged[0].source)
    for name in [*defaults, *known]:
        if name not in known:
            raise RecordProblem(f"{path.name}: the parameters cell sets {name!r}, which is no parameter. Take it out.")
        if name not in defaults:
            raise RecordProblem(f"{path.name}: the parameters cell does not set {name!r}. Add it.")
        if type(defaults[name]) is not known[name].type:
            raise RecordProblem(f"{path.name}: the default of {name!r} must be {known[name].type.__name__}.")
    after = code[code.index(tagged[0]) + 1 :]
    unread = set(known) - _names_read(path, after)
    if unread:
        raise RecordProblem(
            f"{path.name}: the parameter {sorted(unread)[0]!r} is never read, so it would change nothing."
        )


def _parse(path: Path, source: str) -> ast.Module:
    try:
        lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
        return ast.parse("\n".join(lines))
    except SyntaxError:
        raise RecordProblem(
            f"{path.name}: a code cell is not valid Python. Open it in JupyterLab and mend it."
        ) from None


def _read_defaults(path: Path, source: str) -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    for node in _parse(path, source).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or not isinstance(value, ast.Constant):
            raise RecordProblem(f'{path.name}: the parameters cell may only hold lines such as: period = "latest"')
        defaults[targets[0].id] = value.value
    return defaults


def _names_read(path: Path, cells: list[NotebookNode]) -> set[str]:
    nodes = [node for cell in cells for node in ast.walk(_parse(path, cell.source))]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def run_notebook(
    path: Path, building: Path, given: Mapping[str, Any], where: Path | Wall, seconds: int
) -> NotebookNode:
    """The executed notebook. Raises RecordProblem before running, RunFailed when it did not run to its end.

    building: a folder for the run's own files, never the reports folder. where: the folder it runs in, or the wall
    it runs behind, then in the release. seconds: for the whole notebook. A notebook that reached over its wall has
    failed, whatever it made of the refusal.
    """
    check_parameters(path, read_notebook(path), given)
    wall = where if isinstance(where, Wall) else None
    try:
        executed = _execute(path, building / path.name, given, where, seconds)
        check_run(path, executed)
    finally:
        refused = read_refused(Path(wall.notes)) if wall else []
        if refused:
            tried = "; ".join(refused)
            raise RunFailed(f"{path.name}: it reached for more than its release: {tried}. Nothing was published.")
    return executed


def _execute(path: Path, output: Path, given: Mapping[str, Any], where: Path | Wall, seconds: int) -> NotebookNode:
    wall = where if isinstance(where, Wall) else None
    cwd = wall.release if wall else str(where)
    try:
        return execute_notebook(
            str(path), str(output), parameters=dict(given), cwd=cwd, kernel_name="python3", language="python",
            progress_bar=False, log_output=False, request_save_on_cell_execute=False, autosave_cell_every=0,
            start_timeout=STARTUP_SECONDS, execution_timeout=seconds, shutdown_kernel="immediate",
            kernel_manager_class=choose_manager(wall),
        )  # fmt: skip
    except DeadKernelError:
        raise RunFailed(
            f"{path.name}: the kernel died, most likely for want of memory. Nothing was published."
        ) from None
    except CellTimeoutError:
        raise RunFailed(f"{path.name}: a cell ran longer than {seconds} seconds. Nothing was published.") from None
    except PapermillExecutionError as failure:
        raise RunFailed(
            f"{path.name}: cell {failure.exec_count} ended with {failure.ename}. Nothing was published."
        ) from None
    except RuntimeError:
        raise RunFailed(f"{path.name}: no kernel could be started. Nothing was published.") from None


def check_run(path: Path, executed: NotebookNode) -> None:
    """Raises RunFailed unless every code cell ran once, in order, without an error or a word on stderr."""
    code = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        done = sum(count is not None for count in counts)
        raise RunFailed(f"{path.name}: only {done} of {len(code)} code cells ran to their end. Nothing was published.")
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                raise RunFailed(f"{path.name}: cell {number} ended with an error. Nothing was published.")
            if output.output_type == "stream" and output.name == "stderr":
                raise RunFailed(f"{path.name}: cell {number} wrote a warning. Nothing was published.")
        if cell.metadata.get("papermill", {}).get("status") != "completed":
            raise RunFailed(f"{path.name}: cell {number} did not complete. Nothing was published.")


def render_editions(executed: NotebookNode, facts: Facts) -> dict[str, str]:
    """file name -> finished page, one for each edition, from one executed notebook. facts: those of the release."""
    return {
        one.page: render_notebook(choose_cells(executed, one), _build_page_facts(facts, one.name)) for one in EDITIONS
    }


def _build_page_facts(facts: Facts, edition: EditionName) -> PageFacts:
    entries = [("Data to", facts.data_date_words), ("Revision", str(facts.revision))]
    if edition != "plain":
        entries.append(("Definition", f"version {facts.definition.version}"))
    title = TITLE.format(facts.period_words)
    return PageFacts(title, facts.project, tuple(entries), edition=edition, data_kind=facts.data_kind)


def render_notebook(executed: NotebookNode, facts: PageFacts) -> str:
    """The executed notebook as one self-contained page, through our own template."""
    page, _ = _load_exporter().from_notebook_node(executed, {"review": facts})
    return page.rstrip(os.linesep) + "\n"


@cache
def _load_exporter() -> TemplateExporter:
    """The exporter with our template, made once for all editions."""
    return TemplateExporter(
        template_name="review",
        template_file="index.html.j2",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"prose": render_prose},
    )

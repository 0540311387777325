"""qi_analysis: does LI CBT get completed more often? From a raw extract to a published monthly review.

`import qi_analysis as qi` costs nothing: each name is loaded when it is first used. docs/api.md has them all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from qi_analysis.api import load_record, load_review, load_workshop
    from qi_analysis.charts.control_chart import render_control_chart
    from qi_analysis.charts.style import Look
    from qi_analysis.extract.clean import build_tables
    from qi_analysis.extract.sources import read_extract
    from qi_analysis.gate.check import check_page
    from qi_analysis.measures.pathways import build_pathways
    from qi_analysis.measures.results import build_results
    from qi_analysis.project import open_project
    from qi_analysis.record.read_settings import read_record
    from qi_analysis.report import pages
    from qi_analysis.spc.chart import build_chart_table
    from qi_analysis.spc.spec import ChartSpec

_HOMES = {
    "open_project": "project",
    "read_record": "record.read_settings",
    "read_extract": "extract.sources",
    "build_tables": "extract.clean",
    "build_pathways": "measures.pathways",
    "build_results": "measures.results",
    "ChartSpec": "spc.spec",
    "build_chart_table": "spc.chart",
    "Look": "charts.style",
    "render_control_chart": "charts.control_chart",
    "load_review": "api",
    "load_workshop": "api",
    "load_record": "api",
    "pages": "report.pages",
    "check_page": "gate.check",
}

__all__ = [
    "ChartSpec", "Look", "build_chart_table", "build_pathways", "build_results", "build_tables", "check_page", "load_record",
    "load_review", "load_workshop", "open_project", "pages", "read_extract", "read_record", "render_control_chart",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """The name from the module it lives in (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{home}")
    return module if name == "pages" else getattr(module, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

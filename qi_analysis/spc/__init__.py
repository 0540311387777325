"""Control charts and funnels as numbers. Knows nothing of this project."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qi_analysis.spc.chart import build_chart_table
    from qi_analysis.spc.spec import ChartProblem, ChartSpec

__all__ = ["ChartProblem", "ChartSpec", "build_chart_table"]


def __getattr__(name: str) -> Any:
    """The front door of this room, which could be a library of its own; loaded when asked, as records name charts too."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'chart' if name == 'build_chart_table' else 'spec'}"), name)

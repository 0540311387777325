"""docs/api.md, made from the docstrings of the front door, so that the page cannot drift from them.

Rewrite the page with: python -m qi_analysis.run.api_page
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import qi_analysis as qi
from qi_analysis.project import Chart, Project
from qi_analysis.storage import find_places, write_whole

INTRO = """# The library

```python
import qi_analysis as qi

project = qi.open_project("path/to/project")  # any folder; left out: the project you are in
project.chart("li_completion")  # in JupyterLab the chart shows itself
```

`import qi_analysis` costs nothing: each name is loaded when it is first used. What is opened here are rows and exact
numbers, for an analyst on this machine; what may be shared is what `qi run` publishes
([safe_to_share.md](safe_to_share.md)). Words: [glossary.md](glossary.md). Columns:
[data_dictionary.md](data_dictionary.md).

Every expected failure is a `qi_analysis.errors.QiError` with one sentence for a person. This page is made from the
docstrings by `python -m qi_analysis.run.api_page`; the examples run as tests.
"""
SECTION = re.compile(r"^(Parameters|Attributes|Returns|Raises|Examples)\n-+\n", re.M)
ITEM = re.compile(r"^(\S.*)\n((?:    .*\n?|\n(?=    ))+)", re.M)


def list_front_door() -> dict[str, Any]:
    """name as it is typed -> the function, class, property or method that is offered under it."""
    own = {f"Project.{name}": one for name, one in vars(Project).items() if not name.startswith("_")}
    first = {"qi.open_project": qi.open_project, "Project": Project} | own | {"Chart": Chart}
    return first | {f"qi.{name}": getattr(qi, name) for name in qi.__all__ if name not in ("pages", "open_project")}


def find_function(offered: Any) -> Any:
    """What carries the docstring and the signature of a property, or the thing itself."""
    return getattr(offered, "fget", None) or getattr(offered, "func", None) or offered


def render_api_page() -> str:
    """docs/api.md as it should be: a heading, the signature and the docstring of each name, then the pages."""
    parts = [INTRO, *(_render(name, one) for name, one in list_front_door().items())]
    shown = [f"- `qi.pages.{name}(review)`: {_first_line(getattr(qi.pages, name))}" for name in qi.pages.__all__]
    parts.append("## qi.pages\n\nThe pages of a review, each from `qi.load_review()`:\n\n" + "\n".join(shown) + "\n")
    return "\n".join(parts)


def _render(name: str, offered: Any) -> str:
    function = find_function(offered)
    is_plain = function is not offered or inspect.isclass(offered)
    signature = "" if is_plain else re.sub(r"'?\bself\b,? ?", "", str(inspect.signature(function)))
    heading = f"## {name}\n\n" + (f"```python\n{name}{_plain(signature)}\n```\n\n" if signature else "")
    return heading + "".join(_render_sections(inspect.getdoc(function) or "")).rstrip() + "\n"


def _plain(signature: str) -> str:
    """Types by their last name, as an analyst would type them."""
    return re.sub(r"(: |-> )'(\w+)'", r"\1\2", re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", signature))


def _render_sections(text: str) -> Iterator[str]:
    first, *rest = SECTION.split(text)
    yield first
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        yield f"**{title}**\n\n"
        yield f"```python\n{body.strip()}\n```\n" if title == "Examples" else ITEM.sub(_render_item, body)


def _render_item(found: re.Match[str]) -> str:
    words = " ".join(line.strip() for line in found[2].splitlines() if line.strip())
    name, _, kind = found[1].partition(" : ")
    return f"- `{name}`{f' ({kind})' if kind else ''}: {words}\n"


def _first_line(function: Any) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


if __name__ == "__main__":
    write_whole(find_places().root / "docs" / "api.md", render_api_page())

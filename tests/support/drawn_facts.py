"""Facts of a release as far as a test needs them; the rest is empty."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from qi_analysis.facts import Facts, build_typed


def draw_facts(**told: Any) -> Facts:
    """Facts of which these are told, as values or as what facts.json would hold; parts of a page may be left out."""
    return draw(Facts, told)


def draw(kind: type, told: Mapping[str, Any]) -> Any:
    """One of the classes of qi_analysis/facts.py, in which what is not told is empty."""
    return build_typed(kind, _fill(kind, told))


def _fill(kind: Any, told: Any) -> Any:
    told, args = (asdict(told) if is_dataclass(told) else told), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return {one.name: _fill(hints[one.name], told.get(one.name, _draw_empty(hints[one.name]))) for one in fields(kind)} | {
            name: value for name, value in told.items() if name not in hints
        }  # fmt: skip
    if get_origin(kind) is UnionType:
        return None if told is None else _fill(args[0], told)
    if get_origin(kind) is tuple and args[-1] is ...:
        return [_fill(args[0], one) for one in told]
    return {name: _fill(args[1], one) for name, one in told.items()} if get_origin(kind) is Mapping else told


def _draw_empty(kind: Any) -> Any:
    """What stands in facts.json where there is nothing."""
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return {}
    if origin is UnionType:
        return None
    if origin is tuple:
        return [] if args[-1] is ... else [_draw_empty(one) for one in args]
    return {} if origin is Mapping else kind() if kind in (str, int, float, bool) else args[0] if args else None

"""A pack as one page: its sections in the frame of the review, labelled like the review."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qi_analysis.fragments import TEMPLATES, Html, PageFacts, Pairs, render_notes, render_prose, render_table
from qi_analysis.pack_sources import MISSING, Sources
from qi_analysis.periods import describe_day
from qi_analysis.team_record_values import Action


@dataclass(frozen=True)
class Section:
    """One question of a pack and the pieces that answer it."""

    question: str
    pieces: tuple[Html, ...]


def render_pack(title: str, sections: Sequence[Section], sources: Sources) -> str:
    """The finished page of a pack."""
    release = sources.release
    entries = [("Made for", describe_day(sources.day))]
    entries += [("Figures to", release.facts["data_date_words"])] if release else []
    kind = "synthetic" if sources.is_synthetic else "service"
    facts = PageFacts(title, sources.record.title, tuple(entries), data_kind=kind)  # type: ignore[arg-type]
    css = Markup((TEMPLATES / "review" / "page.css").read_text(encoding="utf-8"))
    template = _load_environment().get_template("pack.html.j2")
    return template.render(facts=facts, css=css, sections=sections, is_example=sources.team.is_example)


def _load_environment() -> Environment:
    folder = Path(TEMPLATES)
    return Environment(
        loader=FileSystemLoader([folder, folder / "review"]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def render_words(*sentences: str) -> Html:
    """A paragraph of sentences; nothing when all are empty."""
    text = " ".join(sentence for sentence in sentences if sentence)
    return Html("<p>{}</p>").format(text) if text else Html("")


def render_list(lines: Sequence[str | Html]) -> Html:
    """A list; nothing for no lines."""
    return _wrap("ul", lines)


def render_steps(lines: Sequence[str | Html]) -> Html:
    """A numbered list; nothing for no lines."""
    return _wrap("ol", lines)


def _wrap(tag: str, lines: Sequence[str | Html]) -> Html:
    items = Html("").join(Html("<li>{}</li>").format(line) for line in lines)
    return Html(f"<{tag}>{{}}</{tag}>").format(items) if lines else Html("")


def render_heading(words: str) -> Html:
    """A heading inside a section."""
    return Html("<h3>{}</h3>").format(words)


def render_pairs(pairs: Pairs) -> Html:
    """Names with their words below each other, those without words left out."""
    shown = [Html("<dt>{}</dt><dd>{}</dd>").format(name, words) for name, words in pairs if words]
    return Html('<dl class="points">{}</dl>').format(Html("").join(shown)) if shown else Html("")


def render_missing(*parts: str) -> Html:
    """What is missing in the record and how to add it."""
    return render_notes([" ".join(MISSING[part]) for part in parts], "Not written yet")


def render_notes_of_team(text: str) -> Html:
    """The team's own Markdown; its headings are set below those of the pack."""
    lowered = [f"###{line.lstrip('#')}" if line.startswith("#") else line for line in text.split("\n")]
    return render_prose("\n".join(lowered))


def render_actions(actions: Sequence[Action], sources: Sources) -> Html:
    """Actions with who and when. One that is past its day reads "due 3 June 2022, still open", and blames nobody."""
    name = sources.team.team.name_role
    frame = pd.DataFrame(
        {
            "Action": [action.action for action in actions],
            "Who": [name(action.owner) if action.owner else "nobody yet" for action in actions],
            "When": [describe_due(action, sources) for action in actions],
        }
    )
    return render_table(frame, "Actions that are open")


def describe_due(action: Action, sources: Sources) -> str:
    """When an open action is due, in neutral words."""
    if action.due is None:
        return "no date yet"
    late = ", still open" if action.due < sources.day else ""
    return f"due {describe_day(action.due)}{late}"

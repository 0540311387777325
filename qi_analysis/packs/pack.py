"""What packs are made from, their page, and writing them once the gate says yes.

What the packs of the team's record are built from, and the words they share: what is missing, dates, roles, tests.

The figures of the packs that leave the team: from the release alone, and protected like the plain edition.

Counts of 1 to 7 are hidden, others are rounded to 5, shares come from the rounded counts and none rests on fewer than
20 people (decision 11), whatever the team edition shows.

A pack as one page: its sections in the frame of the review, labelled like the review.

The packs of the team's record: reads what they are built from, passes each through the gate, writes it whole.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import unescape
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qi_analysis.answers.team_words import mark_tested, protect_words
from qi_analysis.disclosure.counts import protect_results
from qi_analysis.errors import GateClosed, RecordProblem
from qi_analysis.gate.check import find_raw, open_gate, read_guard
from qi_analysis.periods import MONTHS, describe_day, parse_period, read_day
from qi_analysis.phrases import HIDDEN, describe_month, describe_months, describe_tenths, lower_first
from qi_analysis.record.read_settings import read_whole_record
from qi_analysis.record.read_team import read_team_record
from qi_analysis.record.settings import Measure, Record
from qi_analysis.record.team import Action, Cycle, Role, TeamRecord
from qi_analysis.release import Release, read_release
from qi_analysis.report.html import (
    Html,
    PageFacts,
    Pairs,
    count,
    percent,
    render_notes,
    render_prose,
    render_table,
)
from qi_analysis.run.publish import Published, read_published
from qi_analysis.storage import TEMPLATES, Places, write_whole

# What is missing, and how to add it.
MISSING = {
    "target": (
        "The team has not set a target yet.",
        "Agree one at a review. Then write target and by into project/project.toml.",
    ),
    "review": ("No review has been published yet.", "Make one with: qi run latest"),
    "roles": (
        "The roles of the team are not written yet.",
        "Add one with: qi new role. They stand in project/team.toml.",
    ),
    "meets": (
        "It is not written when the team meets.",
        'Write meets = "third Tuesday 10:00" under [reviews] in project/team.toml.',
    ),
    "join": (
        "It is not written how to join.",
        "Write join and how to take part under [reviews] in project/team.toml.",
    ),
    "training": (
        "The steps of training are not written yet.",
        "Write training_ladder and its steps into project/team.toml.",
    ),
    "ideas": (
        "No idea for a change is written yet.",
        "Add one with: qi new idea. Ideas stand in project/drivers.toml.",
    ),
    "cycles": ("No test of change is written yet.", "Add one with: qi new cycle. Each test is a file in project/pdsa."),
    "actions": ("No action is written yet.", "Add one with: qi new action. Each is a line of project/actions.csv."),
    "decisions": (
        "No other decision is written yet.",
        "Write the date and what was decided into project/decisions.md, and why.",
    ),
    "handover": (
        "The team has written no notes of its own for a successor.",
        "Write project/handover.md. What do you know that stands nowhere else?",
    ),
    "stories": (
        "There is no story that may be shown here.",
        "Ask someone for theirs, and for consent. Add it with: qi new story",
    ),
    "feedback": ("No feedback is written yet.", "Write what readers said, and what you did, into project/feedback.csv."),
}  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT = "LI is Low Intensity. CBT is cognitive behavioural therapy, a talking therapy. QI is quality improvement."
TRIED = "We tried this and it did not help."


@dataclass(frozen=True)
class Sources:
    """Everything a pack may use.

    release: the protected figures of the newest published review, None when there is none. review: where its page is,
    such as "2022-08/completion_review.html" below reports/. pages: the questions it answers. day: the day the pack is for.
    """

    record: Record
    team: TeamRecord
    day: date
    release: Release | None = None
    review: str = ""
    pages: tuple[str, ...] = ()

    @property
    def is_synthetic(self) -> bool:
        """Whether something in the pack is made up: its figures or the example record."""
        return self.team.is_example or (self.release is not None and self.release.facts.data_kind != "service")

    @property
    def measure(self) -> Measure:
        """The measure of the aim."""
        return self.record.aim_measure

    @property
    def current_roles(self) -> tuple[Role, ...]:
        """The roles that have not ended by the day."""
        return tuple(role for role in self.team.team.roles if role.until is None or role.until >= self.day)


def describe_missing(part: str) -> str:
    """What is missing and how to add it, in two sentences."""
    return " ".join(MISSING[part])


def describe_span(cycle: Cycle) -> str:
    """When a test runs: "4 October 2021 to 29 October 2021", "from 4 October 2021" while its end is not known."""
    start = describe_day(cycle.start)
    return f"{start} to {describe_day(cycle.end)}" if cycle.end is not None else f"from {start}"


def describe_test(cycle: Cycle) -> str:
    """A test in one line: its title, when, and at what scale."""
    scale = f", {cycle.scale}" if cycle.scale else ""
    return f"{cycle.title} ({describe_span(cycle)}{scale})"


def describe_failed(cycle: Cycle) -> str:
    """What a test that was given up has taught: "We tried this and it did not help. We learned that ..." """
    learned = " ".join(cycle.study.split("\n\n")[0].split())
    if not learned:
        return f"{TRIED} What we learned is not written yet. One sentence under Study is enough."
    if "we learned" in learned.lower():
        return learned if "did not help" in learned else f"{TRIED} {learned}"
    return f"{TRIED} We learned that {_continue(learned)}"


def _continue(sentence: str) -> str:
    """A sentence that goes on after "that": its first letter small unless it opens with a name or with Markdown."""
    opening = re.match(r"[A-Za-z]+", sentence)
    return sentence if not opening or opening[0] in (*MONTHS, *WEEKDAYS, "I") else lower_first(sentence)


def choose_cycles(sources: Sources, *states: str) -> tuple[Cycle, ...]:
    """The tests in one of the states (planned, running, finished) as at the day, in the order of the record."""
    return tuple(cycle for cycle in sources.team.cycles if cycle.describe_state(sources.day) in states)


def build_protected_chart(release: Release) -> pd.DataFrame:
    """The months of the headline chart, every number of them protected strictly; is_hidden keeps what was hidden before."""
    chart = release.tables["chart"]
    kind = pd.Series("share" if release.facts.measure.chart in ("p", "pp", "ip") else "count", ["chart"])
    plain = protect_results(chart.assign(measure_id="chart"), kind, pd.Series(False, chart.index))
    is_hidden = plain["is_hidden"] | chart["is_hidden"].astype(bool)
    return plain.assign(is_hidden=is_hidden, denominator=plain["denominator"].mask(is_hidden))


def describe_latest(release: Release) -> str:
    """The latest settled month in people: "In June 2023, about 6 of every 10 people had: about 60 of 95." """
    chart = build_protected_chart(release)
    settled = chart[chart["is_settled"].astype(bool) & chart["is_drawn"].astype(bool)]
    if settled.empty:
        return "There is no month yet with figures we can show."
    row = settled.iloc[-1]
    month = describe_month(row["interval_start"])
    if pd.isna(row["value"]):
        return f"The figure for {month} is {HIDDEN}."
    if pd.isna(row["denominator"]):
        return f"In {month} it was about {count(row['value'])}."
    tenths = describe_tenths(row["numerator"], row["denominator"]).removesuffix(" of the")
    return f"In {month} it was about {tenths}. That is about {count(row['numerator'])} of {count(row['denominator'])}."


def describe_baseline(release: Release) -> str:
    """Where the team began: "Before, it was 52% on average (January to December 2021)."; nothing without a baseline."""
    chart = release.tables["chart"]
    base = chart[chart["is_drawn"].astype(bool) & chart["in_baseline"].astype(bool) & chart["centre"].notna()]
    if base.empty or base["centre"].iloc[-1] > 1:
        return ""
    months = describe_months(base["interval_start"].min(), base["interval_start"].max())
    return f"At the start it was {percent(base['centre'].iloc[-1])} on average ({months})."


@dataclass(frozen=True)
class Section:
    """One question of a pack and the pieces that answer it."""

    question: str
    pieces: tuple[Html, ...]


def render_pack(title: str, sections: Sequence[Section], sources: Sources) -> str:
    """The finished page of a pack."""
    release = sources.release
    entries = [("Made for", describe_day(sources.day))]
    entries += [("Figures to", release.facts.data_date_words)] if release else []
    kind = "synthetic" if sources.is_synthetic else "service"
    facts = PageFacts(title, sources.record.title, tuple(entries), data_kind=kind)  # type: ignore[arg-type]
    css = Markup((TEMPLATES / "review" / "page.css").read_text(encoding="utf-8"))
    template = _load_environment().get_template("pack.html.j2")
    return template.render(facts=facts, css=css, sections=sections, is_example=sources.team.is_example)


def _load_environment() -> Environment:
    folder = TEMPLATES
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
    return _wrap_items("ul", lines)


def render_steps(lines: Sequence[str | Html]) -> Html:
    """A numbered list; nothing for no lines."""
    return _wrap_items("ol", lines)


def _wrap_items(tag: str, lines: Sequence[str | Html]) -> Html:
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


FOLDER = "packs"
LIFE_QI = "life-qi"


def read_written_day(text: str) -> date:
    """A day as people type it: 2022-06-14 or 14/06/2022. Raises RecordProblem for anything else."""
    day = read_day(text)
    if day is None:
        raise RecordProblem("I cannot read that day. Write it as 2022-06-14 or 14/06/2022.")
    return day


def read_sources(places: Places, day: date | None = None) -> Sources:
    """The record, the newest published review and the day a pack is for. Raises RecordProblem for a faulty record.

    day: None is today; with the example record, which lies in the past, the last day of the newest review.
    """
    record, team = read_whole_record(places.record)
    published = _find_newest(places)
    release = _read_release(places, published)
    is_synthetic = release.facts.data_kind != "service" if release else not places.has_extract
    if is_synthetic:  # the only data beside which the example may stand
        team = read_team_record(places.record, {one.id: one.chart for one in record.measures}, allow_example=True)
    if day is None:
        day = parse_period(release.facts.period).end if release and team.is_example else date.today()
    team = protect_words(mark_tested(team, day))
    if release is None or published is None:
        return Sources(record, team, day)
    page = published.folder / published.manifest["pages"][0]
    return Sources(record, team, day, release, f"{published.folder.name}/{page.name}", _list_questions(page))


def _find_newest(places: Places) -> Published | None:
    """The last revision of the newest month that is published."""
    revisions = list(read_published(places.reports).values())
    return revisions[-1][-1] if revisions else None


def _read_release(places: Places, published: Published | None) -> Release | None:
    """The release behind a published review; None when it is gone or is that of a run that was not published."""
    if published is None:
        return None
    folder = places.release(published.manifest["period"])
    release = read_release(folder) if (folder / "facts.json").exists() else None
    return release if release and release.facts.revision == published.revision else None


def _list_questions(page: Path) -> tuple[str, ...]:
    """The questions of a published review, from its list of contents."""
    contents = page.read_text(encoding="utf-8").partition("<nav")[2].partition("</nav>")[0] if page.exists() else ""
    return tuple(unescape(found) for found in re.findall(r"<li><a [^>]*>(.*?)</a></li>", contents))


def write_packs(places: Places, files: Mapping[str, str], sources: Sources) -> list[Path]:
    """Write packs below reports/packs in place of earlier ones, once the gate has let every one of them pass.

    files: name -> finished text. Pages are read by the gate as they are, other texts inside a page. Raises GateClosed
    naming the file; then nothing is written.
    """
    guard = read_guard(
        find_raw(places), places.record, sources.record.columns
    )  # no store: a record has numbers of its own
    for name, text in files.items():
        page = text if name.endswith(".html") else _wrap_text(name, text, sources)
        try:
            open_gate(page, guard)
        except GateClosed as closed:
            raise GateClosed(f"{name}: {closed} Look for it in project/, take it out and try again.") from None
    written = [places.reports / FOLDER / name for name in files]
    for path, text in zip(written, files.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    return written


def _wrap_text(name: str, text: str, sources: Sources) -> str:
    """A text as a page, so that the gate can read it."""
    return render_pack(name, [Section("What does it say?", (Html("<pre>{}</pre>").format(text),))], sources)


def take_away_old(folder: Path, kept: list[Path]) -> None:
    """Take away the files of an earlier pack that the new one no longer has."""
    for path in set(folder.glob("*.*")) - set(kept):
        path.unlink()

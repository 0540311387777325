"""The page "Can we trust these numbers?", and what the review was made from; from a release and from nothing else."""

import pandas as pd

from qi_analysis.phrases import HIDDEN, upper_first
from qi_analysis.release import Release
from qi_analysis.report.html import Html, dashed, hidden_or, percent, render_folded, render_notes, render_table

EXIT_WORDS = {
    "completed": "completed",
    "short_planned": "planned ending, too few sessions to count as completed; not left early",
    "dropped_out": "left early",
    "declined": "decided not to take up the offer",
    "other_end": "ended in another way",
    "unknown": "ending not known",
    "stepped_up": "stepped up",
    "deceased": "died",
    "open": "still in treatment",
}
SHORT_DIGEST = 8  # letters of a fingerprint that are printed, enough to tell two apart
IN_LETTERS = str.maketrans("0123456789", "ghijklmnop")


# Can we trust these numbers?
def show_numbers(release: Release) -> Html:
    """Can we trust these numbers? Rows, repairs, blank fields, definitions and revised months."""
    parts = (show_recording, show_rows, show_repairs, show_completeness, show_definitions, show_revisions)
    return Html("".join(part(release) for part in parts))


def show_recording(release: Release) -> Html:
    """Has the way endings are recorded changed?"""
    alarm = release.facts.recording
    said = [upper_first(alarm.what) + "."] if alarm.is_open else ["No change in how endings are recorded stands out."]
    if alarm.is_open:
        said.append(
            'When the team has checked it, a dated note "recording change checked" in decisions.md closes this.'
        )
    return render_notes([*said, *map(upper_first, alarm.watch)], "How endings are recorded")


def show_rows(release: Release) -> Html:
    """Can we trust these numbers? Every row in, used, merged and set aside, file by file."""
    ledger = release.tables["ledger"]
    names = {"rows_in": "Rows in", "used": "Used", "merged": "Merged", "set_aside": "Set aside"}
    columns = {words: [hidden_or(n) for n in ledger[name]] for name, words in names.items()}
    note = (
        "Every row is used, merged with another row of the same record, or set aside with a reason. Counts are rounded "
        f"to the nearest 5; counts of 1 to 7 are {HIDDEN} and can be any number."
    )
    return render_table(
        pd.DataFrame({"File": ledger["table"].str.replace("_", " "), **columns}), "Rows in each file", note
    )


def show_repairs(release: Release) -> Html:
    """What was repaired, merged, set aside or flagged, and why."""
    quality = release.tables["quality"]
    table = pd.DataFrame(
        {
            "What": [upper_first(says) for says in quality["says"]],
            "In": [name.replace("_", " ") for name in quality["table"]],
            "Rows": [hidden_or(n) for n in quality["rows"]],
            "What we did": quality["treatment"],
            "Why": quality["why"],
        }
    )
    title = "Repairs, merges, rows set aside and flags"
    return render_folded(render_table(table, title), f"{title}: {len(table)} lines")


def show_completeness(release: Release) -> Html:
    """How often each field is blank in the last 12 months."""
    rows = release.tables["completeness"]
    blank = [
        "not recorded" if not recorded else HIDDEN if hidden else percent(share)
        for share, recorded, hidden in zip(rows["blank_share"], rows["is_recorded"], rows["is_hidden"], strict=True)
    ]
    usable = ["yes" if ok else "no: too often blank" for ok in rows["is_usable"]]
    table = pd.DataFrame({"Field": rows["field"], "Blank": blank, "Usable": usable})
    title, note = (
        "Blank fields, last 12 months",
        "A field that is blank in more than 20% is not used to compare groups. Shares come from rounded counts.",
    )
    return render_folded(render_table(table, title, note), title)


def show_definitions(release: Release) -> Html:
    """The definitions of "completed" side by side, and the worked examples of the one in use."""
    strip, facts = release.tables["strip"], release.facts
    table = pd.DataFrame(
        {
            "Completed means": strip["name"],
            "People": [hidden_or(n) for n in strip["numerator"]],
            "Of": [hidden_or(n) for n in strip["denominator"]],
            "Share": [hidden_or(v, percent) for v in strip["value"]],
            "In use": ["the team's choice" if choice else "" for choice in strip["is_choice"]],
        }
    )
    note = (
        f"Version {facts.definition.version}, since {facts.definition.agreed_words}: "
        f"{facts.definition.reason}. "
        "Counts are rounded to the nearest 5. The first row is the national figure for all treatment, not LI alone."
    )
    strip_html = render_table(table, "Definitions side by side, last 12 months", note)
    examples = pd.DataFrame(
        {
            "Example": [example["says"] for example in facts.examples],
            "Counts as": [EXIT_WORDS.get(example["counts"], example["counts"]) for example in facts.examples],
        }
    )
    return Html(strip_html + _show_pairs(release) + render_table(examples, "Worked examples of the definition in use"))


def _show_pairs(release: Release) -> Html:
    """How many people each two definitions count differently."""
    pairs = release.tables["strip_pairs"]
    table = pd.DataFrame(
        {
            "Two definitions": [
                f"{dashed(a)} and {dashed(b)}" for a, b in zip(pairs["definition"], pairs["other"], strict=True)
            ],
            "Counted differently": [hidden_or(n) for n in pairs["people"]],
            "Of": [hidden_or(n) for n in pairs["ended"]],
        }
    )
    title = "People that two definitions count differently, last 12 months"
    return render_folded(render_table(table, title), title)


def show_revisions(release: Release) -> Html:
    """The months whose figure moved since the last revision of this review."""
    moved = release.facts.moved
    if not moved:
        words = "This is the first revision of this review." if release.facts.revision == 1 else "No figure has moved."
        return render_notes([words], "Revised months")
    table = pd.DataFrame(list(moved), columns=["Month", "Measure", "Before", "Now"])
    return render_table(table, "Months whose figure moved since the last revision")


# The page of the analyst edition: what the review was made from and how.
def show_checks(release: Release) -> Html:
    """What was this made from? Parameters, settings, versions and fingerprints; no figure and no file name."""
    facts = release.facts
    made, definition, settled = facts.made_from, facts.definition, facts.settled_rule
    parameters = {
        "Period": facts.period,
        "As at": facts.as_at_words,
        "Data to": facts.data_date_words,
        "Revision": f"revision {facts.revision}",
        "Aim's measure": facts.measure.id,
        "Chart": f"{facts.measure.chart}, rules {facts.rules}",
        "Definition": f"{definition.choice}, version {definition.version}: {definition.reason}",
        "Settled": f"{settled.min_weeks} weeks and {settled.min_closed_share:.0%} closed",
        "Fewest for a point": f"{facts.min_denominator} people",
        "Protection": facts.protection,
        "Commit": spell_digest(made.commit),
    }
    versions = {f"Version of {name}": version for name, version in made.versions.items()}
    digests = {
        f"Fingerprint of {name}": spell_digest(digest[:SHORT_DIGEST]) for name, digest in made.fingerprints.items()
    }
    return Html(
        _render("Parameters and settings", parameters)
        + _render("Versions", versions)
        + _render("Fingerprints, the first letters (g to p stand for 0 to 9)", digests)
    )


def spell_digest(digest: str) -> str:
    """A digest in letters, g to p for 0 to 9: with digits in it, a part of it could be the number of a person or contact."""
    return digest.translate(IN_LETTERS)


def _render(caption: str, pairs: dict[str, str]) -> Html:
    return render_table(pd.DataFrame({"What": list(pairs), "Value": list(pairs.values())}), caption)

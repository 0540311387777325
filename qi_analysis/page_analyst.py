"""The page of the analyst edition: what the review was made from and how, from a release and from nothing else."""

import pandas as pd

from qi_analysis.fragments import Html, render_table
from qi_analysis.release import Release

SHORT_DIGEST = 8  # letters of a fingerprint that are printed, enough to tell two apart


def show_checks(release: Release) -> Html:
    """What was this made from? Parameters, settings, versions and fingerprints; no figure and no file name."""
    facts = release.facts
    made, definition, settled = facts["made_from"], facts["definition"], facts["settled_rule"]
    parameters = {
        "Period": facts["period"],
        "As at": facts["as_at_words"],
        "Data to": facts["data_date_words"],
        "Revision": f"revision {facts['revision']}",
        "Aim's measure": facts["measure"]["id"],
        "Chart": f"{facts['measure']['chart']}, rules {facts['rules']}",
        "Definition": f"{definition['choice']}, version {definition['version']}: {definition['reason']}",
        "Settled": f"{settled['min_weeks']} weeks and {settled['min_closed_share']:.0%} closed",
        "Fewest for a point": f"{facts['min_denominator']} people",
        "Protection": facts["protection"],
        "Commit": _name(made["commit"]),
    }
    versions = {f"Version of {name}": version for name, version in made["versions"].items()}
    digests = {f"Fingerprint of {name}": _name(digest[:SHORT_DIGEST]) for name, digest in made["fingerprints"].items()}
    return Html(
        _render("Parameters and settings", parameters)
        + _render("Versions", versions)
        + _render("Fingerprints, the first letters", digests)
    )


def _name(digest: str) -> str:
    """A digest as a word with a letter before it: one of digits alone could be the number of a person."""
    return f"g{digest}"


def _render(caption: str, pairs: dict[str, str]) -> Html:
    return render_table(pd.DataFrame({"What": list(pairs), "Value": list(pairs.values())}), caption)

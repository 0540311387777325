"""The page of the analyst edition: what the review was made from and how, from a release and from nothing else."""

import pandas as pd

from qi_analysis.fragments import Html, render_table
from qi_analysis.release import Release

SHORT_DIGEST = 8  # letters of a fingerprint that are printed, enough to tell two apart
IN_LETTERS = str.maketrans("0123456789", "ghijklmnop")


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
        "Commit": spell_digest(made["commit"]),
    }
    versions = {f"Version of {name}": version for name, version in made["versions"].items()}
    digests = {
        f"Fingerprint of {name}": spell_digest(digest[:SHORT_DIGEST]) for name, digest in made["fingerprints"].items()
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

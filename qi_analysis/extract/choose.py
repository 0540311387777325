"""Which extract is read: the service's own, or the synthetic one."""

from pathlib import Path

from qi_analysis.storage import Places, write_folder


def choose_extract(places: Places) -> Path:
    """data/raw, or the shipped generator's extract when data/raw is empty (written on first use)."""
    if places.has_extract:
        return places.raw
    if not (places.sample / "IDS000Header.csv").exists():
        from qi_analysis.extract.sample.generate import write_sample  # loads pandas; a run with nothing new does not

        with write_folder(places.sample) as building:
            write_sample(building)
    return places.sample

"""Everything of one review that stays inside: rows with random surrogate keys, for the analyst on this machine only.

Never shared. Its folder is readable by its owner alone. keys.parquet is the one file that leads from a surrogate back
to the local identifiers, so that a row can be looked up at its source; nothing in the package opens it.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.errors import DataProblem
from qi_analysis.extract.clean import Tables
from qi_analysis.extract.columns import check_nhs_numbers
from qi_analysis.extract.ledger import Account
from qi_analysis.measures.pathways import Pathways
from qi_analysis.periods import Period
from qi_analysis.record.settings import Record
from qi_analysis.record.team import TeamRecord
from qi_analysis.storage import write_folder

OWNER_ONLY = 0o700
KEY_OF = {"referrals": "referral", "pathways": "referral", "contacts": "contact"}  # tables whose rows are the key


@dataclass(frozen=True)
class Workings:
    """Everything of one review that stays in the workshop."""

    record: Record
    period: Period
    tables: Tables
    account: Account
    pathways: Pathways
    results: pd.DataFrame
    is_synthetic: bool
    file_tables: list[str]
    team: TeamRecord = TeamRecord()


@dataclass(frozen=True)
class Workshop:
    """The workshop of one review, opened by the analyst's notebooks."""

    results: pd.DataFrame
    quality: pd.DataFrame
    ledger: pd.DataFrame
    set_aside: pd.DataFrame
    pathways: pd.DataFrame


@dataclass(frozen=True)
class Stored:
    """The canonical tables on disk, and the random surrogates they were stored under."""

    folder: Path
    surrogates: Mapping[str, np.ndarray]


def store_tables(folder: Path, tables: Tables) -> Stored:
    """Write the canonical tables and keys once for all reviews of a run, under random surrogates.

    folder: new and empty, readable by its owner alone; it is the run's own and goes when the run ends.
    """
    random = np.random.default_rng()
    surrogates = {
        "referral": random.permutation(len(tables.referrals)),
        "contact": random.permutation(len(tables.contacts)),
        "person": random.permutation(int(tables.referrals["person"].to_numpy().max(initial=-1)) + 1),
    }
    for name in ("referrals", "contacts", "activities", "logs", "scores"):
        _write_rows(folder / f"{name}.parquet", getattr(tables, name), KEY_OF.get(name), surrogates)
    keys = _build_keys(tables, surrogates["referral"], surrogates["contact"])
    keys.to_parquet(folder / "keys.parquet", index=False, use_dictionary=False)
    return Stored(folder, surrogates)


def write_workshop(folder: Path, workings: Workings, stored: Stored) -> None:
    """Write a review's rows, results, data-quality table and rows set aside; an earlier folder is replaced."""
    account, pathways = workings.account, workings.pathways.referrals
    texts = {
        "results": workings.results,
        "data_quality": account.build_quality(),
        "set_aside": account.build_set_aside(),
        "ledger": account.build_ledger(),
    }
    with write_folder(folder, OWNER_ONLY) as building:
        os.chmod(building, OWNER_ONLY)
        for path in stored.folder.glob("*.parquet"):
            _link(path, building / path.name)
        _write_rows(building / "pathways.parquet", pathways, KEY_OF["pathways"], stored.surrogates)
        for name, table in texts.items():
            table.to_csv(building / f"{name}.csv", index=False, lineterminator="\n", date_format="%Y-%m-%d")


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the disk knows no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _write_rows(path: Path, frame: pd.DataFrame, own: str | None, surrogates: Mapping[str, np.ndarray]) -> None:
    """One table with surrogates in place of row numbers, in their order. own: the surrogate its rows stand for."""
    known = {key: numbers[frame[key].to_numpy()] for key, numbers in surrogates.items() if key in frame}
    if own is not None:
        known = {own: surrogates[own]} | known
    key = own or ("contact" if "contact" in frame else "referral")
    stored = frame.assign(**known).sort_values(key, kind="stable", ignore_index=True)
    stored.to_parquet(path, index=False, use_dictionary=False)


def _build_keys(tables: Tables, referral: np.ndarray, contact: np.ndarray) -> pd.DataFrame:
    """kind, surrogate, local_id: an identifier that is an NHS number is not written."""
    parts = []
    for kind, surrogate in (("referral", referral), ("patient", referral), ("contact", contact)):
        local = tables.keys[kind].reset_index(drop=True)
        digits = local.str.fullmatch(r"[0-9 -]{10,12}").fillna(False).astype(bool)
        if digits.any():
            local = local.where(~check_nhs_numbers(local.where(digits).str.replace(r"[ -]", "", regex=True)))
        parts.append(pd.DataFrame({"kind": kind, "surrogate": surrogate, "local_id": local}))
    return pd.concat(parts, ignore_index=True)


def read_workshop(folder: Path) -> Workshop:
    """Open a workshop. Raises DataProblem when there is none for the period."""
    if not (folder / "results.csv").exists():
        raise DataProblem("There is no workshop for this period yet. Make it first with: qi run latest")
    results = pd.read_csv(folder / "results.csv", parse_dates=["interval_start", "interval_end"])
    texts = {name: pd.read_csv(folder / f"{name}.csv") for name in ("data_quality", "ledger", "set_aside")}
    pathways = pd.read_parquet(folder / "pathways.parquet")
    return Workshop(results, texts["data_quality"], texts["ledger"], texts["set_aside"], pathways)

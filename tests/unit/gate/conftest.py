"""A guard that knows an extract of invented people."""

from pathlib import Path

import pytest
from gate_example import CONTACTS, PEOPLE, REFERRALS, RELEASED
from repository import ROOT

from qi_analysis.gate.check import Guard
from qi_analysis.gate.people import build_known
from qi_analysis.gate.private_columns import read_private
from qi_analysis.gate.shapes import read_allowed


@pytest.fixture(scope="module")
def extract(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for name, text in (("IDS001MPI", PEOPLE), ("IDS101Referral", REFERRALS), ("IDS201CareContact", CONTACTS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def guard(extract) -> Guard:
    allowed = read_allowed(ROOT / "project")
    return Guard(
        build_known(
            read_private(extract, None),
            allowed.list_kind("word"),
            allowed.list_kind("date"),
            lambda: read_private(extract, None).identifiers,
        ),
        RELEASED,
        allowed,
    )

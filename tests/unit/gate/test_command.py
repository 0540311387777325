"""`qi gate`: one page judged on the command line."""

from pathlib import Path

import pytest
from gate_example import NHS, page
from typer.testing import CliRunner

from qi_analysis import cli
from qi_analysis.errors import GateClosed
from qi_analysis.gate.check import Guard


def run_gate(path: Path, monkeypatch, folder: Path):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(cli.app, ["gate", str(path)])


def test_the_command_says_yes_or_names_kind_and_place(tmp_path, monkeypatch):
    good, bad = tmp_path / "good.html", tmp_path / "bad.html"
    good.write_bytes(page("<p>Are we getting better?</p>"))
    bad.write_bytes(page(f"<p>{NHS}</p>"))
    opened, closed = run_gate(good, monkeypatch, tmp_path), run_gate(bad, monkeypatch, tmp_path)
    assert opened.exit_code == 0 and f"The gate is open: {len(Guard().list_checks())} checks passed." in opened.stdout
    assert "There is no project here" in opened.stderr
    assert closed.exit_code == 3 and "an NHS number: line 2" in closed.stderr and NHS not in closed.output


@pytest.mark.parametrize("name", ["missing.html", "page.pdf"])
def test_the_command_refuses_what_it_cannot_read(name, tmp_path, monkeypatch):
    with pytest.raises(GateClosed):
        raise run_gate(tmp_path / name, monkeypatch, tmp_path).exception


def test_the_command_finds_the_extract_of_the_project(project, tmp_path, monkeypatch):
    path = tmp_path / "bad.html"
    for name, value in (("IDS001MPI", 0), ("IDS101Referral", 0), ("IDS201CareContact", 0)):
        row = (project.raw / f"{name}.csv").read_text().splitlines()[-1].split(",")
        path.write_bytes(page(f"<p>see {row[value]}</p>"))
        done = run_gate(path, monkeypatch, project.root)
        assert (
            done.exit_code == 3
            and "an identifier of the extract: line 2" in done.stderr
            and row[value] not in done.stderr
        )

"""qi new: an entry is added to the record as it stands, whole or not at all."""

from datetime import date
from pathlib import Path

import pytest
from plain_record import FILES, change, write_record
from typer.testing import CliRunner

from qi_analysis.cli import app
from qi_analysis.errors import RecordProblem
from qi_analysis.record.new_entry import Known, answer_questions, next_letter, read_kinds
from qi_analysis.record.read_settings import collect_record
from qi_analysis.record.read_team import read_team_record

ENTRIES = {  # kind -> the options, the file, what stands at its end
    "action": (
        ["--action", 'Ring the "admin" team, twice', "--owner", "Project lead", "--due", "14/07/2022"],
        "actions.csv",
        'A3,"Ring the ""admin"" team, twice",lead,2022-07-14,open,,,\n',
    ),
    "event": (
        ["--what", "a new telephone line", "--date", "2022-03-01", "--could-affect", "second_contact, li_completion"],
        "events.csv",
        "2022-03-01,C,a new telephone line,second_contact li_completion\n",
    ),
    "role": (
        ["--role", "admin team (reception)", "--since", "2022-03-01"],
        "team.toml",
        '\n[[roles]]\nid = "admin_team"\nrole = "admin team (reception)"\nsince = 2022-03-01\n',
    ),
    "idea": (
        ["--idea", "A letter", "--driver", "people know what to expect", "--raised-by", "su1", "--measures", "second_contact"],
        "drivers.toml",
        '\n[[drivers.ideas]]\nid = "I2"\nidea = "A letter"\nraised_by = "su1"\nmeasures = ["second_contact"]\nstatus = "idea"\n',
    ),
    "cycle": (
        ["--title", "The letter, one clinic", "--start", "2022-05-02", "--idea", "I1", "--prediction", "rises by 5 points"],
        "pdsa/03-the-letter-one-clinic.md",
        "(What will you do next: adopt, adapt or abandon, and why?)\n",
    ),
    "story": (
        ["--title", "The letter", "--teller", "service user", "--date", "2022-05-03", "--consent", "team"],
        "stories/2022-05-the-letter.md",
        "(Write the words here, checked with the teller. Leave out names, places and dates that could tell who it is.)\n",
    ),
    "measure": (
        ["--name", "LI appointments we moved", "--kind", "process", "--numerator", "li_cancelled_by_provider", "--denominator",
         "li_booked", "--good", "down", "--plain", "How many did we move?", "--why", "It is ours.", "--owner", "lead",
         "--review-on", "2023-05-01"],
        "measures.toml",
        'owner = "lead"\nreview_on = 2023-05-01\n',
    ),
}  # fmt: skip


@pytest.fixture
def record(tmp_path, monkeypatch) -> Path:
    record = write_record(tmp_path)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    return record


def new(*options: str):
    return CliRunner().invoke(app, ["new", *options])


@pytest.mark.parametrize("kind", read_kinds())
def test_an_entry_is_written_and_said_where_it_appears(kind, record):
    options, file, end = ENTRIES[kind]
    done = new(kind, *options)
    assert done.exit_code == 0, done.exception
    assert (record / file).read_text(encoding="utf-8").endswith(end)
    assert f"in project/{file}\n" in done.output and done.output.endswith(
        f"This appears {read_kinds()[kind].appears}.\n"
    )
    collected = collect_record(record)
    found = [*collected.faults, *read_team_record(record, collected.charts).findings]
    assert [one for one in found if one.level == "STOP"] == []


@pytest.mark.parametrize("kind", read_kinds())
def test_what_stood_there_before_is_untouched(kind, record):
    options, file, _ = ENTRIES[kind]
    before = {path: path.read_bytes() for path in record.rglob("*") if path.is_file()}
    assert new(kind, *options).exit_code == 0
    for path, raw in before.items():
        assert path.read_bytes().startswith(raw), path.name


@pytest.mark.parametrize("kind", read_kinds())
def test_the_first_entry_of_a_kind_begins_its_file(kind, record):
    for name in FILES:
        (record / name).unlink()
    options, file, _ = ENTRIES[kind]
    options = [*options]
    if "--idea" in options and kind == "cycle":
        del options[options.index("--idea") : options.index("--idea") + 2]
    done = new(kind, *options)
    assert done.exit_code == 0, done.exception
    assert kind in ("event", "measure") or "From now on your own record is shown, never the example." in done.output


def test_a_list_keeps_its_semicolons_its_line_ends_and_its_mark(record):
    path = record / "actions.csv"
    raw = ("\ufeffid;owner;action;due;status\r\nA7;lead;Ask;14/06/2022;open\r\n").encode()
    path.write_bytes(raw)
    assert new("action", "--action", "Ring; twice").exit_code == 0
    assert path.read_bytes() == raw + b'A8;;"Ring; twice";;open\r\n'


def test_an_idea_goes_under_its_driver_and_comments_stay(record):
    more = '\n# the second\n[[drivers]]\ndriver = "Appointments fit"\n'
    path = record / "drivers.toml"
    path.write_text(FILES["drivers.toml"] + more, encoding="utf-8")
    assert new("idea", "--idea", "A letter", "--driver", "People know what to expect").exit_code == 0
    assert path.read_text(encoding="utf-8") == (
        FILES["drivers.toml"] + '\n[[drivers.ideas]]\nid = "I2"\nidea = "A letter"\nstatus = "idea"\n' + more
    )


@pytest.mark.parametrize(
    ("prediction", "measures", "line"),
    [
        (
            "rises from 60% to 75%",
            "second_contact",
            'predicted = { measure = "second_contact", from = 0.60, to = 0.75 }',
        ),
        (
            "rises from 5 % to 100 %",
            "second_contact",
            'predicted = { measure = "second_contact", from = 0.05, to = 1.00 }',
        ),
        ("rises from 60% to 75%", "second_contact missed_appointments", ""),
        ("rises from 60% to 75%", "", ""),
        ("rises", "second_contact", ""),
    ],
)
def test_a_prediction_with_numbers_of_one_measure_can_be_compared(record, prediction, measures, line):
    options = ["--title", "x", "--start", "2022-05-02", "--prediction", prediction, "--measures", measures]
    assert new("cycle", *options).exit_code == 0
    header = (record / "pdsa" / "03-x.md").read_text(encoding="utf-8")
    assert (f"{line}\n" in header) if line else ("predicted =" not in header)


REFUSED = {
    "nothing given": (["action"], "qi new action needs more. Add: --action ..."),
    "several missing": (["event", "--what", "x"], "qi new event needs more. Add: --date ... --could-affect ..."),
    "no such day": (
        ["action", "--action", "x", "--due", "31/02/2022"],
        "--due: this is not a date. Write it as 2022-06-14.",
    ),
    "no such role": (
        ["action", "--action", "x", "--owner", "leed"],
        '--owner: this is no role of team.toml. Did you mean "lead"?',
    ),
    "a name": (["action", "--action", "x", "--owner", "Jo Example"], "--owner: this looks like a person's name."),
    "a detail": (["action", "--action", "Ring 07700 900123"], "--action: this looks like a phone number."),
    "no such measure": (
        ["cycle", "--title", "x", "--start", "2022-05-02", "--measures", "second"],
        "--measures: this is not a measure of measures.toml.",
    ),
    "no such idea": (["cycle", "--title", "x", "--start", "2022-05-02", "--idea", "I7"], "--idea: this is not an idea"),
    "ends first": (
        ["cycle", "--title", "x", "--start", "2022-05-02", "--end", "2022-05-01"],
        "--end is before --start. Nothing was written.",
    ),
    "two answers that cannot be read": (
        ["action", "--action", "x", "--owner", "leed", "--due", "soon"],
        '--owner: this is no role of team.toml. Did you mean "lead"?\n--due: this is not a date. Write it as 2022-06-14.',
    ),
    "no such choice": (
        ["story", "--title", "x", "--teller", "su", "--date", "2022-05-02", "--consent", "public"],
        "--consent: write one of none, team, plain.",
    ),
    "no such count": (
        ["measure", *ENTRIES["measure"][0][:4], "--numerator", "li_booket", *ENTRIES["measure"][0][6:]],
        "'li_booket' is not a name I can count. Did you mean \"li_booked\"?",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_added_is_refused_in_words_and_nothing_is_written(name, record):
    options, words = REFUSED[name]
    before = {path: path.read_bytes() for path in record.rglob("*") if path.is_file()}
    done = new(*options)
    assert isinstance(done.exception, RecordProblem) and words in str(done.exception)
    assert {path: path.read_bytes() for path in record.rglob("*") if path.is_file()} == before


def test_a_file_is_never_written_over(record):
    options, file, _ = ENTRIES["story"]
    assert new("story", *options).exit_code == 0
    (record / file).write_text("mine", encoding="utf-8")
    assert "is there already" in str(new("story", *options).exception)
    assert (record / file).read_text(encoding="utf-8") == "mine"


def test_nothing_is_added_to_a_file_that_cannot_be_read(record):
    change(record, "team.toml", '"lead"', '"lead')
    before = (record / "team.toml").read_bytes()
    done = new("role", "--role", "coach")
    assert str(done.exception) == "team.toml cannot be read yet, so nothing was added. Run: qi check --record"
    assert (record / "team.toml").read_bytes() == before


def test_what_is_missing_is_asked_until_it_can_be_read(record):
    kind = read_kinds()["action"]
    known = Known(collect_record(record), read_team_record(record, None))
    answers, asked = iter(["", "Ring", "leed", "lead", "soon", "14/07/2022", "", ""]), []
    values = answer_questions(kind, {}, known, lambda question: asked.append(question.asks) or next(answers))
    assert values == {"action": "Ring", "owner": "lead", "due": date(2022, 7, 14)}
    assert (
        asked[1].startswith("This one is needed.") and 'Did you mean "lead"?' in asked[3] and "not a date" in asked[5]
    )


def test_nothing_is_asked_when_everything_that_is_needed_is_given(record):
    kind = read_kinds()["action"]
    known = Known(collect_record(record), read_team_record(record, None))
    assert answer_questions(kind, {"action": "Ring"}, known, lambda question: pytest.fail("asked")) == {
        "action": "Ring"
    }


@pytest.mark.parametrize(("used", "following"), [("", "A"), ("A", "B"), ("AC", "D"), ("ABZ", "AA")])
def test_the_next_letter(used, following):
    assert next_letter(list(used)) == following


@pytest.mark.slow
def test_the_check_tells_what_a_run_would_stop_for(record):
    (record / "allow.toml").write_text('[[allow]]\nkind = "fone"\n', encoding="utf-8")
    (record / "benchmark.toml").write_text('nam = "x"\n', encoding="utf-8")
    change(record, "team.toml", "[[roles]]", '[reviews]\nmeets = "when we can"\n\n[[roles]]')
    told = CliRunner().invoke(app, ["check", "--record"]).output
    assert "STOP  allow.toml, " in told and "STOP  benchmark.toml, " in told
    assert 'WARN  team.toml, reviews, meets: I cannot tell the days. Write such as "third Tuesday 10:00".' in told


@pytest.mark.slow
def test_the_check_of_the_record_is_printed_with_stop_first(record):
    change(record, "actions.csv", "2022-06-14", "2022-06-31")
    change(record, "pdsa/02-call-script.md", 'prediction = "rises"\n', "")
    done = CliRunner().invoke(app, ["check", "--record"])
    lines = [line for line in done.output.splitlines() if line]
    assert done.exit_code == 2
    assert lines[0] == "STOP (1): no review is made until these are put right"
    assert lines[1] == 'STOP  actions.csv, row 2, due: "2022-06-31" is not a date.'
    assert lines[2].startswith("WARN (")
    assert lines[-1] == "Put the lines marked STOP right and run the check again."

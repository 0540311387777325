"""The allow list: what it names passes and nothing else."""

import pytest
from gate_example import page

from qi_analysis.errors import RecordProblem
from qi_analysis.gate.check import Guard, check_page
from qi_analysis.gate.shapes import read_allowed


@pytest.mark.parametrize("text, words", [
    ('[[allow]]\nkind = "phone"\nvalue = "111"\n', 'line 1: "agreed_by" is missing'),
    ('[[allow]]\nkind = "name"\nvalue = "x"\nwhat = "x"\nagreed_by = "x"\nagreed_on = 2021-05-01\n', "kind must be one of"),
])  # fmt: skip
def test_an_allow_list_without_a_signature_is_refused(text, words, tmp_path):
    (tmp_path / "allow.toml").write_text(text)
    with pytest.raises(RecordProblem, match=words):
        read_allowed(tmp_path)


def test_what_the_allow_list_names_passes_and_nothing_else(tmp_path):
    entry = '[[allow]]\nkind = "{}"\nvalue = "{}"\nwhat = "our office"\nagreed_by = "lead"\nagreed_on = 2021-05-01\n'
    pairs = (
        ("phone", "020 7946 0018"),
        ("email", "office@example.org"),
        ("postcode", "TW9 1AA"),
        ("link", "https://example.org/"),
    )
    (tmp_path / "allow.toml").write_text("".join(entry.format(*pair) for pair in pairs))
    guard = Guard(allowed=read_allowed(tmp_path))
    assert (
        check_page(
            page('<p>Office: 020 7946 0018, office@example.org, TW9 1AA, <a href="https://example.org/x">us</a></p>'),
            guard,
        )
        == []
    )
    for body in ("020 7946 0019", "an-office@example.org", "TW9 1AB", '<a href="https://example.com/">x</a>'):
        assert check_page(page(f"<p>{body}</p>"), guard)

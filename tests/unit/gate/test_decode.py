"""What is broken, deep, huge or means to exhaust the gate is judged, and what cannot be read counts against the page."""

import gzip

import pytest
from gate_example import (
    NHS,
    b64,
    notebook,
    page,
    picture,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from qi_analysis.gate.check import Guard, check_notebook, check_page
from qi_analysis.gate.pieces import Finding


def test_a_name_that_stands_twice_in_a_notebook_closes_the_gate():
    twice = notebook().replace(b'"nbformat": 4', f'"nbformat": "{NHS}", "nbformat": 4'.encode())
    assert [one.kind for one in check_notebook(twice, Guard())] == ["something that cannot be decoded"]


HOSTILE = {
    "deep HTML": page("<div>" * 20_000),
    "deep JSON": page(f"<p>{'[' * 20_000}1{']' * 20_000}</p>"),
    "deep base64": page(f"<p>{b64(b64(b64(b64(b64(b64(b64(b64(b64('x' * 60)))))))))}</p>"),
    "a bomb in a bomb": page(f"<p>{b64(gzip.compress(gzip.compress(bytes(30_000_000))))}</p>"),
    "a zip bomb": page(f"<p>{b64(zipped(**{f'f{n}': 'x' * 200_000 for n in range(100)}))}</p>"),
    "broken base64": page('<img src="data:image/png;base64,@@@@====">'),
    "a broken zip": page(f"<p>{b64(zipped(a='x' * 500)[:90])}</p>"),
    "a broken picture": page(picture(b"\x89PNG\r\n\x1a\n" + b"\xff" * 40)),
    "invalid UTF-8": b"\xff\xfa\xfb<p>\x80</p>",
    "NUL": b"<p>\0\0\0</p>",
    "half a tag": b"<p title='",
    "a broken declaration": b"<![if x]><!x<!--<!><![CDATA[",
    "nothing": b"",
    "strange references": page("<p>&#xFFFFFFFF;&#0;&#xD800;&#99999999999;</p>"),
    "long digits": page("<p>" + "9" * 50_000 + " " + "1 " * 20_000 + "</p>"),
    "long words": page("<p>" + "a-" * 40_000 + "@" * 20_000 + "0" * 20_000 + "</p>"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_input_is_judged_and_never_crashes(name, guard):
    assert all(isinstance(one, Finding) for one in check_page(HOSTILE[name], guard))
    assert check_notebook(HOSTILE[name], guard)


CLOSED = {
    "deep base64",
    "a bomb in a bomb",
    "a zip bomb",
    "broken base64",
    "a broken zip",
    "invalid UTF-8",
    "NUL",
    "nothing",
}


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_what_cannot_be_read_counts_against_the_page(name, guard):
    assert check_page(HOSTILE[name], guard)


def test_a_page_of_more_than_16_mb_is_not_read(guard):
    assert [one.kind for one in check_page(b" " * 16_000_001, Guard())] == [
        "more than 16 MB",
        "no content-security policy",
    ]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_judged(data):
    assert check_page(data, Guard())
    assert check_notebook(data, Guard())


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_judged(text):
    assert isinstance(check_page(page(text), Guard()), list)

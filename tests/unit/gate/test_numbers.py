"""Numbers: an NHS number however it is written, shares, and the counts published for England."""

import gzip
import json

import nhs_number
from gate_example import b64, page
from hypothesis import given, settings
from hypothesis import strategies as st

from qi_analysis.gate.check import Guard, check_page
from qi_analysis.gate.numbers import read_national_counts

TEN = "an NHS number"


def test_the_counts_published_for_england_may_be_quoted():
    published = read_national_counts()
    assert 132008 in published and min(published) >= 10_000


NUMBERS = (
    st.integers(400_000_000, 799_999_999)
    .filter(lambda n: nhs_number.calculate_checksum(str(n)) != 10)
    .map(lambda n: f"{n}{nhs_number.calculate_checksum(str(n))}")
)
SEPARATORS = st.sampled_from(
    ["", " ", "-", "\u00a0", ".", "/", " - ", "\u2013", "</b><b>", "\u200b", "&nbsp;", "<!-- -->", "&#8203;"]
)
CODINGS = st.sampled_from([
    str, b64, lambda text: text.encode().hex(), lambda text: b64(gzip.compress(text.encode())), lambda text: "".join(f"&#{ord(one)};" for one in text),
    lambda text: "".join(f"%{ord(one):02X}" for one in text), lambda text: json.dumps({"a": [text]}), lambda text: b64(text.encode("utf-16-le")),
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(NUMBERS, SEPARATORS)
def test_an_nhs_number_is_found_however_it_is_grouped(number, between):
    assert TEN in {
        one.kind
        for one in check_page(page(f"<p>See {number[:3]}{between}{number[3:6]}{between}{number[6:]} here</p>"), Guard())
    }


@settings(max_examples=150, deadline=None)
@given(NUMBERS, CODINGS, CODINGS)
def test_an_nhs_number_is_found_in_wrappings_of_wrappings(number, inner, outer):
    assert TEN in {one.kind for one in check_page(page(f"<p>{outer(inner(number))}</p>"), Guard())}


def test_a_column_of_every_100_holds_shares(guard):
    table = "<table><thead><tr><th>Month</th><th>Of every 100</th></tr></thead><tbody><tr><th>May 2021</th><td>{}</td></tr></tbody></table>"
    assert [check_page(page(table.format(share)), guard) for share in (43, 5)] == [[], []]
    assert check_page(page(table.replace("Of every 100", "Of").format(5)), guard) != []

"""Does a text look like a phone number, a name, a date of birth?"""

import pytest

from qi_analysis.record.personal_details import find_details

DETAILS = {
    "07700 900123": "a phone number",
    "+44 7700 900123": "a phone number",
    "(020) 7946 0958": "a phone number",
    "7700 900123": "a phone number",
    "０７７００９００１２３": "a phone number",
    "077\u200b00900123": "a phone number",
    "O77OO 9OO123": "a phone number",
    "oh double seven double oh, nine double oh one two three": "a phone number",
    "zero seven seven zero zero nine zero zero one two three": "a phone number",
    "nine four three four seven six five nine one nine": "an NHS number",
    "someone@example.org": "an e-mail address",
    "943 476 5919": "an NHS number",
    "9434765919": "an NHS number",
    "943 476 5918": "an NHS number",
    "TW9 1AB": "a postcode",
    "tw91ab": "a postcode",
    "DOB: 3/4/1985": "a date of birth",
    "born on 3 April 1985": "a date of birth",
    "03/04/1985": "a date of birth",
    "Dr Example": "a person's name",
    "My name is Example": "a person's name",
    "my name's Example": "a person's name",
    "I'm Alex Example": "a person's name",
}
PLAIN = [
    "2022-03-08 to 2023-03-08", "14/06/2022 10:00", "codes 748051000000105 and 702545008", "P1 2nd week", "RWK4C to RQY58",
    "from 0.60 to 0.75", "58 of 97 people", "at 10:00 on 3 May 2022", "Miss the first appointment", "call 111", "A12, A13",
    "one, two, three, four, five, six", "one or two of three, four or five", "5 o'clock or 10 o'clock", "CO2 at 20 degrees",
]  # fmt: skip


@pytest.mark.parametrize("text", DETAILS)
def test_a_personal_detail_is_seen(text):
    assert find_details(f"so {text}, then") == [DETAILS[text]]


@pytest.mark.parametrize("text", PLAIN)
def test_what_tells_of_nobody_is_left_alone(text):
    assert find_details(text) == []

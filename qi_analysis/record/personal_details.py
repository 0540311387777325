"""Does a text hold something that could tell who a person is? Found by shape, told by kind, never repeated."""

import re
import unicodedata
from collections.abc import Iterator

import nhs_number

ROLE_WORDS = frozenset(
    [
        "lead",
        "leader",
        "analyst",
        "manager",
        "practitioner",
        "user",
        "users",
        "service",
        "coach",
        "sponsor",
        "admin",
        "administrator",
        "team",
        "therapist",
        "clinical",
        "clinician",
        "data",
        "project",
        "supervisor",
        "pwp",
        "nurse",
        "director",
        "carer",
        "staff",
        "trainee",
        "reception",
        "receptionist",
        "chair",
        "head",
        "role",
    ]
)
UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
FIGURES = {"zero": "0", "nought": "0", "oh": "0", "o": "0"} | {
    word: str(n) for n, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), 1)
}
TIMES = {"double": 2, "treble": 3, "triple": 3}
SPELT = re.compile(rf"\b(?:(?:{'|'.join([*FIGURES, *TIMES])})\b[ ,-]*){{5,}}", re.IGNORECASE)
LETTER_O = re.compile(r"(?<![A-Za-z])[\dOo]*\d[\dOo]*(?![A-Za-z])")  # figures among which a letter O may stand
DATE = r"\d{1,2}(?:st|nd|rd|th)?[ /.\-](?:\d{1,2}|[A-Za-z]{3,9})[ /.\-]\d{2,4}|\d{4}-\d{2}-\d{2}"
ANY_DATE = re.compile(rf"(?<![\d/.\-])(?:{DATE})(?![\d/])")
TEN_DIGITS = re.compile(r"(?<![\d.])\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")
KINDS = {
    "an e-mail address": re.compile(r"[\w.+'-]+\s?@\s?[\w-]+(?:\.[\w-]+)+"),
    "a phone number": re.compile(
        r"(?<![\d.])(?:0|\+44|\+\d{1,3})(?:[\s().-]{0,3}\d){9,12}(?!\d)"
        r"|(?<![\d.])7\d{3}[ -]?\d{3}[ -]?\d{3}(?!\d)"  # of a mobile, after a spreadsheet took the 0 away
    ),
    "a postcode": re.compile(
        r"\b(?:[A-PR-UWYZ][A-HK-Y]?\d[\dA-HJKMNP-Y]? ?\d[ABD-HJLNP-UW-Z]{2}"
        r"|[a-pr-uwyz][a-hk-y]?\d[\da-hjkmnp-y]? ?\d(?!st|nd|rd|th)[abd-hjlnp-uw-z]{2})\b"
    ),
    "a date of birth": re.compile(
        rf"\b(?:d\.?o\.?b\b|date of birth|birth ?date|birthday|born)[^\n]{{0,15}}?(?:{DATE})"
        r"|(?<![\d/.\-])\d{1,2}(?:[/.\-]\d{1,2}[/.\-]|(?:st|nd|rd|th)? [A-Za-z]{3,9} )(?:19\d\d|200\d)\b"
        r"|(?<!\d)(?:19\d\d|200\d)-\d{2}-\d{2}\b",
        re.IGNORECASE,
    ),
    "a person's name": re.compile(
        r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor)\.?\s+[A-Z][a-z'’-]+|\b[Mm]y name(?: is|['’]s) [A-Z][a-z]+"
        r"|\bI(?: am|['’]m) [A-Z][a-z]+ [A-Z][a-z]+"
    ),
}


def find_details(text: str) -> list[str]:
    """The kinds of personal detail that a text looks to hold, such as "a phone number"; empty for none.

    Phone and NHS numbers, e-mail addresses, full postcodes, dates of birth (or any day before 2010), and a title with a name.
    Line breaks and signs that nobody sees hide nothing, nor do figures in words or a letter O for a 0.
    """
    text = SPELT.sub(_read_figures, UNSEEN.sub("", unicodedata.normalize("NFKC", text)))
    text = LETTER_O.sub(lambda found: re.sub("[Oo]", "0", found[0]), text)
    return list(dict.fromkeys(_find(" ".join(text.split()))))


def _read_figures(spelt: re.Match[str]) -> str:
    """Figures in words as figures: 0770 for "oh double seven oh"."""
    told, times = "", 1
    for word in re.findall(r"[a-z]+", spelt[0].lower()):
        told += FIGURES.get(word, "") * times
        times = TIMES.get(word, 1)
    return f"{told} "


def _find(text: str) -> Iterator[str]:
    without_dates = ANY_DATE.sub(" | ", text)
    if any(_is_nhs_number(found) for found in TEN_DIGITS.findall(without_dates)):
        yield "an NHS number"
        without_dates = TEN_DIGITS.sub(" | ", without_dates)
    for kind, pattern in KINDS.items():
        if pattern.search(without_dates if kind == "a phone number" else text):
            yield kind


def _is_nhs_number(text: str) -> bool:
    """Whether ten digits are an NHS number: by the last digit, or written as one (943 476 5919), mistyped or not."""
    return len(text.split()) == 3 or bool(nhs_number.is_valid(re.sub(r"\D", "", text)))


def looks_like_name(text: str) -> bool:
    """Whether a text that should be a role reads like a person's name: "Jane Smith", "J. Smith" or "Jane"."""
    words = text.strip().split()
    is_name = all(re.fullmatch(r"[A-Z](?:\.|[a-z'’-]+)?(?:[A-Z][a-z]+)?", word) for word in words)
    return 0 < len(words) <= 3 and is_name and not ROLE_WORDS & {word.lower() for word in words}


def quote(text: str) -> str:
    """A written value in quotation marks to show which is meant; long ones and personal details are not repeated."""
    hidden = len(text) > 40 or find_details(text)
    return "what is written" if hidden else f'"{text}"'

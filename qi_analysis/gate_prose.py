"""Numbers of people in what people read: small counts, counts in words, extremes of single people."""

import re
from collections.abc import Iterator

from qi_analysis.gate_store import LARGEST_HIDDEN, NOT_RELEASED, NUMBER, Store, as_number
from qi_analysis.gate_text import Piece

SMALL_TEXT = "a count of 1 to 7 in words"
EXTREME = "the most extreme of single people"
SMALL_WORDS = ["one", "two", "three", "four", "five", "six", "seven"]
PEOPLE = (
    r"(?:people|persons?|patients?|clients?|service[ -]users?|individuals?|women|men|woman|man|males?|females?|adults?|children"
    r"|carers?|episodes?|starters|leavers|(?:non-)?completers|completions|deaths?|suicides?|cases|discharges|drop-?outs|participants|respondents|attendees|callers|learners|refugees|veterans"
    r"|asylum[ -]seekers|mothers|fathers|parents|mums|dads|families|lads|girls|boys|staff|SUs|pts|referrals?|pupils|students|residents|staff members)"
)
OTHER_THINGS = (
    r"(?:months?|weeks?|days?|years?|hours?|minutes?|sessions?|appointments?|contacts?|points?|rules?|measures?|definitions?|things|ways|reasons"
    r"|questions|services|tools|steps|pages|charts|times|per|of|in|before|after|until|why|that|who|where|when|and|or|to|than)"
)
NUMBERS = "[2-7]|" + "|".join(SMALL_WORDS[1:])
BETWEEN = rf"(?:(?!{OTHER_THINGS}\b)[a-z'-]+ ){{0,2}}?"
THRESHOLD = r"(?! (?:or (?:more|fewer|less|over)|can|could|may|might|would|should|must|check|agree|sign|read|review|meet|decide|look|approve|need|numbers?|identifiers?)\b)"
COUNTED = re.compile(rf"(?<![\d.,/-])\b({NUMBER})\b(?![.,/-]?\d|%)\)? {BETWEEN}{PEOPLE}\b(?![-']){THRESHOLD}", re.I)
SPELLED = re.compile(rf"\b({'|'.join(SMALL_WORDS)}) {BETWEEN}{PEOPLE}\b(?![-']){THRESHOLD}", re.I)
DONE = r"(?: who)? (?:was|were|had|left|died|did|came|got|began|stopped|\w+ed)\b"
FEW = re.compile(  # "up to 4 people left": a bound that tells of few
    rf"\b(?:{NUMBERS}) (?:or (?:fewer|less|more) )?{PEOPLE}{DONE}|\b(?:{NUMBERS})[ -](?:or|to|and) (?:{NUMBERS}) {PEOPLE}{DONE}",
    re.I,
)
ONE = re.compile(
    r"\b(?:a|the|one) (?:single|sole|only|lone) (?:person|patient|client|woman|man)\b|\b(?:sole|only) (?:patient|client|woman|man)\b"
    r"|\ba (?:couple|handful) of (?:people|patients|clients|women|men)\b|\bboth (?:(?:people|patients|clients|women|men) (?:left|died|were|had|did|was|[a-z]+ed)|of them)\b"
    r"|\b(?:only|exactly|just) [1-7](?=\s*(?:[.,;)]|$))|"
    r"\b(?:only|just|exactly|single) one (?:person|patient|client|woman|man)\b(?! (?:can|could|may|might|must|should)\b)|\bone (?:person|patient|client|woman|man)(?: who)? (?:was|had|left|died|did|has left|\w+ed)\b",
    re.I,
)
OUT_OF = re.compile(
    rf"(?<![\d.,/-])\b({NUMBER}) (?:out )?of (?:the |about |all )?({NUMBER})\b(?![.,/-]?\d|%)(?: ([A-Za-z]+))?", re.I
)
SPELLED_OUT_OF = re.compile(
    rf"\b({'|'.join(SMALL_WORDS)}) (?:out )?of (?:the |our |these |those )?(?:{NUMBER} )?{PEOPLE}\b", re.I
)
SAID = re.compile(
    rf"\b(?:{PEOPLE}|left early|completed|(?<!contact )(?<!session )count|n)(?: [\w-]+){{0,5}}\s*[:=]\s*({NUMBER})\b(?![.,/-]?\d|%)(?! ?[a-z])|\b[nN]\s*=\s*({NUMBER})\b(?![.,]\d|%)"
    rf"|\b{PEOPLE}(?: (?:completed|left|left early|in treatment))? \(({NUMBER})\)|\b(?:completed|left|recovered|declined|died|dropped out) ([1-7])(?=[,;.)]|$)"
    rf"|\b{PEOPLE} ({NUMBER})(?=\s*(?:[,;)]|\.\s|\.?$))|(?<![\d.,/-])\b({NUMBER}) \(\d[\d.]*%\)|\d% \(({NUMBER})\)",
    re.I,
)
WHO = re.compile(
    rf"(?<![\d.,/%-])\b({NUMBER}) (?:who (?:started|completed|left|ended|came)\b|completed\b|left early\b|started\b|recovered\b|improved\b|finished\b)",
    re.I,
)
MONTH = re.compile(
    r"(?:\b(?:january|february|march|april|may|june|july|august|september|october|november|december)|\b\d\d?|\b(?:since|by|(?<!out )of|during)) $",
    re.I,
)
SHARE_OF = re.compile(
    rf"(?<![\d.])(\d+(?:\.\d+)?)(?:%| per cent) of (?:the |all )?({NUMBER}) {BETWEEN}{PEOPLE}\b", re.I
)
OF_THEM = re.compile(
    rf"\bof (?:the |our )?({NUMBER}) {BETWEEN}{PEOPLE},? ({NUMBER}) (?=[a-z])(?!{OTHER_THINGS}\b)", re.I
)
IN_ALL = re.compile(
    rf"(?<![\d.,/-])\b([2-7]) ?(?:in|/) ?(?!(?:10|20|25|50|100|1,?000|10,?000)\b)({NUMBER}) {BETWEEN}{PEOPLE}\b", re.I
)
SPELLED_DID = re.compile(
    rf"\b(?:{'|'.join(SMALL_WORDS[1:])}) (?:of (?:them|these|those) )?(?:have |had )?(?:recovered|died|left early|dropped out|withdrew|disengaged|declined|did not)\b"
    r"|(?<!beyond )\b[2-7] of (?:them|these|those)\b",
    re.I,
)
DID = re.compile(
    r"(?<![\d.,/%-])\b([1-7]) (?:of (?:them|these|those) )?(?:were|was|left|died|dropped|stopped|declined|withdrew|disengaged"
    r"|recovered|improved|completed|finished|stepped|did not|had not)\b|(?<![\d/])([1-7])/\d{2,4}(?![\d/])",
    re.I,
)
ABOUT_PEOPLE = re.compile(rf"\b(?:{PEOPLE}|completed|left|ended|recovered|improved|dropped|died)\b", re.I)
OLDEST = re.compile(
    r"\b(?:oldest|youngest)\b[^.;:\n]{0,40}?\b(?:was|is|were|of|at|aged)\s+\d"
    r"|\b(?:longest|shortest|highest|lowest|max(?:imum)?|min(?:imum)?)\b(?! \w+ (?:target|standard|limit))[^.;:\n]{0,30}?\b(?:person|patient|client|age|aged|wait(?:ed|ing)?"
    r"|score|treatment|stay)\b[^.;\n\d]{0,25}?\d",
    re.I,
)
# A threshold, a rate or a place in a row is no count: what stands before or after says so.
BEFORE = re.compile(
    r"(?:\b(?:fewer|less|more|greater|other|larger|smaller) than|\b(?:at least|at most|under|over|up to|below|above|minimum of|maximum of|every|each"
    r"|per|in|to|or|than|between|and|first|step|page|part|figure|week|rule|rules|version|definition|fifth|decile|point|points|code|codes|level|phase"
    r"|group|groups|cohort|wave|band|tier|arm|section|table|chart|chapter|day|month|year|session|question|revision|number|top|row|line|item|plus|minus|aged|age|PHQ-?|GAD-?)"
    r"|\b(?:could|can|may|might|must|should|would) \w+|[-\u2013\u2014/#])\s*$",
    re.I,
)
NOT_PEOPLE = re.compile(
    r"(?:of )?(?:points?|months?|weeks?|days?|years?|quarters?|rules?|sessions?|services?|measures?|charts?|tables?|pages?|parts?|steps?|figures?"
    r"|definitions?|questions?|items?|providers?|reports?|revisions?|limits?|groups?|tests?|checks?|times|hours?|minutes?|published|settled|consecutive|stars?)$",
    re.I,
)
EVERY = re.compile(r"\b(?:\d+|one|two|three|four|five|six|seven) (?:in|of|out of) (?:every )?$", re.I)


def list_counts(piece: Piece, store: Store | None) -> Iterator[str]:
    """The kinds of finding of a text; without a release its numbers are not compared."""
    text = re.sub(r"[ \t]+", " ", piece.text)
    parts = re.split(r"(?<=[.;!?])\s+|\n", text)
    if "\n" in text and piece.kind in ("text", "cell", "words"):  # a page breaks its lines where it likes
        parts += re.split(r"(?<=[.;!?])\s+", text.replace("\n", " "))
    for sentence in parts:
        if not re.search(r"\d", sentence) and not re.search(
            r"\b(?:single|sole|only|both|couple|handful|" + "|".join(SMALL_WORDS) + r")\b", sentence, re.I
        ):
            continue
        if OLDEST.search(sentence):
            yield EXTREME
        yield from _list_small_words(sentence)
        for number in _list_people(sentence):
            if 0 < number <= LARGEST_HIDDEN:
                yield SMALL_TEXT
            elif store is not None and number not in store.numbers and str(number).strip("0") != "1":
                yield NOT_RELEASED


def _list_small_words(sentence: str) -> Iterator[str]:
    for hit in (*SPELLED.finditer(sentence), *SPELLED_OUT_OF.finditer(sentence)):
        before = sentence[: hit.start()]
        many = hit[1].lower() != "one" and not re.search(r"\breferrals?$", hit[0].lower())
        if many and not BEFORE.search(before) and not EVERY.search(before):
            yield SMALL_TEXT
    if ONE.search(sentence) or FEW.search(sentence) or SPELLED_DID.search(sentence):
        yield SMALL_TEXT


def _list_people(sentence: str) -> Iterator[int]:
    """The numbers of a sentence that stand for people."""
    for hit in COUNTED.finditer(sentence):
        before = sentence[: hit.start()]
        if not BEFORE.search(before) and not EVERY.search(before) and not re.search(rf"{NUMBER} (?:out )?of $", before):
            yield as_number(hit[1])
    for hit in OUT_OF.finditer(sentence):
        yield from _list_of(hit, sentence)
    for hit in SAID.finditer(sentence):
        yield as_number(next(one for one in hit.groups() if one))
    for hit in (*OF_THEM.finditer(sentence), *IN_ALL.finditer(sentence)):
        numbers = sorted(as_number(one) for one in hit.groups())
        yield from (*numbers, numbers[1] - numbers[0])
    for hit in SHARE_OF.finditer(sentence):
        yield from (as_number(hit[2]), round(float(hit[1]) * as_number(hit[2]) / 100))
    for hit in WHO.finditer(sentence):
        if not MONTH.search(sentence[: hit.start()]) and not BEFORE.search(sentence[: hit.start()]):
            yield as_number(hit[1])
    for hit in DID.finditer(sentence):
        if not BEFORE.search(sentence[: hit.start()]) and (hit[1] or ABOUT_PEOPLE.search(sentence)):
            yield as_number(hit[1] or hit[2])


def _list_of(hit: re.Match[str], sentence: str) -> Iterator[int]:
    """Of "k of n" both, unless it says something else than people; then also what is left when both are exact."""
    top, bottom, unit = as_number(hit[1]), as_number(hit[2]), hit[3] or ""
    if NOT_PEOPLE.match(unit) or BEFORE.search(sentence[: hit.start()]) or top > bottom:
        return
    is_people = bool(re.match(PEOPLE + "$", unit, re.I))
    in_brackets = bool(re.search(r"%\)? \($", sentence[: hit.start()]))
    if (
        bottom <= LARGEST_HIDDEN
        and not is_people
        and not in_brackets
        and not re.search(rf"\b{PEOPLE}\b", sentence, re.I)
    ):
        return
    yield from (top, bottom)
    if top % 5 and bottom % 5 and 0 < bottom - top <= LARGEST_HIDDEN:
        yield bottom - top

"""How old a reader must be to follow a page: the Flesch-Kincaid grade of its words plus 5, section by section.

Words are headings, paragraphs, list items, captions of charts and the pairs of a summary; tables, charts, code and
links of the contents are left out. textstat is slow to wake (most of a second), so it is loaded only when asked.
"""

from html.parser import HTMLParser

AGE_OF_GRADE = 5  # school grade 4 is read at 9
LIMITS = {"team": 14.0, "plain": 11.0}  # the oldest reader each section of an edition may need
BLOCKS = {"h1", "h2", "h3", "p", "li", "figcaption", "dd", "blockquote"}
LEFT_OUT = {"table", "svg", "style", "nav", "pre", "summary", "title"}


class _Sections(HTMLParser):
    """The sentences of each <section> by its id, those before the first by the id of <main>."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, list[str]] = {}
        self.section = ""
        self.words: list[str] = []
        self.outside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS - {"dd"} or tag == "section":
            self.end_block()
        if tag in ("main", "section"):
            self.section = dict(attrs).get("id") or ""
        self.outside += tag in LEFT_OUT

    def handle_endtag(self, tag: str) -> None:
        self.outside -= tag in LEFT_OUT
        if tag in BLOCKS or tag == "section":
            self.end_block()
        elif tag == "dt" and self.section:
            self.words.append(": ")  # a name and its words are read as one sentence
        if tag in ("main", "section"):
            self.section = ""

    def handle_data(self, data: str) -> None:
        if self.section and not self.outside:
            self.words.append(data)

    def end_block(self) -> None:
        text = " ".join("".join(self.words).split())
        self.words = []
        if text:
            self.found.setdefault(self.section, []).append(text if text[-1] in ".!?" else f"{text}.")


def build_sections(page: str) -> dict[str, str]:
    """section id -> its words, each heading, paragraph or item ending as a sentence. Empty sections are left out."""
    reader = _Sections()
    reader.feed(page)
    reader.close()
    return {section: " ".join(sentences) for section, sentences in reader.found.items()}


def calculate_reading_age(text: str) -> float:
    """The age at which a text can be read: its Flesch-Kincaid grade plus 5, never under 5; 5 for no words."""
    from textstat import textstat

    return float(max(textstat.flesch_kincaid_grade(text), 0) + AGE_OF_GRADE) if text.strip() else float(AGE_OF_GRADE)


def describe_reading_age(page: str, edition: str) -> str:
    """One line for the editor: the reading age of the whole page, and which sections are above the edition's limit."""
    sections = build_sections(page)
    ages = {section: calculate_reading_age(text) for section, text in sections.items()}
    whole = calculate_reading_age(" ".join(sections.values()))
    hard = [f"{section} ({age:.0f})" for section, age in ages.items() if age > LIMITS[edition]]
    told = f"above {LIMITS[edition]:.0f} in {', '.join(hard)}" if hard else f"no page above {LIMITS[edition]:.0f}"
    return f"Reading age of the {edition} edition: {whole:.0f}; {told}."

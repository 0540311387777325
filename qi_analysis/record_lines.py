"""One line of TOML that cannot be read: what is wrong with it, and whether it can be mended or has to be left out."""

import re

from qi_analysis.faults import Faults

LAYOUT = "I cannot read this line. Text needs quotation marks at both ends."
NO_SIGN = "I cannot read this line. It needs a name, the sign = and a value."
POINT = "a number is written with a point, such as 0.70."
SMALL = "write true or false in small letters."
TWICE = "this stands here for a second time. Keep one of the two."
SPACE = "the name before = holds a space. Write _ in its place."
BRACES = "write { and } and all between them on one line."
COMMA = "take out the comma at the end."
BRACKETS = "a heading has the same brackets on both sides, such as [aim] or [[roles]]."
LONG = "a number is far too long. Take it out."
BACKSLASH = "a backslash in a text must be written twice (\\\\). Or write / instead."
UNCLOSED = "a list, a table or a text is opened and never closed. Add the missing bracket or quotation marks."
KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")
HEADING = re.compile(r"\s*\[\[?\s*([\w.\"' -]+?)\s*\]\]?\s*(?:#.*)?")
BROKEN_HEADING = re.compile(r"\s*\[{0,3}\s*([\w.-]+)\s*\]{0,3}\s*(?:#.*)?")
BARE = re.compile(
    r"(=\s*)(\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}|\d{1,2} [A-Za-z]{3,9} \d{4}|\d+(?:\.\d+)?\s?%)(?=\s*(?:[,}#\]]|$))"
)
DOUBLE, SINGLE = re.compile("[\u201c\u201d\u201e\u201f\u2033]"), re.compile("[\u2018\u2019\u201a\u201b]")
OPENS = re.compile(r"(?:^|[=\[,])\s*([\"'\u201c\u201d\u201e\u201f\u2033\u2018\u2019\u201a\u201b])")


def close_heading(lines: list[str], number: int) -> bool:
    """Whether a line was a heading with a bracket too few, which has them all in `lines` now."""
    line = lines[number - 1]
    if not (found := BROKEN_HEADING.fullmatch(line)) or not re.search(r"[\[\]]", line):
        return False
    lines[number - 1] = f"[[{found[1]}]]" if "[[" in line or "]]" in line else f"[{found[1]}]"
    return lines[number - 1] != line.partition("#")[0].strip()


def take_out(lines: list[str], number: int) -> None:
    """Empty a line of `lines`, and those after it that go on with its text or its braces."""
    line = lines[number - 1]
    end = "}" if line.count("{") > line.count("}") else '"' if line.count('"') % 2 else ""
    lines[number - 1] = ""
    for at in range(number, len(lines) if end else 0):
        if end in lines[at] and not (end == '"' and KEY.match(lines[at])):
            lines[number : at + 1] = [""] * (at + 1 - number)
            return
        if not lines[at].strip() or HEADING.fullmatch(lines[at]) or (end == '"' and KEY.match(lines[at])):
            return


def explain(fault: str, line: str) -> str:
    """What is wrong with a line that cannot be read, and what to do."""
    if re.search(r"overwrite|twice|Duplicate|mutate|redefine", fault):
        return TWICE
    if re.search("Unescaped|hex|Escaped", fault):
        return BACKSLASH
    if line.count("{") > line.count("}"):
        return BRACES
    if re.search(r"=\s*[-+]?[\d.,]*\d[\d.,]*\s*(per ?cent\s*)?(#|$)", line) and re.search(r"[.,]|cent", line):
        return POINT
    if re.search(r"=\s*(True|False|TRUE|FALSE|yes|no|Yes|No)\b", line):
        return SMALL
    if BROKEN_HEADING.fullmatch(line) and re.search(r"[\[\]]", line):
        return BRACKETS
    if re.match(r"\s*\w+(?: +\w+)+\s*=", line):
        return SPACE
    if re.search(r"=.*,\s*(#|$)", line) and line.count('"') % 2 == 0:
        return COMMA
    return LAYOUT if "=" in line or line.lstrip().startswith(("[", '"')) else NO_SIGN


def mend(lines: list[str], number: int, file: str, faults: Faults) -> bool:
    """Whether a line could be mended in `lines`: curly quotation marks around texts, bare dates and shares."""
    line = lines[number - 1]
    mended = BARE.sub(lambda found: f'{found[1]}"{found[2]}"', line)
    if mended == line:
        mended = _straighten(line)
        if mended != line:
            faults.note(
                f"{file}, line {number}", 'curly quotation marks are read as straight ones. Type straight ones (").'
            )
    lines[number - 1] = mended
    return mended != line


def _straighten(line: str) -> str:
    """A line whose texts stand in curly quotation marks, with straight ones; single ones inside a text stay."""
    opened = {found[1] for found in OPENS.finditer(line)}
    if any(DOUBLE.match(mark) for mark in opened) or ('"' in opened and line.count('"') % 2):
        return DOUBLE.sub('"', line)
    if any(SINGLE.match(mark) for mark in opened) and not DOUBLE.search(line):
        return re.sub(
            r"([=\[,]\s*)[\u2018\u2019\u201a\u201b]|[\u2018\u2019\u201a\u201b](?=\s*(?:[,\]}#]|$))", r"\1'", line
        )
    return line

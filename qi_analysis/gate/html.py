"""A finished page as pieces of text with their place, and what may not stand in its tags and addresses.

Pieces are text, cells, attributes, comments, scripts, styles and SVG.
"""

import re
from html.parser import HTMLParser

from qi_analysis.gate.pieces import BREAK, HIDE, SHOW, Finding, Reading, Table, plain_text

SHORT = 25  # characters of a block that may go on in the next
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
FORBIDDEN = {
    "script", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input", "button", "select",
    "textarea", "link", "param", "base", "audio", "video", "source", "track", "portal", "foreignobject",
}  # fmt: skip
LOADING = {
    "src", "srcset", "poster", "data", "background", "action", "formaction", "ping", "manifest", "archive", "codebase",
    "longdesc", "lowsrc", "dynsrc", "cite", "imagesrcset",
}  # fmt: skip
INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "dfn", "em", "font", "i", "ins", "del", "kbd", "mark",
    "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tspan", "tt", "u", "var", "wbr",
    "textpath", "ruby", "rb", "rt", "rp", "mn", "mi", "mo", "mrow", "mtext", "label", "template", "slot", "img",
}  # fmt: skip
PATHS = {"d", "points", "transform", "viewbox", "gradienttransform", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy"}
WORDS = {"alt", "title", "aria-label", "aria-description", "aria-valuetext", "summary", "label", "placeholder", "abbr"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SAID = {"itemprop", "property", "name", "content", "value"}  # a name and its value, in two attributes of one tag
UNSEEN = re.compile(r"display:none|visibility:hidden|font-size:0(?![.\d])|opacity:0(?![.\d])")
CLOSING = re.compile(r"</[A-Za-z][^\s<>]{0,40}\s([^<>]+)>")  # attributes of a closing tag
CUT_NUMBER = re.compile(r"(?<!\d)\d[\d -]{0,12}(?:\n[\d -]{0,12}\d){1,9}(?!\d)")  # a number in several lines
LINKS = re.compile(r"#|\.{1,2}/|(?!//)[\w./-]+(?:#[\w-]*)?$")
PUBLIC = re.compile(
    r"https://(?:[\w-]+\.)*(?:nhs|gov)\.uk(?:/[\w./-]*)?(?:#[\w-]*)?$", re.I
)  # may be linked to, with no query
PICTURE = re.compile(r"data:(?:image/(?:png|jpeg|gif|webp|svg\+xml)|font/\w+)[;,]", re.I)
LOADING_STYLE = re.compile(
    r"url\(\s*(?!['\"]?(?:data:(?:image|font|application/(?:x-)?font)|#))|@import|expression\(|image-set\(|\bsrc\(|\bbehavior:",
    re.I,
)
LOADING_KIND = "a style that loads from outside"
LOADS = "something to load from outside the page"
GLYPH = re.compile(r"#[\w-]*?-([0-9a-f]{2,5})$")


def read_html(reading: Reading, html: str, prefix: str = "", depth: int = 0, links: tuple[str, ...] = ()) -> bool:
    """Add the pieces and tables of HTML or SVG to a reading; whatever is broken is read as far as it goes.

    prefix: what stands before each place; links: the beginnings of addresses that may be linked to. Returns whether
    the page has a content-security policy; one that is not that of our pages is a fault.
    """
    page = _Page(reading, prefix, depth, links or ("\0",))
    try:
        page.feed(html)
        rest = page.rawdata
        page.close()
    except (AssertionError, ValueError, RecursionError):  # the parser gave up on broken markup
        reading.faults.add(Finding("markup that cannot be read", page.place))
        rest = page.rawdata
    reading.add("comment", f"{prefix}the end of the page", rest, depth)
    reading.add("comment", f"{prefix}closing tags", "\n".join(CLOSING.findall(html)), depth)
    page.flush()
    page.join_short()
    while page.tables:
        page._close_table()
    if page.policy is not None and page.policy != POLICY:
        reading.fault("another content-security policy", f"{prefix}the head")
    return page.policy is not None


class _Page(HTMLParser):
    """Takes a page apart; character references are decoded."""

    def __init__(self, reading: Reading, prefix: str, depth: int, links: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=True)
        self.reading, self.prefix, self.depth, self.links = reading, prefix, depth, links
        self.run: list[str] = []  # text since the last block began
        self.run_place = ""
        self.raw_kind = ""  # script or style while inside one
        self.tables: list[Table] = []  # open tables, the innermost last
        self.cell: list[str] | None = None
        self.in_caption = self.is_head = self.is_drawing = self.has_creator = False
        self.glyphs: list[str] = []
        self.policy: str | None = None
        self.hidden = ""  # the inline tag whose words are not seen
        self.term = ""  # the last term of a list of terms
        self.short: list[str] = []  # blocks of a word or number, one after the other

    @property
    def place(self) -> str:
        """Where the reader is: the table and row inside a table, else the line."""
        if self.tables:
            return f"{self.tables[-1].place}, row {len(self.tables[-1].rows) or 1}"
        return f"{self.prefix}line {self.getpos()[0]}"

    def flush(self) -> None:
        """The block ends: its text is one piece."""
        text, self.run = "".join(self.run).strip(BREAK), []
        if not text.strip():
            return
        self.reading.add("text", self.run_place, text, self.depth)
        self.reading.add("joined", self.run_place, join_cut_numbers(text), self.depth)
        if self.has_creator and "matplotlib" not in text.lower():
            self.reading.fault("a user name", f"{self.run_place}, metadata")
        if len(text.replace(BREAK, "")) > SHORT:
            self.join_short()
        elif not self.is_drawing or re.fullmatch(
            r"\d|[^\W\d]\D*|[A-Z]{1,2}\d\w?|\d[A-Z]{2}", text.strip()
        ):  # no labels of an axis
            self.short.append(text.replace(BREAK, "").strip())

    def join_short(self) -> None:
        """Short blocks that stand one after the other may be one number, name or record."""
        if len(self.short) > 1:
            self.reading.add("joined", f"{self.prefix}line {self.getpos()[0]}", "\n".join(self.short), self.depth)
        self.short = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in FORBIDDEN:
            self.reading.fault(f"a <{tag}> element", self.place)
        if tag in ("script", "style"):
            self.raw_kind = tag
        if tag == "meta":
            self.policy = values.get("content", "") if is_policy(values) else self.policy
            if fault := check_meta(values):
                self.reading.fault(fault, self.place)
        if tag == "use":
            self.glyphs += read_glyph(values)
        if re.search(r"\d.*\d", tag):
            self.reading.add("attribute", f"{self.place}, a tag", tag, self.depth)
        self._open(tag)
        if tag in INLINE and not self.hidden and is_hidden(values):
            self.hidden = tag
            self._take(HIDE)
        for name, value in attrs:
            self._read_attribute(tag, name, value or "")
        for text in join_values(attrs):
            self.reading.add("joined", f"{self.place}, attributes", text, self.depth)
        if tag == "bdo" or "bidi-override" in values.get("style", ""):
            self._take("\u202e")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.raw_kind = ""  # <style/> of SVG holds nothing
        if tag not in VOID:
            self.handle_endtag(tag)

    def _open(self, tag: str) -> None:
        if tag in INLINE:
            self._take(BREAK)
            return
        if tag == "br" and self.cell is None:
            self._take("\n")
            return
        self.flush()
        self.is_drawing |= tag == "svg"
        self.has_creator |= tag == "dc:creator"
        if tag == "table":
            self.tables.append(Table(f"{self.prefix}table {len(self.reading.tables) + len(self.tables) + 1}"))
        elif self.tables and tag == "thead":
            self.is_head = True
        elif self.tables and tag == "tr":
            self.tables[-1].rows.append([])
        elif self.tables and tag in ("td", "th"):
            self._close_cell()
            self.cell = []
            self.tables[-1].has_headings |= tag == "th"
        elif tag == "caption":
            self.in_caption = True
        elif self.cell is not None:
            self.cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.raw_kind = "" if tag in ("script", "style") else self.raw_kind
        if tag in INLINE:
            self._take(SHOW if tag == self.hidden else BREAK)
            self.hidden = "" if tag == self.hidden else self.hidden
            return
        text = "".join(self.run).replace(BREAK, "").strip()
        self.flush()
        self.is_drawing &= tag != "svg"
        self.has_creator &= tag != "dc:creator"
        if tag == "dt":
            self.term = text
        elif tag == "dd" and text:
            self.reading.tables.append(Table(self.place, ["", self.term], [["", plain_text(text)]], is_printed=False))
        if tag in ("g", "svg") and self.glyphs:
            self.reading.add("text", f"{self.place}, picture", "".join(self.glyphs), self.depth)
            self.glyphs = []
        if tag in ("td", "th", "tr"):
            self._close_cell()
        if tag == "tr" and self.tables:
            self._close_row()
        elif tag == "thead":
            self.is_head = False
        elif tag == "caption":
            self.in_caption = False
        elif tag == "table" and self.tables:
            self._close_table()

    def _close_cell(self) -> None:
        if self.cell is not None and self.tables:
            text = "".join(self.cell)
            self.reading.add("cell", self.place, text.strip(BREAK), self.depth)
            rows = self.tables[-1].rows
            if not rows:
                rows.append([])
            rows[-1].append(plain_text(text.replace(BREAK, "")).strip())
        self.cell = None

    def _close_row(self) -> None:
        table = self.tables[-1]
        if self.is_head and table.rows:
            table.headings = table.rows.pop()
            self.reading.add("row", f"{table.place}, headings", " | ".join(table.headings), self.depth)
        elif table.rows:
            self.reading.add("row", self.place, " | ".join(table.rows[-1]), self.depth)

    def _close_table(self) -> None:
        self._close_cell()
        table = self.tables.pop()
        for column in zip(*table.rows, strict=False):
            if len(column) >= 10 and all(len(cell) == 1 for cell in column):
                self.reading.add("data", table.place, "".join(column), self.depth)
        if not table.headings and table.rows and not any(re.fullmatch(r"[\d.,%\s]+", cell) for cell in table.rows[0]):
            table.headings = table.rows[0]
            table.rows = [[""] * len(table.headings), *table.rows[1:]]
        self.reading.tables.append(table)

    def _take(self, text: str) -> None:
        if self.cell is not None:
            self.cell.append(text)
            return
        if self.in_caption and self.tables:
            self.tables[-1].caption += text
        if not self.run:
            self.run_place = self.place
        self.run.append(text)

    def handle_data(self, data: str) -> None:
        if self.raw_kind:
            self._read_raw(data)
        else:
            self._take(data)

    def _read_raw(self, data: str) -> None:
        if self.raw_kind == "style":
            self.reading.faults |= {Finding(LOADING_KIND, self.place)} if does_load(data) else set()
            for words in re.findall(r"\"([^\"\n]+)\"|'([^'\n]+)'", data):
                self.reading.add("words", f"{self.place}, style", "".join(words), self.depth)
        self.reading.add(self.raw_kind, f"{self.place}, {self.raw_kind}", data, self.depth)

    def handle_comment(self, data: str) -> None:
        self.reading.add("comment", f"{self.place}, comment", data, self.depth)
        if "<" in data and self.depth < 3:
            read_html(self.reading, data, f"{self.place}, comment, ", self.depth + 1)

    def handle_pi(self, data: str) -> None:
        if data.startswith("xml-stylesheet"):
            self.reading.fault(LOADS, self.place)
        self.reading.add("comment", f"{self.place}, instruction", data, self.depth)

    def handle_decl(self, decl: str) -> None:
        self.reading.add("comment", f"{self.place}, declaration", decl, self.depth)

    def unknown_decl(self, data: str) -> None:
        self._take(data.removeprefix("CDATA["))

    def _read_attribute(self, tag: str, name: str, value: str) -> None:
        told = name if name in WORDS | PATHS or name in ("style", "class", "id", "href", "src") else "an"
        place = f"{self.place}, {told} attribute"  # a name that is not of HTML could itself be a value
        if re.search(r"\d|^data-", name) and name not in PATHS:
            self.reading.add("attribute", place, name, self.depth)
        if re.match(r"on[a-z]{3,}$", name):
            self.reading.fault("an event handler", self.place)
        fault = check_address(tag, name, value, self.links)
        if fault:
            self.reading.fault(fault, place)
        if name == "style" and does_load(value):
            self.reading.fault(LOADING_KIND, self.place)
        if name == "srcdoc":
            read_html(self.reading, value, f"{self.place}, srcdoc, ", self.depth + 1)
        self.reading.add(name_kind(name), place, value, self.depth)


# What the tags and attributes of HTML are for: which may not stand on a page, and where an address may lead.
def name_kind(name: str) -> str:
    """The kind of piece that the value of an attribute is."""
    if name in PATHS:
        return "path"
    if name in WORDS:
        return "words"
    return "style" if name in ("style", "fill", "stroke", "color", "bgcolor", "stop-color") else "attribute"


def read_glyph(attributes: dict[str, str]) -> list[str]:
    """The character that a <use> draws, when the name of its shape says which."""
    glyph = GLYPH.search(attributes.get("href") or attributes.get("xlink:href") or "")
    return [chr(int(glyph[1], 16))] if glyph and int(glyph[1], 16) < 0x110000 else []


def join_values(attrs: list[tuple[str, str | None]]) -> tuple[str, str]:
    """The data of a tag with their names, and without: parts of one record may stand in several attributes."""
    own = [(name.removeprefix("data-"), value or "") for name, value in attrs if name.startswith("data-")]
    said = [value or "" for name, value in attrs if name in SAID]
    return ", ".join([f"{name}: {value}" for name, value in own] + said), " ".join(value for _, value in own)


def join_cut_numbers(text: str) -> str:
    """The numbers of ten digits that a text holds in several lines, one a line."""
    numbers = (re.sub(r"\D", "", hit[0]) for hit in CUT_NUMBER.finditer(text))
    return "\n".join(one for one in numbers if len(one) == 10)


def is_hidden(attributes: dict[str, str]) -> bool:
    """Whether the words of an element are not seen."""
    return "hidden" in attributes or bool(UNSEEN.search(re.sub(r"\s", "", attributes.get("style", "").lower())))


def is_policy(meta: dict[str, str]) -> bool:
    """Whether the attributes of a <meta> are those of a content-security policy."""
    return meta.get("http-equiv", "").lower() == "content-security-policy"


def check_meta(meta: dict[str, str]) -> str | None:
    """The kind of finding of the attributes of a <meta>: one that loads another page, or names who wrote this one."""
    about = (meta.get("http-equiv") or meta.get("name") or "").lower()
    if about == "refresh":
        return LOADS
    is_owner = about in ("author", "creator", "owner", "dc.creator") and meta.get("content", "").strip()
    return "a user name" if is_owner else None


def does_load(style: str) -> bool:
    """Whether a style loads something from outside, its escapes and comments read as a browser reads them."""
    plain = re.sub(r"/\*.*?\*/", "", style, flags=re.S)
    return bool(
        LOADING_STYLE.search(re.sub(r"\\([0-9a-fA-F]{1,6})\s?", lambda hit: chr(int(hit[1], 16) % 0x110000), plain))
    )


def check_address(tag: str, name: str, value: str, links: tuple[str, ...]) -> str | None:
    """The kind of finding of an attribute that holds an address, None for a good one or another attribute.

    links: beginnings of addresses outside that may be linked to; nothing outside may be loaded.
    """
    address = re.sub(r"[\s\x00-\x1f]", "", value)
    if re.match(r"(?:javascript|vbscript|livescript):|data:text/html", address, re.I):
        return "a script in an address"
    if name == "attributename" and re.match(r"on|(?:xlink:)?href", address, re.I):
        return "a script in an address"
    if "url(" in value and does_load(value):
        return LOADS
    is_known = bool(PICTURE.match(address))
    if name in LOADING:
        return LOADS if address and not is_known else None
    if name.split(":")[-1] != "href" or not address or is_known:
        return None
    if tag in ("image", "feimage", "use", "script"):
        return None if address.startswith("#") else LOADS
    is_fine = LINKS.match(address) or PUBLIC.match(address) or address.lower().startswith(links)
    return None if is_fine else "a link that leaves the page"

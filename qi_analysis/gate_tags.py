"""What the tags and attributes of HTML are for: which may not stand on a page, and where an address may lead."""

import re

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

"""Digests of identifiers on a page: MD5, SHA-1, SHA-256 and SHA-512 of an identifier as it may be written, in hex or base64.

They are only worked out for a page that holds something like a digest, from the extract read once more, and nothing is kept.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from qi_analysis.gate_known import Known
from qi_analysis.gate_text import Finding, Piece, Reading

DIGEST = "a digest of an identifier"
KINDS: dict[int, tuple[Any, ...]] = {
    32: (hashlib.md5,),
    40: (hashlib.sha1,),
    64: (hashlib.sha256,),
    128: (hashlib.sha512,),
}  # by characters in hex
KINDS[16] = (hashlib.md5, hashlib.sha1, hashlib.sha256)  # the beginning of a longer one
IN_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{16,128}(?![0-9A-Za-z])")
IN_BASE64 = re.compile(
    r"(?<![\w+/-])(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?:[\w+/-]{22}(?:==)?|[\w+/-]{27}=?|[\w+/-]{43}=?|[\w+/-]{86}(?:==)?)(?![\w+/=-])"
)
BEGINNING = 16


def find_digests(reading: Reading, known: Known) -> set[Finding]:
    """Every digest of an identifier of the extract on a page."""
    places: dict[str, set[str]] = {}
    kinds = set()
    for piece in reading.pieces:
        if piece.kind != "path":
            for text in _list_written(piece):
                places.setdefault(text[:BEGINNING], set()).add(piece.place)
                kinds |= set(KINDS[len(text)])
    if not places:
        return set()
    columns = known.read_again()
    found = {one for column in columns for text in column for one in _list_digests(str(text), kinds) if one in places}
    return {Finding(DIGEST, place) for one in found for place in places[one]}


def _list_written(piece: Piece) -> Iterator[str]:
    for text in IN_HEX.findall(piece.text):
        if len(text) in KINDS:
            yield text.lower()
    for text in IN_BASE64.findall(piece.text):
        try:
            yield base64.urlsafe_b64decode(text.rstrip("=").replace("+", "-").replace("/", "_") + "==").hex()
        except (ValueError, binascii.Error):
            continue


def _list_digests(identifier: str, kinds: set[Any]) -> Iterator[str]:
    """The beginnings of the digests of an identifier in every form of it."""
    plain = identifier if identifier.isalnum() else re.sub(r"[\W_]", "", identifier)
    forms = {identifier, identifier.upper(), identifier.lower(), plain}
    if plain.isdigit() and len(plain) == 10:
        forms |= {f"{plain[:3]} {plain[3:6]} {plain[6:]}", f"{plain[:3]}-{plain[3:6]}-{plain[6:]}"}
    for form in forms:
        data = form.encode()
        yield from (kind(data, usedforsecurity=False).hexdigest()[:BEGINNING] for kind in kinds)

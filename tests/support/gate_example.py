"""An extract of invented people, and pages and notebooks in which something of theirs is hidden, for the tests of the gate."""

import base64
import io
import json
import struct
import zipfile
import zlib

import pytest

from qi_analysis.gate.html import POLICY
from qi_analysis.gate.numbers import Store

NHS = "9434765919"  # the example of the NHS Data Dictionary: nobody has it
REFERRAL, PATIENT, CONTACT = "R87251", "LP-004417", "C770012"
PEOPLE = """LocalPatientId,NHSNumber,PersonFamilyName,PersonGivenName,PersonBirthDate,Postcode,Mobile,Email,Notes
LP-004417,999 123 4560,Kowalczyk,Agnieszka,1962-06-10,TW9 1AA,07700 900461,agnieszka.k@example.org,Afraid of lifts since the fire at the old mill
LP-004418,4000482716,O'Neill-Hart,Seán,19/02/1976,XX4 2AA,07700 900462,s.hart@example.org,Prefers the blue room
LP-004419,4000482717,May,Grace,1990-11-05,XX4 2AB,07700 900463,g.may@example.org,Works nights at a bakery near the station
LP-004420,4000482718,Richmond,Hope,1984-01-30,XX4 2AD,07700 900464,h.r@example.org,
"""
REFERRALS = """ServiceRequestId,LocalPatientId,ReferralRequestReceivedDate,EndCode,ServDischDate
R87251,LP-004417,2021-01-01,46,2021-05-01
2167200,LP-004418,2021-01-01,46,2021-05-01
"""
CONTACTS = "CareContactId,ServiceRequestId,CareContDate,AttendOrDNACode,AppType\nC770012,R87251,2021-02-01,5,02\n"
RELEASED = Store(frozenset({0, 8, 45, 58, 60, 66, 90, 97, 110, 120, 139, 240, 595, 1175}), 60)


def page(body: str, head: str = "") -> bytes:
    """A small finished page."""
    return (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>Review of June 2023</title>{head}</head><body><main><h1>Review of June 2023</h1>\n{body}\n</main></body></html>"
    ).encode()


def notebook(*outputs: dict, source: str = "show(review)", metadata: dict | None = None, **cell: object) -> bytes:
    """A notebook of one cell."""
    code = {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "source": source,
        "outputs": list(outputs),
        **cell,
    }
    return json.dumps({"cells": [code], "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def shown(kind: str, value: object) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: value}}


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A picture of one pixel with more chunks."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts
    )


def zipped(**files: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return memory.getvalue()


def picture(data: bytes, kind: str = "image/png") -> str:
    return f'<img alt="a chart" src="data:{kind};base64,{b64(data)}">'


def table(headings: str, *rows: str) -> str:
    """A table from texts cut at |."""
    head = "".join(f"<th>{cell}</th>" for cell in headings.split("|"))
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row.split("|")) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def graph(**trace: object) -> dict:
    return shown("application/vnd.plotly.v1+json", {"data": [{"type": "scatter", **trace}], "layout": {}})


def number(planted):
    """Each case under its kind and a number: what is packed holds the time of day, and is no name for a test."""
    return [
        pytest.param(kind, one, id=f"{kind} {n}") for kind, several in planted.items() for n, one in enumerate(several)
    ]

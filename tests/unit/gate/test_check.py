"""The gate: what it must find in whatever wrapping, and what it must let through. Every identifier here is made up."""

import base64
import bz2
import gzip
import hashlib
import json
import lzma
import pickle
import struct
import urllib.parse
import zlib

import nhs_number
import pytest
from gate_example import (
    CONTACT,
    NHS,
    PATIENT,
    REFERRAL,
    b64,
    graph,
    notebook,
    number,
    page,
    picture,
    png,
    shown,
    table,
    zipped,
)
from repository import ROOT

from qi_analysis.errors import GateClosed
from qi_analysis.gate.check import Guard, check_file, check_notebook, check_page, open_gate

SHEET = f"<worksheet><sheetData><row><c><v>{NHS}</v></c></row></sheetData></worksheet>"
ARABIC = NHS.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
WIDE = NHS.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
GLYPHS = "".join(f'<use href="#DejaVuSans-{ord(one):x}" x="{9 * n}"/>' for n, one in enumerate(NHS))
TEN = "an NHS number"
# kind of finding -> pages that hold it, each in another wrapping
PLANTED: dict[str, list[str]] = {
    TEN: [
        f"<p>{NHS}</p>", "<p>943 476 5919</p>", "<p>943-476-5919</p>", "<p>943&nbsp;476&nbsp;5919</p>", "<p>943.476.5919</p>",
        "<p>943/476/5919</p>", "<p>9434765919.0</p>", "<p>9,434,765,919</p>", "<p>9.434765919E9</p>", "<p>9.434765919e+09</p>",
        f"<p>Number{NHS}x</p>", f"<p>NHS:{NHS}.</p>", f"<p>({NHS})</p>", "<p>9 4 3 4 7 6 5 9 1 9</p>", "<p>94347 65919</p>",
        "<p>943<b>476</b>5919</p>", "<p><b>943</b> <i>476</i> <span>5919</span></p>", "<p>943<!-- x -->476<!-- y -->5919</p>",
        "<p>94<wbr>347<wbr>65919</p>", f"<p hidden>{NHS}</p>", f'<p style="display:none">{NHS}</p>', f"<!-- {NHS} -->",
        f'<p title="{NHS}">x</p>', f'<p data-row="{NHS}">x</p>', f'<p aria-label="{NHS}">x</p>', f'<p id="p-{NHS}">x</p>',
        f'<p class="n{NHS}">x</p>', f"<template><p>{NHS}</p></template>", f"<noscript>{NHS}</noscript>", f"<details><summary>x</summary>{NHS}</details>",
        f"<p>{ARABIC}</p>", f"<p>{WIDE}</p>", "<p>943\u200b476\u200b5919</p>", "<p>943\u00ad476\u00ad5919</p>", "<p>9\u20604\u20603\u20604765919</p>",
        "<p>" + "".join(f"&#{ord(one)};" for one in NHS) + "</p>", "<p>" + "".join(f"&amp;#{ord(one)};" for one in NHS) + "</p>",
        "<p>" + "".join(f"%{ord(one):02x}" for one in NHS) + "</p>", "<p>" + "".join(f"\\u{ord(one):04x}" for one in NHS) + "</p>",
        "<p>" + "".join(f"\\x{ord(one):02x}" for one in NHS) + "</p>", f"<style>p::after{{content:'{NHS}'}}</style>", f"<style>/* {NHS} */</style>",
        "<style>p::after{content:'" + "".join(f"\\{ord(one):x} " for one in NHS) + "'}</style>", f"<style>:root{{--key:{NHS}}}</style>",
        f"<script>var a = '{NHS}'</script>", f'<script type="application/json">{{"rows": [{NHS}]}}</script>',
        "<script>String.fromCharCode(" + ",".join(str(ord(one)) for one in NHS) + ")</script>", "<script>'943' + '476' + '5919'</script>",
        f"<p>{b64(NHS)}</p>", f"<p>{b64(b64(NHS))}</p>", f"<p>{NHS.encode().hex()}</p>", f"<p>{b64(gzip.compress(NHS.encode()))}</p>",
        f"<p>{b64(zlib.compress(NHS.encode()))}</p>", f"<!-- {b64(zipped(a=NHS))} -->", f"<p>{b64(NHS.encode('utf-16'))}</p>",
        f"<p data-x='{b64(zipped(sheet=SHEET))}'>x</p>", f"<p>{b64(struct.pack('<d', float(NHS)))}</p>", f"<p>{b64(struct.pack('<q', int(NHS)))}</p>",
        f'<a href="data:text/plain,{NHS}">x</a>', f'<a href="data:text/csv;base64,{b64("id" + chr(10) + NHS)}">x</a>',
        picture(png((b"tEXt", b"Comment\0" + NHS.encode()))), picture(png((b"zTXt", b"Comment\0\0" + zlib.compress(NHS.encode())))),
        picture(png((b"iTXt", b"Title\0\0\0\0\0" + NHS.encode()))), picture(png() + NHS.encode()),
        picture(f"<svg><text>{NHS}</text></svg>".encode(), "image/svg+xml"), picture(b"\xff\xd8\xff\xfe\0\x0c" + NHS.encode(), "image/jpeg"),
        f"<svg><text>{NHS}</text></svg>", f"<svg><title>{NHS}</title></svg>", f"<svg><metadata>{NHS}</metadata></svg>", f"<svg><desc>{NHS}</desc></svg>",
        "<svg><text><tspan>943</tspan><tspan>476</tspan><tspan>5919</tspan></text></svg>", f'<svg><path d="M {NHS} 0"/></svg>', f"<svg><g>{GLYPHS}</g></svg>",
        table("Month|Note", f"June|{NHS}"), table(f"Month|{NHS}", "June|none"), f"<table><caption>{NHS}</caption><tr><td>none</td></tr></table>",
        f"<p>{'&lt;b&gt;'}{NHS}</p>", f'<p title="{NHS}', f"<p>text <!-- {NHS}", f"<p>{urllib.parse.quote(urllib.parse.quote(json.dumps({'a': NHS})))}</p>",
        "<p>nine four three four seven six five nine one nine</p>", "<p>9991234561</p>" if nhs_number.is_valid("9991234561") else f"<p>x{NHS}</p>",
    ],
    "an identifier of the extract": [
        f"<p>{REFERRAL}</p>", f"<p>{REFERRAL.lower()}</p>", f"<p>see {PATIENT}.</p>", "<p>LP004417</p>", f"<p>{CONTACT}</p>", f'<p data-id="{REFERRAL}">x</p>',
        f'<p id="row-{REFERRAL}">x</p>', f"<!-- {PATIENT} -->", f"<p>{b64(REFERRAL)}</p>", "<p>R87<b>251</b></p>", f"<p>ref={REFERRAL}&amp;x=1</p>",
        "<p>4000482716</p>", "<p>400 048 2716</p>", f'<a href="#{REFERRAL}">x</a>', f"<p>{b64(json.dumps({'r': REFERRAL}))}</p>", f"<svg><text>{REFERRAL}</text></svg>",
        f"<style>/* {REFERRAL} */</style>", "<p>R\u200b87251</p>",
    ],
    "a digest of an identifier": [
        f"<p>{hashlib.md5(REFERRAL.encode()).hexdigest()}</p>", f"<p>{hashlib.sha1(PATIENT.encode()).hexdigest()}</p>",
        f"<p>{hashlib.sha256(b'4000482716').hexdigest()}</p>", f"<p>{hashlib.sha256(REFERRAL.encode()).hexdigest()[:16]}</p>",
        f"<p>{hashlib.sha256(b'9991234560').hexdigest().upper()}</p>",
    ],
    "a name of the extract": [
        "<p>Agnieszka Kowalczyk</p>", "<p>KOWALCZYK, Agnieszka</p>", "<p>Kowalczyk said so</p>", "<p>Grace May</p>", "<p>May, Grace</p>", "<p>Mrs May</p>",
        "<p>agnieszka.kowalczyk</p>", "<p>Seán O\u2019Neill-Hart</p>", "<p>Sean ONeill</p>", "<p>Hope Richmond</p>", table("First|Last", "Agnieszka|Kowalczyk"),
        table("A|B", "Grace|May"), f"<p>{b64('Agnieszka Kowalczyk')}</p>", "<p>Agnie<b>szka</b> Kowal<b>czyk</b></p>", '<img alt="Agnieszka Kowalczyk">',
    ],
    "a note of the extract": ["<p>She is afraid of lifts since the fire at the mill</p>", "<p>Works nights at a bakery near the station.</p>", "<p>prefers the blue room</p>"],
    "a date of birth": [
        "<p>Date of birth: 10/06/1962</p>", "<p>DOB 3 May 1971</p>", "<p>born on 3rd May 1971</p>", "<p>1962-06-10</p>", "<p>10 June 1962</p>", "<p>10/06/1962</p>", "<p>10th June 1962</p>", "<p>June 10, 1962</p>", "<p>10.06.62</p>", "<p>19620610</p>", "<p>10-Jun-1962</p>", "<p>19 February 1976</p>",
        table("Date of birth|Sex", "3 May 1971|F"),
    ],
    "a postcode": ["<p>TW9 1AA</p>", "<p>sw1a 1aa</p>", "<p>Lives at EC1A&nbsp;1BB.</p>", "<p>M1 2AB</p>", "<p>XX4 2AA</p>", "<p>TW91AA</p>"],
    "an e-mail address": ["<p>someone@example.org</p>", '<a href="mailto:someone@example.org">x</a>', "<p>someone [at] example [dot] org</p>", f"<p>{b64('someone@example.org')}</p>"],
    "a phone number": ["<p>07700 900123</p>", "<p>+44 7700 900123</p>", "<p>020 7946 0018</p>", "<p>(020) 7946 0018</p>", "<p>07700900123</p>"],
    "a path of a machine": [
        "<p>/home/jsmith/data.csv</p>", "<p>/Users/jsmith</p>", "<p>C:\\Users\\jsmith\\x.csv</p>", "<p>\\\\server01\\share\\x</p>", "<p>file:///data/x</p>", "<!-- /root/.venv -->",
        "<p>D:/exports/june.csv</p>",
    ],
    "a traceback": ["<pre>Traceback (most recent call last):</pre>", "<pre>KeyError: 'x'</pre>", "<pre>\x1b[0;31mx</pre>", '<pre>File "run.py", line 12, in go</pre>'],
    "a user name": ['<meta name="author" content="jsmith">', "<p>user=jsmith</p>", picture(png((b"tEXt", b"Author\0jsmith")))],
    "a table of records": [
        table("NHS number|Sex", "hidden|F"), table("ServiceRequestId|x", "a|b"), table("Age|Sex|End code", "31|F|46"), "<pre>   patient_id  age  end_code\n0  a 31 46\n1  b 40 47</pre>",
        "<pre>LocalPatientId,Gender,EndCode\nx1,2,46</pre>", '<script type="application/json">[{"patient_id": "a", "age": 31}]</script>',
    ],
    "a column of dates": [table("Seen", *[f"2022-06-{day:02}" for day in range(1, 17)])],
    "a count of 1 to 7 in a table": [
        table("Month|Completed|LI ended", "June|3|45"), table("Group|People", "Women|7"), table("Group|n", "Women|4"), table("Group|Share", "Women|4% (3)"), table("Group|Counted", "Women|3 (4%)"),
        table("Group|Completed", "Women|3 of 45"), "<table><tr><td>Women</td><td>2</td></tr></table>",
    ],
    "a count of 1 to 7 in words": [
        "<p>In June 3 people left early.</p>", "<p>Only two patients did not come back.</p>", "<p>3 of 45 left early.</p>", "<p>(2 of 60)</p>", '<img alt="4 people completed">',
        '<p aria-label="Bars: 5 women, 45 men">x</p>', "<p>Five episodes ended.</p>", "<p>Only one person left early.</p>", "<p>n = 6</p>", "<p>Patients: 3</p>", "<svg><title>2 patients</title></svg>",
    ],
    "a number of people that the release does not hold": ["<p>In June 61 people left early.</p>", "<p>62 of 97 completed.</p>", table("Group|People", "Women|61"), '<img alt="8,431 people">'],
    "the most extreme of single people": ["<p>The oldest person was 91.</p>", "<p>The longest wait was 214 days.</p>"],
    "something to load from outside the page": ['<img src="https://example.org/x.png">', '<svg><image href="https://example.org/x.png"/></svg>', '<meta http-equiv="refresh" content="0">'],
    "a style that loads from outside": ["<style>p{background:url(https://example.org/x.png)}</style>", "<style>@import 'x.css'</style>"],
    "an event handler": ['<p onclick="x()">x</p>', '<svg onload="x()"></svg>'],
    "a script in an address": ['<a href="javascript:x()">x</a>', '<a href=" java&#9;script:x()">x</a>'],
    "a <script> element": ["<script>x()</script>"],
    "a <iframe> element": ['<iframe srcdoc="x"></iframe>'],
    "a <form> element": ["<form></form>"],
    "a link that leaves the page": [
        '<a href="https://example.org/">x</a>', '<a href="https://www.nhs.uk.example.org/">x</a>', '<a href="https://www.nhs.uk/?of=x">x</a>', '<a href="https://a@www.nhs.uk/">x</a>',
    ],
    "something that cannot be decoded": [f'<a href="data:application/octet-stream;base64,{b64(bytes(range(128, 256)))}">x</a>', f"<p>{b64(zipped(a='x')[:-20])}</p>"],
    "something packed too deep or too large to be read": [f"<p>{b64(gzip.compress(bytes(20_000_000)))}</p>"],
    "another content-security policy": ['<meta http-equiv="Content-Security-Policy" content="default-src *">'],
}  # fmt: skip
PLANTED[TEN] += [
    f'<p data-{NHS}="x">x</p>', f"<x-{NHS}>x</x-{NHS}>",
    "<div>943</div><div>476</div><div>5919</div>", "<p>943<br>476<br>5919</p>", f"<p>{base64.b32encode(NHS.encode()).decode()}</p>",
    "<p>" + "".join(f"={ord(one):02X}" for one in NHS) + "</p>", f"<p>{b64(struct.pack('<3d', float(NHS), 1.5, 2.25))}</p>", table("a|b|c", "943|476|5919"),
    "<p>" + "".join("⓪①②③④⑤⑥⑦⑧⑨"[int(one)] for one in NHS) + "</p>", "<p>" + "".join(f"<sup>{one}</sup>" for one in NHS) + "</p>",
]  # fmt: skip
PLANTED["a count of 1 to 7 in words"] += [
    '<img alt="Bars: men 3, women 45">', "<p>Of the 45 who started, 3 left early.</p>", "<p>A total of 5 were discharged.</p>", "<p>completed 3/45</p>",
    "<svg><text>3 (7%)</text></svg>", "<p>There were 6 deaths.</p>",
]  # fmt: skip
PLANTED["a count of 1 to 7 in a table"] += ["<dl><dt>Left early</dt><dd>4</dd></dl>"]
PLANTED["a table of records"] += [
    "<table>" + "".join(f"<tr><td>{20 + n}</td><td>F</td></tr>" for n in range(20)) + "</table>"
]
BEHIND = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "deflate": lambda data: zlib.compress(data)[2:-4],
}
PLANTED[TEN] += [
    *(f"<!-- {b64(pack(b'seen: ' + NHS.encode()))} -->" for pack in BEHIND.values()),
    *(f'<p data-x="{b64(struct.pack(form, *map(int, NHS)))}">x</p>' for form in ("10b", "<10i", ">10h", "<10f")),
    *(f'<p data-x="{b64(struct.pack(form, 1, int(NHS)))}">x</p>' for form in (">2d", ">2q", "<2q")),
    f"<p data-x='{list(map(int, NHS))}'>x</p>", f"<p data-x='{json.dumps(list(NHS))}'>x</p>", '<i data-a="943" data-b="476" data-c="5919"></i>',
    "<p>943→476→5919</p>", "<p>(943) 476 5919</p>", "<p>94 3476 5919</p>", f"<p>00{NHS}</p>", "<p>9434765919".replace("1", "l") + "</p>",
    "<p>" + "".join(one + "\ufe0f\u20e3" for one in NHS) + "</p>", "<p>nine four three four seven six five nine one nine</p>",
    f"<p>{int(NHS):#x}, {int(NHS):#b}</p>", "<p>" + " ".join(f"{ord(one):08b}" for one in NHS) + "</p>",
    f"<!-- {base64.b85encode(b'seen: ' + NHS.encode()).decode()} -->", "<style>p::after{content:'94347' '65919'}</style>",
    "<svg>" + "".join(f'<text x="{9 * n}">{one}</text>' for n, one in enumerate(NHS)) + "</svg>", "<table>" + "".join(f"<tr><td>{one}</td></tr>" for one in NHS) + "</table>",
    picture(png((b"iCCP", b"a\0\0" + zlib.compress(NHS.encode())))), picture(png() + zipped(a=NHS)), picture(b"\xff\xd8\xff\xe1" + NHS.encode("utf-16-le")),
]  # fmt: skip
PLANTED["an identifier of the extract"] += [
    "<p>R 87251</p>",
    "<p id='rowR87251Cell'>x</p>",
    "<p>LР-004417</p>",
]  # a Cyrillic letter
PLANTED["a digest of an identifier"] += [
    f"<p>{b64(hashlib.sha256(REFERRAL.encode()).digest())}</p>",
    f"<p>{hashlib.sha512(REFERRAL.encode()).hexdigest()}</p>",
]
PLANTED["a name of the extract"] += [
    "<p>It was Kowalczyk's turn.</p>", "<p>a.kowalczyk</p>", "<p>agnieszkakowalczyk</p>", "<p>K O W A L C Z Y K</p>", "<svg><text>Grace</text><text>May</text></svg>",
    "<style>p::after{content:'Grace May'}</style>", "<p>Kоwalczyk</p>",
]  # fmt: skip
PLANTED["a date of birth"] += [
    "<p>the 10th of June 1962</p>",
    "<p data-x='-238636800'>x</p>",
    "<p data-dob='1988-06-03'>x</p>",
    "<p>Date of birth</p><p>3 June 1988</p>",
]
PLANTED["a path of a machine"] += [
    "<p>~/data/people.csv</p>",
    "<p>//server-01/share/people</p>",
    "<p>/c/Users/jsmith</p>",
    "<p>%USERPROFILE%\\x</p>",
]
PLANTED["a count of 1 to 7 in words"] += [
    "<p>Of 52 people, 49 completed.</p>", "<p>2% of 50 people</p>", "<p>Fewer than five people left.</p>", "<p>We saw a single patient.</p>", "<p>two\npeople</p>",
    "<p>33.3% (1 of 3)</p>", "<p>3 in 45 people completed.</p>", "<p>3 discharges</p>", "<p>Left early: 6</p>", "<i data-people='3'></i>",
]  # fmt: skip
PLANTED["a count of 1 to 7 in a table"] += [
    table("Area|No. of people", "North|3"), table("Area|People", "North|four"), table("Area|People", "North|3.0"), table("Area|Completed", "North|3<sup>a</sup>"),
    "<pre>area,people\nNorth,3</pre>", "<pre>| Area | People |\n|---|---|\n| North | 3 |</pre>",
]  # fmt: skip
PLANTED["a number of people that the release does not hold"] += [
    "<p>Of the 1,234 who started</p>",
    "<p>1,234 completed</p>",
    "<p>1,234 participants</p>",
]
PLANTED["a table of records"] += [
    "<pre>age   34\nName: 0, dtype: object</pre>",
    "<pre>| person_id | age |\n|---|---|\n| 1 | 34 |</pre>",
    table("Patient|Discharge date", "A|x"),
]
PLANTED["a column of dates"] += ["<ul>" + "".join(f"<li>{n:02}/05/1988</li>" for n in range(1, 17)) + "</ul>"]
PLANTED["something to load from outside the page"] += [
    '<svg><rect fill="url(https://example.org/x.svg#a)"/></svg>',
    "<p>wss://example.org/live</p>",
]
PLANTED["a style that loads from outside"] += [
    "<style>p{background:\\75rl(https://example.org)}</style>",
    "<style>p{background:u/**/rl(//example.org)}</style>",
]
PLANTED["something that cannot be decoded"] = [f"<!-- {b64(b'%PDF-1.4 x' + bytes(range(128, 150)))} -->"]
PLANTED[TEN] += [
    f"<pre>id,nhs,score\n1,{NHS},12</pre>", "<p>1,943 476 5919,12</p>", "<p>94347<br>65919</p>", f"<p>{int(NHS):_}</p>",
    "<p>" + "".join(f"\\u{{{ord(one):x}}}" for one in NHS) + "</p>", f"<p>{base64.b85encode(b'seen: ' + NHS.encode()).decode()}</p>",
    f'<p>x</p data-x="{NHS}">', "<ruby>94347<rt></rt>65919</ruby>", "<math><mn>94347</mn><mn>65919</mn></math>",
    '<p>94347<span style="display: none">x</span>65919</p>', "<p>94347<b hidden>x</b>65919</p>",
    f"<pre>00000000: {NHS.encode().hex(' ', 2)}</pre>", f"<p>{b64(bytes([251, 255, 254]) + NHS.encode())}</p>",
    f"<style>@font-face{{src:url(data:font/woff2;base64,{b64(b'wOF2' + bytes(40) + NHS.encode())})}}</style>",
]  # fmt: skip
PLANTED["an identifier of the extract"] += [
    "<p>2,167,200</p>", "<p>R2167200</p>", "<p>002167200</p>", f"<p>{b64(struct.pack('<3i', 2167200, 2167207, 2167214))}</p>",
]  # fmt: skip
PLANTED["a date of birth"] += [
    '<meta itemprop="birthDate" content="1971-05-03">', "<p>Born on the fourteenth of March 1971</p>", "<p>A. N., b. 14/3/71</p>",
]  # fmt: skip
PLANTED["a postcode"] += ["<p>sw1a1aa</p>"]
PLANTED["a phone number"] += ["<pre>1,07700900123,12</pre>"]
PLANTED["a user name"] += ["<p>TRUST\\jsmith</p>"]
PLANTED["a column of dates"] += [
    "<pre>   start phq sex\n" + "\n".join(f"{n} {n + 1:02}/03/2022 {n} F" for n in range(16)) + "</pre>",
    "".join(f"<div><i>{n:02}/03/2022</i> <i>{n}</i> <i>F</i></div>" for n in range(1, 17)),
]  # fmt: skip
PLANTED["a count of 1 to 7 in a table"] += [table("Group|n", "Women|&lt;5")]
PLANTED["a number of people that the release does not hold"] += ["<p>58 completed out of 1,873 who started</p>"]
PLANTED["something that cannot be decoded"] += [
    f"<!-- {b64(pickle.dumps({'n': 4}))} -->",
    picture(png()[:30]),
]
LEAKS = number(PLANTED)
SECRETS = (
    NHS,
    "943 476",
    "5919",
    "kowalczyk",
    "agnieszka",
    REFERRAL,
    PATIENT,
    CONTACT,
    "jsmith",
    "TW9",
    "900123",
    "example.org",
    "4000482716",
)


@pytest.mark.parametrize("kind, body", LEAKS)
def test_a_leak_is_found_in_whatever_wrapping_and_never_repeated(kind, body, guard):
    findings = check_page(page(body), guard)
    assert kind in {one.kind for one in findings}
    told = " ".join(map(str, findings)).casefold()
    assert not [secret for secret in SECRETS if secret.casefold() in told]


IN_NOTEBOOKS = {
    TEN: [
        notebook(shown("text/plain", NHS)), notebook(shown("text/html", f"<p>{NHS}</p>")), notebook(shown("image/png", b64(png((b"tEXt", b"a\0" + NHS.encode()))))),
        notebook(shown("image/svg+xml", f"<svg><text>{NHS}</text></svg>")), notebook(shown("application/json", {"rows": [{"a": NHS}]})), notebook(source=f"x = '{NHS}'"),
        notebook(metadata={"widgets": {"state": {"a": {"value": NHS}}}}), notebook(metadata={"papermill": {"parameters": {"who": NHS}}}),
        notebook(cell_type="markdown", source=f"About {NHS}"), notebook(cell_type="markdown", source="x", attachments={"a.png": {"image/png": b64(png() + NHS.encode())}}),
        notebook({"output_type": "stream", "name": "stdout", "text": [NHS[:4], NHS[4:]]}), notebook(graph(y=[45, 60], text=[NHS])),
        notebook(graph(x={"dtype": "f8", "bdata": b64(struct.pack("<d", float(NHS)))})), notebook(shown("text/latex", NHS)),
        notebook({"output_type": "stream", "name": "stdout", "text": NHS[:5]}, {"output_type": "stream", "name": "stdout", "text": NHS[5:]}), notebook(extra={"a": NHS}),
        notebook(source=f"x = '{NHS[:5]}' \\\n    '{NHS[5:]}'"), notebook(shown("text/plain", str(list(map(int, NHS))))),
    ],
    "an identifier of the extract": [notebook(source=f"look('{REFERRAL}')"), notebook(shown("text/plain", PATIENT)), notebook(graph(ids=[REFERRAL]))],
    "a name of the extract": [notebook(shown("text/plain", "0 Agnieszka Kowalczyk")), notebook(source="# ask Agnieszka Kowalczyk")],
    "an error": [notebook({"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": []})],
    "words on stderr": [notebook({"output_type": "stream", "name": "stderr", "text": "careful"})],
    "a run that failed": [notebook(metadata={"papermill": {"exception": True}})],
    "a path of a machine": [notebook(metadata={"papermill": {"input_path": "/home/jsmith/x.ipynb"}})],
    "a user name": [notebook(metadata={"username": "jsmith"}), notebook(metadata={"authors": [{"name": "jsmith"}]})],
    "data behind the points of a chart": [notebook(graph(y=[45], customdata=[["a"]])), notebook(graph(y=[45], hovertemplate="x"))],
    "a count of 1 to 7 in the data of a chart": [notebook(graph(y=[45, 3])), notebook(graph(y={"dtype": "i1", "bdata": b64(bytes([45, 3]))}))],
    "a count of 1 to 7 in words": [notebook(shown("text/plain", "3 people left early"))],
    "a table of records": [notebook(shown("text/plain", "   ServiceRequestId  EndCode\n0  a  46\n1  b  47"))],
    "a script": [notebook(shown("application/javascript", "x()"))],
}  # fmt: skip


@pytest.mark.parametrize("kind, data", number(IN_NOTEBOOKS))
def test_a_leak_is_found_in_a_notebook(kind, data, guard):
    findings = check_notebook(data, guard)
    assert kind in {one.kind for one in findings}
    assert not [secret for secret in SECRETS if secret.casefold() in " ".join(map(str, findings)).casefold()]


MANIFEST = hashlib.sha256(b"a file").hexdigest()
INNOCENT = [
    '<p>Source: <a href="https://digital.nhs.uk/data-and-information">NHS England</a>, <a href="https://www.gov.uk/a#b">GOV.UK</a></p>',
    "<p>Data to 30 June 2023</p>", "<p>2022-08-31T12:30:00Z</p>", "<p>31/08/2022 14:05</p>", "<p>Week 26 of 2022</p>", "<p>62.5%, 99.8%</p>", "<p>National measure M081, M076 / (M056 - M153)</p>",
    "<p>Call NHS 111, or 999 in an emergency.</p>", "<p>Samaritans: 116 123, jo@samaritans.org</p>", "<p>Error bars show the usual range.</p>", "<p>There were no errors.</p>",
    "<p>The standard error: 2 points</p>", f"<p>sha256 {MANIFEST}</p>", f"<p>{hashlib.md5(b'a file').hexdigest()}</p>", "<p>3f2504e0-4f89-11d3-9a0c-0305e82c3301</p>", "<p>Counts of 1 to 7 are hidden.</p>",
    "<p>7 points in a row on one side of the average</p>", "<p>2 of 3 points close to the edge of the usual range</p>", "<p>two of three; shift</p>", "<p>6 of every 10 people (58 of 97)</p>",
    "<p>Rules 1 to 4</p>", "<p>Page 3 of 12</p>", "<p>Step 2 of 5</p>", "<p>LI CBT is brief help.</p>", "<p>Order 9434765918</p>", "<p>Order 1234567890</p>", "<p>May 2021, and it may rise</p>",
    "<p>The saving grace of hope</p>", "<p>Richmond Wellbeing Service</p>", "<p>In May 2022 Grace Road was closed.</p>", "<p>Put it in path/to/file.</p>", '<a href="../2022-08/completion_review.html">x</a>',
    '<a href="results.csv">x</a>', '<a href="#top">x</a>', "<p>Open Government Licence v3.0: https://www.nationalarchives.gov.uk/doc/open-government-licence</p>",
    '<a href="https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/">x</a>', "<p>2021/2022</p>", "<p>and/or, his/her, 24/7</p>", "<p>M1 2CV</p>", "<p>at least 2 LI sessions</p>",
    "<p>5 other definitions</p>", "<p>3 sessions on average</p>", "<p>5 of 6 services</p>", "<p>fewer than 5 people are not shown</p>", "<p>Groups of 1 to 7 people are hidden.</p>", "<p>1 in 4 people</p>",
    "<p>One person can be counted twice.</p>", "<p>A person has two referrals open at the same time.</p>", "<p>about 2,040 services</p>", "<p>66 of 139 people</p>", "<p>595 people</p>", "<p>per 100,000 people</p>",
    "<p>0 people, 0 of 27 months</p>", table("Month|Completed|LI ended", "June|66|139", "July|0|8"), table("Week|Share", "1|45%", "2|60%"), table("LI session|People", "1|120", "2|90"), table("Rule|Points in a row", "shift|7"),
    table("Measure|Mean sessions", "M120|4"), table("Example|Counts as", "1 LI session|not completed"), table("Definition|Version", "ii|1"), table("Phase|From", "1|2021-05-01"),
    '<svg viewBox="0 0 504 280.8"><path d="M 166.123456789 943.4765919L 1234567.8 2 z"/><text x="943" y="476">60%</text></svg>', '<svg><path style="fill: #c77001" d="M 0 0L 9.434765919 3"/></svg>',
    '<svg><defs><path id="completion-m30c95c195d"/></defs><use href="#completion-m30c95c195d" x="1" y="2"/></svg>', "<style>p{color:#94347659;margin:0 1.2345678901rem}</style>",
    "<style>@media print{a{color:#000}}@font-face{src:url(data:font/woff2;base64,d09GMgABAAAAAA==)}</style>", picture(png()), picture(png((b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\x01"))),
    picture(png((b"tEXt", b"Software\0Matplotlib version3.11, https://matplotlib.org/"))), f'<a href="data:font/woff2;base64,{b64(b"wOF2" + bytes(40))}">x</a>', "<p>30 June 1948 to 5 July 1948</p>",
    "<p>code 46, then code 47; PHQ-9 and GAD-7</p>", "<p>phi = 196.83; tau = 0.0873</p>", "<p>12,345,678 appointments</p>", "<p>RWK4C became RQY58 in December 2022</p>", "<p>therapy code 702545008</p>",
    "<p>44317 is 1 May 2021 in a spreadsheet</p>", "<p>internationalisation misunderstandings</p>", "<p>" + b64("Are we getting better? The ups and downs are what we expect.") + "</p>", "<p>Nobody was born in the 1890s.</p>",
    "<p>Traceability is not a traceback.</p>", "<p>The longest run has 9 months.</p>", "<p>Low 39%, high 64% (usual range)</p>", "<p>Kept from 2021-01 to 2023-06.</p>",
    "<p>Updated 14 June 2022 at 09:30</p>","<p>Published: 2022-06-14</p>","<p>Version 2022.06.14</p>","<p>Definition ii counts people with at least 2 LI sessions.</p>","<p>The rules need 7 points in a row.</p>","<p>4 in 10 people</p>","<p>6 of every 10 people whose LI CBT ended had completed it (58 of 97).</p>","<p>about 9 in 10</p>","<p>1 of 3 rules</p>",
    "<p>PHQ-9 falls by 6 or more points</p>","<p>Open 9 to 5, Monday to Friday</p>","<p>ISO 8601, RFC 2119</p>","<p>ISBN 9780306406157</p>","<p>DOI 10.1136/qhc.12.6.458</p>","<p>Order number 4012345678</p>","<p>Order 7000000008</p>","<p>Ref 2022-000123</p>","<p>SNOMED 1129471000000105</p>","<p>Unix time 1655198999</p>",
    "<p>SHA-256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</p>","<p>commit 0c43996</p>","<p>colour #005EB8 on #C77001</p>","<p>lat 51.4613, lon -0.3037</p>","<p>0.123456789012</p>","<p>3.14159265358979</p>","<p>1,234,567,890 pounds</p>",
    "<p>Will May be better? Hope so.</p>","<p>Mark the date. Grace period ends in March.</p>","<p>Read Bath and Richmond reports.</p>","<p>England and Kingston</p>","<p>Reading age 12</p>","<p>Young people and Black people</p>","<p>Rose from 4% to 22%</p>",
    "<p>See path/to/report or docs/read_me.md</p>","<p>and/or he/she</p>","<p>~/</p>","<p>data/raw/IDS101.csv</p>","<p>reports/2022-08</p>","<p>/2022</p>","<p>M081/M082</p>","<p>km/h</p>","<p>https://www.england.nhs.uk/</p>","<p>file: none</p>","<p>Standard error of the mean</p>","<p>Type I error: 5%</p>","<p>No warnings. No errors found.</p>","<p>Error rate: 3%</p>",
    "<p>Call 0800 is free</p>","<p>Dial 111</p>","<p>call 999</p>","<p>116123</p>","<p>0 to 100</p>","<p>2021 to 2022</p>","<p>EC1 target</p>","<p>B1 self-referral</p>","<p>N4 0</p>","<p>LI2 3HI</p>","<p>Q1 2022, H1 2023</p>","<p>T1 2CK</p>",
    "<p>@media</p>","<p>@ 10 am</p>","<p>one person in four</p>","<p>two people can disagree</p>","<p>Fewer than 8 people: hidden</p>","<p>counts of one to seven people are hidden</p>","<p>groups of 30 people or more</p>","<p>no more than 5 people</p>","<p>between 1 and 7 people</p>","<p>more than 20 people</p>","<p>5 ways to help people</p>","<p>3 things people say</p>","<p>7 reasons why patients leave</p>","<p>4 of the 7 measures for patients moved</p>","<p>Step 3 patients wait</p>","<p>Chapter 2: People</p>","<p>Table 3. People by month</p>","<p>Figure 4 People</p>","<p>6 months after people began</p>","<p>2 sessions per person</p>","<p>Week 2 patients</p>","<p>5 March: people came</p>","<p>12 months, 3 services, 2 people-facing tools</p>","<p>PHQ-9: 5 to 9 mild</p>","<p>4 weeks before patients leave</p>",
    table("Signal|Meaning","7 points|shift"),table("Rule|Length","shift|7","trend|6"),table("Measure|Sessions","mean|4"),table("Month|Weeks|Share","June|4|45%"),table("Version|Since","1|May 2021","2|June 2022"),table("Step|What","1|Refer","2|Assess"),table("Question|Answer","1|yes"),table("Rank|Measure","1|x","2|y"),table("Month|Days late","June|3"),table("Term|Definition","LI|brief"),table("Name|What it means","M081|x"),table("Code|Name","1|Seen","2|Missed"),table("Attendance code|Means","5|seen","7|late"),table("Decile|Completed","1|45","2|60"),table("Score|Band","5|mild"),table("Week|Completed|Left early","1|45|60","2|60|90"),table("Lower|Upper","3.5|7.2"),table("Points|Direction","7|up"),table("Setting|Value","minimum|5"),table("Age|Sex|People","18 to 25|women|45"),table("Field|Blank|Usable","gender|0%|yes"),
    '<svg viewBox="0 0 10 10"><g transform="translate(943.476 5919)"><path d="M943 476 5919 2"/></g></svg>','<svg><text>0%</text><text>20%</text><text>5</text><text>10</text></svg>','<svg><text>Jun 2021</text><text>2</text><text>4</text><text>6</text></svg>','<svg><text>100</text><text>200</text><text>1000</text></svg>','<svg><polyline points="943,476 591,9434 765,919"/></svg>',"<svg><title>Chart of completion by month</title></svg>","<p id='section-2'>x</p>",'<td colspan="2">x</td>',"<ol start='3'><li>People</li></ol>","<p>&copy; NHS England 2022, Open Government Licence v3.0 https://example</p>",'<img alt="" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">','<p>MTIzNDU2Nzg5MA==</p>','<p>Lorem ipsum dolor sit amet</p>','<p>ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/</p>','<pre>name  value\nalpha 1\nbeta 2</pre>','<pre>Month,Completed,LI ended\nJune,66,139</pre>','<p>user guide: see below</p>','<p>Author: the team</p>','<p>Login: not needed</p>','<p>Usual range 1% to 19%</p>','<p>born digital</p>','<p>People born in May 2001 to June 2002 are not counted.</p>','<p>date of birth is never shown</p>',
    "<p>Two people agree before it is sent.</p>", "<p>The longest wait target is 18 weeks.</p>", "<p>Both people and services change.</p>", "<p>October 2022 started well.</p>",
    "<p>In 2022 completed reviews were kept.</p>", table("Month|The share|Counts", "June|5.0|45"), "<dl><dt>Revision</dt><dd>1</dd></dl>","<dl><dt>Definition</dt><dd>version 1</dd></dl>","<dl><dt>Pages</dt><dd>4</dd></dl>","<p>Wave 3 of 5</p>","<p>Phase 2 of the project</p>","<p>Level 2 people</p>","<p>cohort 3 people</p>","<p>Band 5 staff</p>","<p>Band 6 practitioner</p>","<p>room 4 of 6</p>","<p>question 2 of 9</p>","<p>1 of 1</p>",
    table("Questionnaire|Caseness|Change", "PHQ-9|10|6", "Reliable change|6|4"), table("|Default|Other", "Shift, points on one side|7|8"),
    table("Example|Counts as", "one missed, one attended|1 of 2"), "<p>0123456789</p>", "<p>What only one person can do</p>", "<p>April, May and June were quiet.</p>",
    "<p>two patient numbers that are one person</p>", "<p>beyond 3 of them</p>", "<p>It was 0.9434765919, or 12.943476591.</p>",
]  # fmt: skip


@pytest.mark.parametrize("body", INNOCENT)
def test_what_only_looks_alike_passes(body, guard):
    assert check_page(page(body), guard) == []


def test_an_innocent_notebook_passes(guard):
    data = notebook(
        shown("text/html", table("Month|Completed|LI ended", "June|66|139")), shown("text/plain", "<page fragment>"), shown("image/png", b64(png())),
        {"output_type": "stream", "name": "stdout", "text": "June 2023: no errors"}, source="for name in ('a', 'b'):\n    raise ValueError(name)  # 3 people\ndf.head(3)",
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python", "version": "3.11.7"}},
    )  # fmt: skip
    assert check_notebook(data, guard) == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_the_notebooks_of_the_project_pass(path, guard):
    assert check_file(path, guard) == []


def test_findings_are_told_once_and_no_more_than_forty(guard):
    findings = check_page(page("".join(f"<p>x{n}\n 943 476 5919</p>\n" for n in range(99))), guard)
    assert len(findings) == 41 and str(findings[-1]) == "and 60 more findings"


def test_the_gate_opens_with_the_number_of_checks(guard):
    assert (
        open_gate(page("<p>66 of 139 people</p>").decode(), guard)
        == len(guard.list_checks())
        > len(Guard().list_checks())
    )
    with pytest.raises(GateClosed, match="an NHS number: line 2") as caught:
        open_gate(page(f"<p>{NHS}</p>").decode(), guard)
    assert NHS not in str(caught.value)
    with pytest.raises(GateClosed, match="no content-security policy"):
        open_gate("<p>x</p>", guard)

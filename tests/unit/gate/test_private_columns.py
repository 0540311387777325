"""Private columns are told by their heading or by the shape of what stands in them."""

from gate_example import page

from qi_analysis.gate.check import Guard, check_page
from qi_analysis.gate.people import build_known
from qi_analysis.gate.private_columns import read_private


def test_columns_are_told_by_heading_or_by_shape(tmp_path):
    (tmp_path / "any.csv").write_text(
        "ref,who,x1,x2\nAB-10001,Ana Dunmore,QQ3 4ZZ,they were sad for a long while\nAB-10002,Bo Ulvsten,QQ3 4ZY,they slept badly since the move\n"
    )
    private = read_private(tmp_path, None)
    assert set(private.texts) == {"name", "postcode", "note"} and len(private.identifiers) == 1
    found = check_page(
        page("<p>AB-10002 Ulvsten, QQ3 4ZY, slept badly since the move</p>"), Guard(build_known(private))
    )
    assert {one.kind for one in found} == {
        "an identifier of the extract",
        "a name of the extract",
        "a postcode",
        "a note of the extract",
    }

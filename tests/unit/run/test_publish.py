"""A verdict holds for the very bytes it was given for."""

import pytest

from qi_analysis.errors import GateClosed
from qi_analysis.run.publish import build_verdict_file, read_passed_page


def test_a_verdict_holds_only_for_the_page_it_was_given_for(tmp_path):
    good, verdict = tmp_path / "review.html", tmp_path / "verdict.json"
    good.write_bytes(b"a page")
    with pytest.raises(GateClosed, match="no verdict"):
        read_passed_page(good)
    verdict.write_text(build_verdict_file({"review.html": b"a page", "plain.html": b"another"}, "abc", 15))
    assert read_passed_page(good) == "a page"
    good.write_bytes(b"a page.")
    with pytest.raises(GateClosed, match="changed"):
        read_passed_page(good)
    verdict.write_text("[]")
    with pytest.raises(GateClosed, match="no verdict"):
        read_passed_page(good)

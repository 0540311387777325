"""What a run may import before it knows whether anything is new."""

import subprocess
import sys

from repository import ROOT


def test_that_nothing_is_new_is_said_without_pandas():
    code = (
        "import sys, qi_analysis.cli, qi_analysis.run.batch; print({'pandas', 'numpy', 'nbformat'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

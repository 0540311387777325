"""`python -m qi_analysis` is `qi`."""

from qi_analysis.cli import main

main()

from qi_analysis.cli import main

main()

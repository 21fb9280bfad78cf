"""`python -m slysock.cli`: the command where the script is not on the path."""

from slysock.cli import main

main()

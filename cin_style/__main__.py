"""`python -m cin_style` is the command `cin-style`."""

from cin_style.commands.main import main

main()

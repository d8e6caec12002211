"""python -m physiosynth."""

from physiosynth.commands.main import run

run()

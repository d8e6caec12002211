"""The same as: physiosynth cohort."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("cohort")

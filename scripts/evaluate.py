"""The same as: physiosynth evaluate."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("evaluate")

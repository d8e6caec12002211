"""The same as: physiosynth check-recordings."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("check-recordings")

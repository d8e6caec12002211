"""The same as: physiosynth targets."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("targets")

"""The same as: physiosynth reproduce."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("reproduce")

"""The same as: physiosynth compare."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("compare")

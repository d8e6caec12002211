"""The same as: physiosynth preprocess."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("preprocess")

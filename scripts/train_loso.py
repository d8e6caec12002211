"""The same as: physiosynth train-loso."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("train-loso")

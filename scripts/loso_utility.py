"""The same as: physiosynth loso-utility."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("loso-utility")

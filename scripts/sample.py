"""The same as: physiosynth sample."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("sample")

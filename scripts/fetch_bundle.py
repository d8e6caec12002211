"""The same as: physiosynth bundle fetch."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("bundle", "fetch")

"""The same as: physiosynth bundle verify."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("bundle", "verify")

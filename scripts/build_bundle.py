"""The same as: physiosynth bundle build."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("bundle", "build")

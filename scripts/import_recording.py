"""The same as: physiosynth import."""

from physiosynth.commands.main import run

if __name__ == "__main__":
    run("import")

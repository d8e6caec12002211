"""What is in the image, and what is not: look_inside.py ROOT IMAGE.json MAX_BYTES. Ends with 1 and the reasons."""

import json
import os
import re
import stat
import sys
from pathlib import Path

NOT_INSIDE = (
    "usr/bin/gcc", "usr/bin/cc", "usr/bin/g++", "usr/bin/ld", "usr/bin/make", "usr/bin/git", "opt/venv/bin/pip",
    "build", "root/.cache", "app/tests", "app/.git", "app/data", "app/results",
)  # fmt: skip
EMPTY = ("var/lib/apt/lists", "var/cache/apt", "tmp", "cache")
LABELS = ("title", "description", "licenses", "version", "revision")
SECRET = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[bp]-\d{8,}"
)
WEIGHTS = (".pt", ".pth", ".pkl", ".safetensors", ".zip")
EMBEDDED = "site-packages/physiosynth/embedded_bundle/"


def main() -> int:
    root, image, most = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in {(p.stat().st_ino): p for p in files}.values())
    print(f"inside: {size / 1e9:.2f} GB in {len(files)} files", file=sys.stderr)
    complaints = [f"{size} bytes, expected at most {most}"] if size > most else []
    complaints += [f"{name} is inside" for name in NOT_INSIDE if os.path.lexists(root / name)]
    complaints += [f"{name} is not empty" for name in EMPTY if any(path.is_file() for path in (root / name).rglob("*"))]
    complaints += [*from_files(root, files), *from_settings(image["Docker"]["config"]), *from_packages(root)]
    print("\n".join(f"complaint: {text}" for text in complaints), file=sys.stderr)
    return bool(complaints)


def from_files(root: Path, files: list[Path]) -> list[str]:
    """Secrets, weights other than the embedded ones, and files that anybody may change."""
    found = []
    for path in files:
        name = path.relative_to(root).as_posix()
        if path.stat().st_mode & stat.S_IWOTH:
            found.append(f"{name} can be written to by everybody")
        if path.suffix in WEIGHTS and EMBEDDED not in name and path.stat().st_size > 1 << 20:
            found.append(f"{name} looks like weights or data")
        ours = name.startswith(("app/", "etc/", "home/", "root/")) or "site-packages/physiosynth/" in name
        if ours and (path.name in (".env", ".netrc", "id_rsa") or SECRET.search(path.read_bytes())):
            found.append(f"{name} looks like a secret")
    return found


def from_settings(config: dict) -> list[str]:
    """User, health check, entry point and labels."""
    found = []
    if config.get("User") != "10001:10001":
        found.append(f"the user is {config.get('User')!r}")
    if "--health" not in (config.get("Healthcheck") or {}).get("Test", []):
        found.append("there is no health check")
    if (config.get("Entrypoint") or [None])[0] != "tini":
        found.append("process 1 is not tini")
    labels = config.get("Labels") or {}
    return found + [f"no label {name}" for name in LABELS if not labels.get(f"org.opencontainers.image.{name}")]


def from_packages(root: Path) -> list[str]:
    """The bill of materials says what is installed, no more and no less."""

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    folders = (root / "opt/venv/lib").glob("python*/site-packages/*.dist-info")
    installed = {tuple(each.name.removesuffix(".dist-info").rsplit("-", 1)) for each in folders}
    has = {(plain(name), version.partition("+")[0]) for name, version in installed if name != "physiosynth"}
    listed = json.loads((root / "app/sbom.cdx.json").read_text())["components"]
    says = {(plain(each["name"]), each["version"]) for each in listed}
    return [f"sbom.cdx.json and the image differ in {name} {version}" for name, version in sorted(has ^ says)]


if __name__ == "__main__":
    sys.exit(main())

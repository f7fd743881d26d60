"""Installs the clients at their pinned versions, each once, into a cache below `target/`."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent.parent
CACHE = CLIENTS.parent / "target" / "clients"
# A slow line gets its time; one that is dead does not hold CI up.
PATIENCE = 600


class CannotInstall(Exception):
    """A package could not be had."""


def run(command: list[str], directory: Path) -> None:
    try:
        ended = subprocess.run(
            command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
    except FileNotFoundError as error:
        raise CannotInstall(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CannotInstall(f"{' '.join(command)}: not done after {PATIENCE} s") from error
    if ended.returncode != 0:
        tail = (ended.stderr or ended.stdout).strip().splitlines()[-8:]
        raise CannotInstall("\n  ".join([f"{' '.join(command)} failed:", *tail]))


def place(name: str, pins: Path) -> Path:
    """Where this version of the pins is installed; another version gets another place."""
    mark = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    return CACHE / f"{name}-{mark}"


def ensure(name: str, pins: Path, fill) -> Path:
    """Fills the place by `fill(directory)` unless that was done before. Half-filled ones are made anew."""
    directory = place(name, pins)
    done = directory / ".complete"
    if not done.exists():
        shutil.rmtree(directory, ignore_errors=True)
        for old in CACHE.glob(f"{name}-" + "?" * 12):
            shutil.rmtree(old, ignore_errors=True)
        directory.mkdir(parents=True)
        print(f"installing {name}", file=sys.stderr, flush=True)
        fill(directory)
        done.touch()
    return directory


def python() -> Path:
    """The interpreter that has the SDKs for Python."""
    pins = CLIENTS / "python" / "requirements.txt"

    def fill(directory: Path) -> None:
        run([sys.executable, "-m", "venv", str(directory)], directory)
        run([str(directory / "bin" / "pip"), "install", "--quiet", "--no-deps", "-r", str(pins)], directory)

    return ensure("python", pins, fill) / "bin" / "python"


def npm(name: str, source: Path) -> Path:
    """The directory whose `node_modules` has what the source's lock file says."""

    def fill(directory: Path) -> None:
        for file in ["package.json", "package-lock.json", ".npmrc"]:
            shutil.copy(source / file, directory)
        run(["npm", "ci", "--no-audit", "--no-fund"], directory)

    return ensure(name, source / "package-lock.json", fill)


def javascript() -> Path:
    """The directory with the SDKs for JavaScript and our speakers beside them: modules are looked for there."""
    directory = npm("js", CLIENTS / "js")
    for file in (CLIENTS / "js").glob("*.mjs"):
        shutil.copy(file, directory)
    return directory


def program(package: str, name: str) -> str:
    """A client's program."""
    return str(npm(package, CLIENTS / "cli" / package) / "node_modules" / ".bin" / name)


HINT = """\
The clients come from the package registries of Python and npm, by the configuration of pip and npm on this
machine. Without a way there nothing can be tested, and nothing was."""

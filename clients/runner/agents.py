"""Coding clients, as their users start them: each gets one errand for its shell and has to finish it."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Iterator

from . import install
from .matrix import DIALECTS, Client
from .report import Result
from .stack import Stack, clean_environment

# For the whole errand. Clients retry for minutes when something is wrong.
PATIENCE = 90

PROMPT = "Run the errand that you are given, in the shell, and tell what it said."

# How to start a client: program and arguments, and its own variables. Files go below `home`.
Setup = Callable[[Stack, str, Path], tuple[list[str], dict[str, str]]]


def claude_code(stack: Stack, key: str, home: Path):
    program = install.program("claude-code", "claude")
    return [program, "-p", PROMPT, "--model", "claude-sonnet-4-5", "--dangerously-skip-permissions"], {
        "ANTHROPIC_BASE_URL": stack.hub,
        "ANTHROPIC_AUTH_TOKEN": key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        # It refuses to skip permissions for root otherwise; containers of CI run as root.
        "IS_SANDBOX": "1",
    }


def codex(stack: Stack, key: str, home: Path):
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(f"""\
model = "gpt-5.5"
model_provider = "hub"
check_for_update_on_startup = false

[model_providers.hub]
name = "hub"
base_url = "{stack.hub}/v1"
env_key = "HUB_KEY"
wire_api = "responses"

[analytics]
enabled = false
""")
    program = install.program("codex", "codex")
    arguments = ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", PROMPT]
    return [program, *arguments], {"HUB_KEY": key}


def gemini_cli(stack: Stack, key: str, home: Path):
    (home / ".gemini").mkdir()
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
    }
    (home / ".gemini" / "settings.json").write_text(json.dumps(settings))
    program = install.program("gemini-cli", "gemini")
    # With a model named it does not ask another one first which model to take.
    return [program, "--yolo", "-m", "gemini-2.5-pro", "-p", PROMPT], {
        "GOOGLE_GEMINI_BASE_URL": stack.hub,
        "GEMINI_API_KEY": key,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "CI": "true",
    }


SETUPS: dict[str, Setup] = {"claude-code": claude_code, "codex": codex, "gemini-cli": gemini_cli}


def run(stack: Stack, client: Client, provider: str, _checks: list[str]) -> Iterator[Result]:
    stack.rewind()
    with tempfile.TemporaryDirectory(prefix="home-", dir=stack.directory, ignore_cleanup_errors=True) as name:
        home = Path(name)
        work = home / "work"
        work.mkdir()
        command, variables = SETUPS[client.name](stack, stack.keys[provider], home)
        said, failure = start(command, work, clean_environment(home, **variables))
    entries = [entry for entry in stack.received() if entry["call"] == "generate"]
    status, detail = "ok", f"{len(entries)} requests"
    if f"errand-{stack.word}" not in said:
        status, detail = "FAIL", f"{failure or 'it ended without the outcome'}; {told(entries)}; it said: {said[-700:]}"
    elif failure:
        status, detail = "FAIL", f"{failure}; it said: {said[-700:]}"
    elif {entry["dialect"] for entry in entries} != {DIALECTS[provider].lab}:
        status, detail = "FAIL", f"the provider was spoken to in another dialect; {told(entries)}"
    elif len(entries) < 2 or any(entry["status"] != 200 for entry in entries):
        status, detail = "FAIL", told(entries)
    yield Result(client.name, provider, "errand", status, detail)


def start(command: list[str], work: Path, environment: dict[str, str]) -> tuple[str, str]:
    """Runs it to its end: what it said, and what was wrong with the end."""
    # A group of its own, so that a client that hangs is ended with what it started.
    process = subprocess.Popen(
        command,
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=PATIENCE)
        return said, "" if process.returncode == 0 else f"it ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        end(process)
        said, _ = process.communicate()
        return said, f"not done after {PATIENCE} s"
    except BaseException:
        end(process)
        raise


def end(process: subprocess.Popen) -> None:
    """Ends it with everything that it started and did not put into a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def told(entries: list[dict]) -> str:
    """The requests, briefly."""
    short = [f"{entry['dialect']} {entry['path'].split('?')[0]} {entry['status']}" for entry in entries[:6]]
    return f"{len(entries)} requests reached the provider" + (f" ({', '.join(short)})" if short else "")

"""The program behind scripts/test-clients: which clients against which providers, and what came of it."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from runner import agents, install, report, sdk
from runner.matrix import CLIENTS, DIALECTS, Client
from runner.stack import Stack

ABOUT = """\
Runs real clients through a hub: the official SDKs for Python and JavaScript, the Vercel AI SDK, Claude Code,
Codex CLI and Gemini CLI, each against providers of all four dialects, which hub-lab plays. Everything listens
on the loopback address, on free ports; no client talks to anybody else; nothing is left behind but the
installed clients in target/clients (about 1.2 GB when all of them are there).

SDKs are asked for plain answers, streams, thinking, a tool call with its result, errors as typed exceptions,
failover behind errors hidden in answers with status 200, exceptions for streams that break, token counts and
model lists. Coding clients get an errand: the provider asks for a shell command, and the task is done when
what the command printed has come back through the hub.
"""

EXAMPLES = """\
examples:
  scripts/test-clients                                    everything; some minutes
  scripts/test-clients --only claude-code,codex           two coding clients, all providers
  scripts/test-clients --only py --providers same         the SDKs for Python, providers of their own dialects
  scripts/test-clients --only js-openai-chat --providers claude --checks tool,cut_after
  scripts/test-clients --json | jq '.[] | select(.status == "FAIL")'

The exit code is 0 if nothing failed, 1 if something did, 2 if the clients could not be installed or started.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/test-clients",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="CLIENTS", help="names or beginnings of names, by comma (see --list)")
    parser.add_argument(
        "--providers",
        metavar="DIALECTS",
        default="all",
        help=f"of {', '.join(DIALECTS)} by comma; `same`: the client's own; `cross`: all others; default: all",
    )
    parser.add_argument("--checks", metavar="NAMES", default="", help="only these checks of the SDKs, by comma")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--list", action="store_true", help="list the clients and end")
    parser.add_argument("--no-build", action="store_true", help="take hub-server and hub-lab as they are in target/debug")
    parser.add_argument("--keep", action="store_true", help="keep the logs of hub and lab, and say where")
    return parser.parse_args()


def chosen(only: str | None) -> list[Client]:
    if not only:
        return list(CLIENTS.values())
    words = [word.strip() for word in only.split(",") if word.strip()]
    for word in words:
        if not any(name.startswith(word) for name in CLIENTS):
            sys.exit(f"no client's name begins with {word!r}; there are {', '.join(CLIENTS)}")
    return [client for name, client in CLIENTS.items() if any(name.startswith(word) for word in words)]


def providers(client: Client, wanted: str) -> list[str]:
    if wanted in ("same", "cross", "all"):
        return [name for name in DIALECTS if wanted == "all" or (name == client.dialect) == (wanted == "same")]
    names = wanted.split(",")
    for name in names:
        if name not in DIALECTS:
            sys.exit(f"no dialect is called {name!r}; there are {', '.join(DIALECTS)}, and same, cross, all")
    return names


def prepare(clients: list[Client]) -> None:
    """Installs what these clients need, before anything is started."""
    for package in dict.fromkeys(client.package for client in clients):
        if package == "python":
            install.python()
        elif package == "js":
            install.javascript()
        else:
            install.npm(package, install.CLIENTS / "cli" / package)


def main() -> int:
    # An end by signal is an end in order: what was started is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    clients = chosen(options.only)
    if options.list:
        for client in clients:
            print(f"{client.name:20} speaks {client.dialect:10} {client.about}")
        return 0
    checks = [name for name in options.checks.split(",") if name]
    try:
        prepare(clients)
    except install.CannotInstall as reason:
        print(f"Can't install the clients.\n{reason}\n{install.HINT}", file=sys.stderr)
        return 2
    began, results = time.monotonic(), []
    directory = tempfile.TemporaryDirectory(prefix="test-clients-", ignore_cleanup_errors=True)
    try:
        with Stack(Path(directory.name)) as stack:
            # One client at a time: some of them are large.
            for client in clients:
                play = agents.run if client.is_agent else sdk.run
                for provider in providers(client, options.providers):
                    of_pair = list(play(stack, client, provider, checks))
                    results += of_pair
                    failed = sum(result.status == "FAIL" for result in of_pair)
                    print(f"{client.name} → {provider}: {failed or 'none'} failed", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        return 130
    except RuntimeError as reason:
        print(f"The hub could not be set up.\n{reason}", file=sys.stderr)
        return 2
    finally:
        if options.keep:
            directory._finalizer.detach()
            print(f"logs are in {directory.name}", file=sys.stderr)
        else:
            directory.cleanup()
    print(report.as_json(results) if options.json else report.table(results))
    print(f"{report.closing(results)} in {time.monotonic() - began:.0f} s", file=sys.stderr)
    if not options.json:
        print(report.closing(results))
    return 1 if any(result.status == "FAIL" for result in results) or not results else 0


if __name__ == "__main__":
    sys.exit(main())

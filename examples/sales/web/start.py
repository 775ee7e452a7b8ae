"""The launcher: one command starts an office and two roaming workstations, and a page that shows them."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from examples.sales.web.fleet import Fleet, Place, Post
from examples.sales.web.overview import make_overview
from examples.sales.web.security import Protection
from examples.sales.web.workstation import LOOPBACK

DEFAULT_PORT = 8700
PEOPLE = (("office", "office", "Bob"), ("R1", "roaming", "Ada"), ("R2", "roaming", "Cleo"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the launcher until Ctrl-C; return 0."""
    given = _parser().parse_args(arguments)
    try:
        with _directory(given.data) as data:
            asyncio.run(run(given, data))
    except KeyboardInterrupt:
        _say("Stopped.")
    return 0


async def run(given: argparse.Namespace, data: Path) -> None:
    """Start the workstations and serve the page that shows them, until it is stopped."""
    posts = [
        Post(name, role, author, given.port + place)
        for place, (name, role, author) in enumerate(PEOPLE, 1)
        if not given.only or name in given.only
    ]
    folder = given.folder or data / "folder"
    folder.mkdir(parents=True, exist_ok=True)
    overview = f"http://{LOOPBACK}:{given.port}"
    protection = Protection(
        secrets.token_urlsafe(24), hosts=(LOOPBACK,), frames=tuple(post.address for post in posts)
    )
    async with Fleet(Place(data, folder, given.locale, overview), posts) as fleet:
        for post in posts:
            _say(f"{post.name:8} {post.address}")
        _say(f"together {overview}\nfolder   {folder}\nCtrl-C stops all.")
        if not given.no_browser:
            webbrowser.open(overview)
        server = uvicorn.Server(
            uvicorn.Config(
                make_overview(fleet, protection),
                host=LOOPBACK,
                port=given.port,
                lifespan="off",
                log_level="warning",
                timeout_graceful_shutdown=1,
            )
        )
        await server.serve()


@contextmanager
def _directory(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="sales-", ignore_cleanup_errors=True) as made:
        yield Path(made).resolve()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.sales.web",
        description="A sales application: an office and two workstations, joined by a folder.",
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="a synced folder; a new one without it")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where the databases are kept; gone at the end without it"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[name for name, _, _ in PEOPLE],
        help="start this one only; may be given again",
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"the first of four ({DEFAULT_PORT})")
    parser.add_argument("--locale", default="en_US", help="how money and dates are written (en_US)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser

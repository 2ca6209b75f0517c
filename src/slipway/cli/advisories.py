"""`slipway advisories`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from slipway.cli.face import says
from slipway.cli.lazy import Group
from slipway.cli.text import Paint, say

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway advisories update suites:bookworm osv:PyPI osv:npm
slipway advisories update osv:PyPI --from all.zip
slipway advisories update
slipway advisories list
slipway advisories show CVE-2024-34064
slipway advisories serve --port 8787
"""
FROM_HELP = "Read the one FEED from there: a directory, archive or file, or the address of one."


@click.group(cls=Group, examples=EXAMPLES)
def advisories() -> None:
    """Fetch, list, show and serve what is known of weak packages.

    It is kept on this machine, and scans use nothing else.
    """


@says()
@advisories.command(
    examples="slipway advisories update osv:PyPI osv:Debian\n"
    "slipway advisories update osv:PyPI --from /mnt/mirror/PyPI/all.zip\n"
    "slipway advisories update ubuntu --from https://mirror.example.org/ubuntu-cves.zip\n"
    "slipway advisories update      all that are here, from where they came the last time"
)
@click.argument("feeds", nargs=-1, metavar="[FEED]...")
@click.option("--from", "source", default="", metavar="PATH|URL", help=FROM_HELP)
@click.pass_obj
def update(face: Face, *, feeds: tuple[str, ...], source: str) -> None:
    """Bring feeds up to date; `slipway advisories list` says which there are.

    What is there stays as it is until a feed has come in whole.
    """
    import time

    from slipway.cli import render_advisories
    from slipway.scan.advisories.update import update as bring

    with face.reporter() as reporter:
        changes = bring(feeds, face.settings(), reporter, source=source, now=time.time())
    face.result(render_advisories.changes_data(changes), lambda: render_advisories.changes(changes))


@says(verbose=False)
@advisories.command("list", examples="slipway advisories list\nslipway advisories list --json")
@click.pass_obj
def list_feeds(face: Face) -> None:
    """List the feeds that are here, and the kinds that can be."""
    from slipway.cli import render_advisories
    from slipway.scan.advisories.store import AdvisoryStore

    with AdvisoryStore.of(face.settings()) as store:
        kept = store.kept()
    face.result(render_advisories.kept_data(kept), lambda: render_advisories.kept(kept, Paint(sys.stdout)))


@says(verbose=False)
@advisories.command(
    examples="slipway advisories show CVE-2024-34064\nslipway advisories show GHSA-h75v-3vvj-5mfj --json"
)
@click.argument("name", metavar="ID")
@click.pass_obj
def show(face: Face, *, name: str) -> None:
    """Show all that the feeds say of a weakness, by any of its names."""
    from slipway.cli import render_advisories
    from slipway.errors import UsageError
    from slipway.scan.advisories import osv
    from slipway.scan.advisories.store import AdvisoryStore

    with AdvisoryStore.of(face.settings()) as store:
        found = store.by_id(name)
        if not found:
            feeds = ", ".join(feed.name for feed in store.feeds()) or "none yet"
            raise UsageError(f"no feed here speaks of {name}", hint=f"feeds: {feeds}")
    data = {"advisories": [{"feed": a.feed, **osv.written(a)} for a in found]}
    face.result(data, lambda: render_advisories.show(found, Paint(sys.stdout)))


@says(prints=False, verbose=False)
@advisories.command(
    examples="slipway advisories serve --port 8787 &\n"
    "pip-audit -r requirements.txt --disable-pip --no-deps -s osv --osv-url http://127.0.0.1:8787/v1/query"
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 takes any that is free."
)
@click.pass_obj
def serve(face: Face, *, port: int) -> None:
    """Answer as OSV does (/v1/query, /v1/querybatch, /v1/vulns/ID), for other tools on this machine.

    Until it is interrupted. What no feed here knows is answered with an error, as it is not known to be well.
    """
    from slipway.scan.advisories.serve import Server

    with Server(face.settings(), port) as server:
        say(f"serving on {server.address}", sys.stdout)
        server.serve_forever()

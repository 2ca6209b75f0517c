"""Nothing is undocumented, and no link leads nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click
import pytest

from slipway.cli.exits import EXITS
from slipway.cli.main import cli
from slipway.recipe.schema import reference_rows
from slipway.scan.policy.keys import POLICY
from slipway.service.settings import ServiceSettings
from slipway.service.settings import env_name as service_env_name
from slipway.settings import declared, env_name
from tests.docs.pages import ROOT, anchors, links, markdown

if TYPE_CHECKING:
    from dataclasses import Field

REFERENCE = ROOT / "docs/reference"


def reference(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [f.name for f in declared()])
def test_settings(name: str) -> None:
    row = f"| `{name}` | `--{name.replace('_', '-')}` | `{env_name(name)}` |"
    assert row in reference("settings.md"), "run `make docs`"


@pytest.mark.parametrize("setting", declared(ServiceSettings), ids=lambda setting: setting.name)
def test_settings_of_the_service(setting: Field[Any]) -> None:
    name = setting.name
    option = "(none)" if setting.metadata["secret"] else f"`--{name.replace('_', '-')}`"
    assert f"| `{name}` | {option} | `{service_env_name(name)}` |" in reference("settings.md"), (
        "run `make docs`"
    )


def commands(command: click.Command, name: str, parent: click.Context | None = None) -> list[click.Context]:
    context = click.Context(
        command, info_name=name, parent=parent, help_option_names=["-h", "--help"]
    )  # click keeps the first names asked for
    found = [context]
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            known = command.get_command(context, child)
            assert known is not None
            found += commands(known, child, context)
    return found


@pytest.mark.parametrize("context", commands(cli, "slipway"), ids=lambda context: context.command_path)
def test_commands(context: click.Context) -> None:
    _, heading, section = reference("cli.md").partition(f"# {context.command_path}\n")
    assert heading, "run `make docs`"
    usage = section.partition("\n#")[0]
    options = [
        o for p in context.command.params if isinstance(p, click.Option) and not p.hidden for o in p.opts
    ]
    assert not [option for option in options if option not in usage], "run `make docs`"


def shown() -> str:
    """All pages that people wrote, as one line of text."""
    pages = [p for p in markdown() if p.is_relative_to(ROOT / "docs") and p.parent != REFERENCE]
    return " ".join(" ".join(p.read_text(encoding="utf-8").split()) for p in pages)


@pytest.mark.parametrize(
    "path",
    [c.command_path for c in commands(cli, "slipway") if not isinstance(c.command, click.Group)],
)
def test_commands_are_shown_at_work(path: str) -> None:
    assert path in shown(), "no page outside the reference shows the command"


@pytest.mark.parametrize("name", [row.name for row in reference_rows()])
def test_recipe_keys(name: str) -> None:
    assert f"\n| `{name}` |" in reference("recipe.md"), "run `make docs`"


@pytest.mark.parametrize("name", [row.name for row in reference_rows(POLICY)])
def test_policy_keys(name: str) -> None:
    assert f"\n| `{name}` |" in reference("policy.md"), "run `make docs`"


@pytest.mark.parametrize("status", [e.status for e in EXITS])
def test_exit_codes(status: int) -> None:
    assert f"\n| {status} |" in reference("exit-codes.md"), "run `make docs`"


@pytest.mark.parametrize("page", markdown(), ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links(page: Path) -> None:
    broken = [link for link in links(page.read_text(encoding="utf-8")) if not leads_somewhere(page, link)]
    assert not broken


def leads_somewhere(page: Path, link: str) -> bool:
    if "://" in link or link.startswith("mailto:"):
        return True
    name, _, anchor = unquote(link).partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = ROOT / "docs/index.md"
    assert leads_somewhere(page, "../README.md#install")
    assert not leads_somewhere(page, "../README.md#nothing-of-the-kind")
    assert not leads_somewhere(page, "no-such-page.md")
    assert not leads_somewhere(page, "../../outside.md")


def test_every_page_can_be_reached() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in links(page.read_text(encoding="utf-8")):
            name = unquote(link).partition("#")[0]
            target = (page.parent / name).resolve()
            if "://" not in link and target.suffix == ".md" and target.exists():
                todo.append(target)
    assert {p for p in markdown() if p.is_relative_to(ROOT / "docs")} <= seen

"""Writes the reference pages from the code that they describe: `python docs/generate.py [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.exits import EXITS
from slipway.cli.main import cli
from slipway.recipe.schema import reference_rows
from slipway.scan.policy.keys import POLICY
from slipway.service import settings as service
from slipway.service.environment import NAMES
from slipway.settings import declared, env_name, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py from the code; change the code instead. -->\n"
WIDTH = 100


CLI = """# The command line

Options of `slipway` itself are written before the name of the command, a command's own after it. The settings are
explained in [settings](settings.md), the exit statuses in [exit codes](exit-codes.md).

Standard output carries the result and nothing else; what a command is doing, warnings and errors go to standard
error. With `--json` standard output carries JSON objects, one a line. Those on the way tell what is being done (`type` is
`step-began`, `step-moved`, `step-ended`, `note` or `log`); the last one is the outcome (`type` is `result` or `error`).

Progress is shown as bars on a terminal and as plain lines elsewhere: when standard error is no terminal, when `TERM` is
`dumb`, and when `CI` is set. `NO_COLOR` turns colours off.
"""

SETTINGS = """# Settings

What may differ between machines without changing an image's recipe. A setting is looked for in this order, the later
wins: the default, `~/.config/slipway/config.toml`, the environment, the command line. `XDG_CONFIG_HOME`, `XDG_DATA_HOME`
and `XDG_CACHE_HOME` are honoured.
"""

SERVICE = """## Settings of the service

What `slipway serve` and `slipway service` go by, in the same order; the environment of IMS is read between file and our own variables. What has no option
is secret: command lines can be read by everyone on a machine. For every variable there is one with `_FILE` at its end, which names a file with the value.
In `config.toml` these settings are in the table `[service]`.
"""

ORIGINAL = """These variables of IMS are understood, and ours win. With `S3_ENDPOINT`, `artifacts` is `s3`; `S3_SSL_VALIDATE` may also name a file of authorities; a
`LOG_LEVEL` that means nothing is no error. Other variables of IMS that are set are named in a line of the log.
"""

CONFIG = """A configuration file has a line for each setting, in TOML:

```toml
store = "~/images"
workers = 8
compression = "zstd"
```

These variables of other programs count too:
"""

VARIABLES: list[tuple[str, ...]] = [
    ("`SOURCE_DATE_EPOCH`", "no time in an image is later than this (seconds since 1970)"),
    ("`NO_COLOR`, `TERM=dumb`, `CI`", "see [the command line](cli.md)"),
    ("`DOCKER_HOST`", "where `--load` finds the Docker daemon"),
    ("`http_proxy`, `https_proxy`, `no_proxy`", "proxies for downloads"),
    ("`SSL_CERT_FILE`, `SSL_CERT_DIR`", "certificate authorities to trust"),
]

EXITS_AFTER = """`slipway run` returns the status of the command that it ran: 127 when the image lacks the command, 126 when it
cannot be executed (`code` is `command`). `slipway doctor` returns 7 when something is missing without which nothing can be
built.

With `--json` an error is an object on the last line of standard output: `type` is `error`, `exit` the status, `code` as in
the table (`bug` for 1, `interrupted` for 130), `brief` one line on what happened; `details`, `hint` and `where` (`file`,
`line`, `column`) when there is something to say. A wrong recipe or policy also has `problems`, a list with `file`, `line`,
`column`, `message` and `hint`.
"""

RECIPE = """# Keys of a recipe

A recipe is one YAML file. All keys are optional; an unknown key is an error. `slipway recipe schema` prints the JSON Schema,
`slipway recipe check FILE` validates a file.

In the table `*` stands for each item of a list, or for each name in a mapping.

Every value may take texts from the environment of whoever builds, keys may not: `%ENV{NAME}` is the variable NAME, which must be
set; with `%ENV{NAME:-text}` it is the text where the variable is unset or empty; `%%ENV{` stands for `%ENV{` itself. In YAML a
value that begins with `%` needs quotes. Passwords and keys belong there, not into the file.
"""

POLICIES = """# Keys of a policy

A policy is one YAML file that says which findings of a scan make it fail. An unknown key is an error. `slipway scan check-policy FILE`
validates a file and says what it asks for; [how to gate a pipeline](../how-to/gate-a-pipeline.md) shows one at work.

A scan fails (status 10) if one rule is broken. If none is, but it could not be told whether one is, the outcome is unknown
(status 11); a scan that is not complete is never better than that, whatever the policy says.

In the table `*` stands for each item of a list. A file of waivers has the key `waivers` alone. A key without a default is needed. Days are counted in UTC.
Packages for which there are only headers (`linux-libc-dev`) are told apart: nothing of them runs.
"""

API = """# The API of the service

What `slipway serve` answers, from the OpenAPI documents that it serves at `/v4/openapi.json` and `/v3/openapi.json`; `/docs` shows the same with forms to try
it. The compatible API is also below `/v2` and without a version, where deleting is for ever and there are no deleted records, and all of it
below `/apis/ims`. `/healthz/live`, `/healthz/ready`, `/version` and `/metrics` need no token.
"""


def cli_page() -> str:
    parts = [NOTE, CLI]
    for path, text in _commands(cli, None, "slipway"):
        level = "##" if path.count(" ") < 2 else "###"
        parts.append(f"{level} {path}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def _commands(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, str]]:
    ctx = click.Context(
        command,
        parent=parent,
        info_name=name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield ctx.command_path, command.get_help(ctx)
    if isinstance(command, click.Group):
        for child in command.list_commands(ctx):
            found = command.get_command(ctx, child)
            if found is not None:
                yield from _commands(found, ctx, child)


def settings_page() -> str:
    defaults = load({"HOME": "/HOME"})
    rows = [
        (
            f"`{f.name}`",
            f"`--{f.name.replace('_', '-')}`",
            f"`{env_name(f.name)}`",
            _default(str(getattr(defaults, f.name))),
            str(f.metadata["help"]),
        )
        for f in declared()
    ]
    table = _table(("Setting", "Option", "Variable", "Default", "Meaning"), rows)
    variables = _table(("Variable", "Meaning"), VARIABLES)
    ours = [SERVICE, _service_table(), ORIGINAL, _original_table()]
    return "\n".join([NOTE, SETTINGS, table, CONFIG, variables, *ours])


def _service_table() -> str:
    rows = [
        (
            f"`{f.name}`",
            "(none)" if f.metadata["secret"] else f"`--{f.name.replace('_', '-')}`",
            f"`{service.env_name(f.name)}`",
            _default(str(f.default)),
            str(f.metadata["help"]),
        )
        for f in declared(service.ServiceSettings)
    ]
    return _table(("Setting", "Option", "Variable", "Default", "Meaning"), rows)


def _original_table() -> str:
    rows = [(f"`{variable}`", f"`{name}`") for variable, name in NAMES.items()]
    return _table(
        ("Variable of IMS", "Setting"),
        [*rows, ("`S3_SSL_VALIDATE`", "`s3_verify`, `s3_ca`"), ("`LOG_LEVEL`", "`log_level`")],
    )


def _default(text: str) -> str:
    return f"`{text.replace('/HOME', '~')}`" if text else "(empty)"


def exits_page() -> str:
    rows = [(str(e.status), e.meaning, ", ".join(f"`{kind.code}`" for kind in e.errors)) for e in EXITS]
    table = _table(("Status", "Meaning", "`code` in JSON"), rows)
    return f"{NOTE}\n# Exit codes\n\n{table}\n{EXITS_AFTER}"


def recipe_page() -> str:
    rows = [(f"`{r.name}`", r.type, r.default, r.description) for r in reference_rows()]
    return "\n".join([NOTE, RECIPE, _table(("Key", "Value", "Default", "Meaning"), rows)])


def policy_page() -> str:
    rows = [(f"`{r.name}`", r.type, r.default, r.description) for r in reference_rows(POLICY)]
    return "\n".join([NOTE, POLICIES, _table(("Key", "Value", "Default", "Meaning"), rows)])


def api_page() -> str:
    from slipway.service.apipage.reference import markdown
    from slipway.service.ims.openapi import document
    from slipway.service.v4.api import application

    # to be described, an application needs no database and no storage
    unused: Any = SimpleNamespace(settings=service.ServiceSettings(), artifacts=None, records=None)
    return "\n".join(
        [
            NOTE,
            API,
            markdown(application(unused).openapi(), "Our own API, /v4", "v4"),
            markdown(document(), "The compatible API, /v3", "v3"),
        ]
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "settings.md": settings_page,
    "exit-codes.md": exits_page,
    "recipe.md": recipe_page,
    "policy.md": policy_page,
    "api.md": api_page,
}


def stale() -> list[str]:
    """The pages that are not what the code says."""
    return [
        name
        for name, page in PAGES.items()
        if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text(encoding="utf-8") != page()
    ]


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        if names := stale():
            sys.exit(f"not current: {', '.join(names)}; run `python docs/generate.py`")
        return
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
        print(REFERENCE / name)


if __name__ == "__main__":
    main()

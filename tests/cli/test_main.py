from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

import slipway
from slipway.cli.main import COMMANDS, cli
from slipway.settings import declared
from tests.cli.conftest import MAIN, command

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAVY = (
    "httpx2",
    "yaml",
    "docker",
    "rich",
    "cryptography",
    "packaging",
    "isal",
    "slipway.build",
    "slipway.oci",
)


def all_commands(
    command: click.Command = cli, path: tuple[str, ...] = ("slipway",)
) -> Iterator[tuple[str, click.Command, click.Context]]:
    ctx = click.Context(command, info_name=path[-1], help_option_names=["-h", "--help"])
    yield " ".join(path), command, ctx
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            assert child is not None
            yield from all_commands(child, (*path, name))


EVERY = [pytest.param(command, ctx, id=name) for name, command, ctx in all_commands()]


@pytest.mark.parametrize(("command", "ctx"), EVERY)
def test_every_command_explains_itself(command, ctx):
    assert command.get_short_help_str(200).endswith(".")
    assert "Examples:\n  slipway " in command.get_help(ctx) or "Examples:\n  eval" in command.get_help(ctx)
    for param in command.get_params(ctx):
        if isinstance(param, click.Option):
            assert param.help, param.name
            assert param.help.endswith("."), param.name


@pytest.mark.parametrize("name", COMMANDS)
def test_summaries_in_the_table_are_those_of_the_commands(name):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(200) == COMMANDS[name][1]


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["build", "--help"], ["image", "ls", "-h"]])
def test_help(argv):
    done = CliRunner().invoke(cli, argv)
    assert done.exit_code == 0
    assert done.output.startswith("Usage: ")


def test_every_setting_is_an_option():
    shown = CliRunner().invoke(cli, ["--help"]).output
    for field in declared():
        assert f"--{field.name.replace('_', '-')} " in shown


def test_version(call):
    assert call("--version").out == f"slipway {slipway.__version__}\n"


def test_no_arguments_show_help_and_are_a_usage_error(call):
    done = call()
    assert done.status == 2
    assert "Commands:" in done.err


def test_settings_from_the_command_line_win(call, home, monkeypatch):
    seen = []

    def examine(settings, *, online):
        seen.append(settings)
        return []

    monkeypatch.setenv("SLIPWAY_MAX_AGE", "5")
    monkeypatch.setenv("SLIPWAY_WORKERS", "3")
    monkeypatch.chdir(home)
    monkeypatch.setattr("slipway.doctor.examine", examine)
    assert call("--store", "here", "--workers", "2", "doctor").status == 0
    assert (seen[0].store, seen[0].workers, seen[0].max_age) == (home / "here", 2, 5)


def test_a_wrong_setting_is_a_usage_error(call, monkeypatch):
    assert call("--compression", "lzma", "doctor").status == 2
    monkeypatch.setenv("SLIPWAY_WORKERS", "many")
    done = call("doctor", "--json")
    assert done.status == 2
    assert "SLIPWAY_WORKERS" in done.lines[-1]["brief"]


def test_help_imports_nothing_heavy(spawn):
    code = (
        "import sys\nfrom slipway.cli.main import run\n"
        "status = run(['--help'])\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], status, file=sys.stderr)"
    )
    assert spawn(code=code).err == "[] 0\n"


def test_help_starts_quickly(home):
    def best(*argv: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *argv], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best("-c", MAIN, "--help") <= 8 * best("-c", "pass")


def test_a_poor_locale_gets_question_marks(spawn, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = spawn("image", "inspect", "→")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: no image '?' in the store")


def test_ctrl_c_is_one_line_and_130(home, recipe):
    """A build that waits for a FIFO is interrupted as a terminal would."""
    fifo = recipe.with_name("fifo.yaml")
    os.mkfifo(fifo)
    with subprocess.Popen(command("build", str(fifo)), stderr=subprocess.PIPE, text=True) as process:
        handle = os.open(fifo, os.O_WRONLY)  # returns when the recipe is being read
        try:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()  # without effect on one that has ended; a hanging one must not hold up the rest
            os.close(handle)
    assert process.returncode == 130
    assert said == "interrupted\n"


def test_a_reader_that_goes_away_is_no_error(home):
    code = (
        "from slipway.cli.main import run; import sys; sys.exit(run(['recipe', 'schema']) if input() else 0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write("go\n")
        process.stdin.close()
        said = process.stderr.read()
        assert process.wait(timeout=20) == 141
    assert said == ""

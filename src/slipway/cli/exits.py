"""The one place that turns what went wrong into words and an exit status."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slipway.cli.face import emit
from slipway.cli.text import Paint, printable, say
from slipway.errors import (
    FetchError,
    InputError,
    LockError,
    NotYetError,
    PolicyError,
    RecipeError,
    ResolveError,
    SlipwayError,
    StoreError,
    ToolError,
    UsageError,
    VerifyError,
    WrittenError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slipway.cli.face import Face
    from slipway.errors import Problem


class Exit(NamedTuple):
    """An exit status, what it means, and the errors that lead to it."""

    status: int
    meaning: str
    errors: tuple[type[SlipwayError], ...] = ()


INTERNAL, USAGE, FAILED, UNKNOWN, INTERRUPTED, PIPE = 1, 2, 10, 11, 130, 141
EXITS = (
    Exit(0, "It worked."),
    Exit(INTERNAL, "Something unexpected happened inside Slipway: a bug, please report it."),
    Exit(
        USAGE,
        "The command line, the recipe or the policy is wrong; nothing was done.",
        (UsageError, RecipeError, PolicyError),
    ),
    Exit(3, "No set of packages satisfies the request.", (ResolveError,)),
    Exit(4, "Bytes could not be brought in, or are not what was promised.", (FetchError, VerifyError)),
    Exit(5, "An input file (package, wheel, layer, archive) is malformed or hostile.", (InputError,)),
    Exit(6, "The store, the cache or the disk failed (full, not writable, damaged, in use).", (StoreError,)),
    Exit(7, "A program that is needed is missing or failed.", (ToolError,)),
    Exit(8, "What is asked for is valid, but this release cannot do it yet.", (NotYetError,)),
    Exit(9, "The lock is missing, or does not fit the recipe or the files.", (LockError,)),
    Exit(FAILED, "What was scanned fails the policy, or the severity that was asked for."),
    Exit(UNKNOWN, "It could not be told whether what was scanned passes: not all was seen, or is known."),
    Exit(INTERRUPTED, "Interrupted (Ctrl-C). The store is valid; run the command again."),
    Exit(PIPE, "The reader of the output went away."),
)
_STATUS = {kind: e.status for e in EXITS for kind in e.errors}

# What the operating system refuses for reasons that lie in the machine, not in this program.
_MACHINE = {
    errno.ENOSPC: "free some space, run `slipway store gc`, or put --store and --cache on another disk",
    errno.EDQUOT: "free some space, run `slipway store gc`, or put --store and --cache on another disk",
    errno.EROFS: "put --store and --cache where you may write",
    errno.EACCES: "look at the permissions; --store and --cache can be anywhere you may write",
    errno.EPERM: "look at the permissions; --store and --cache can be anywhere you may write",
    errno.EIO: "the disk or the file system is failing; look at the system's log",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`) or use fewer --workers",
}


def status_of(error: SlipwayError) -> int:
    """The exit status for the error's class or the nearest of its bases.

    A command that an image lacks is the exception: its error brings what a shell would return.
    """
    if error.code == "command":
        return int(getattr(error, "status", INTERNAL))
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), INTERNAL)


def guard(face: Face, action: Callable[[], Any], argv: Sequence[str] = ()) -> int:
    """Run `action` and return the exit status; whatever leaves it is shown in the form that `face` asks for.

    The one policy for errors: no trace without `--debug`, expected errors say what to do, unexpected ones say that
    they are a bug, a closed pipe is silent.
    """
    try:
        try:
            value = action()
            sys.stdout.flush()
            return value if isinstance(value, int) else 0
        except click.exceptions.Exit as leave:
            return leave.exit_code
        except click.ClickException as error:
            face.json = face.json or "--json" in argv
            return _usage(face, error)
        except SlipwayError as error:
            return _known(face, error)
        except BrokenPipeError:
            return _quiet_pipe()
        except (KeyboardInterrupt, click.Abort):
            return _interrupted(face)
        except OSError as error:
            if error.errno in _MACHINE:
                return _known(face, _from_os(error))
            return _unexpected(face, error)
        except Exception as error:  # noqa: BLE001 - the end of the line for every error
            return _unexpected(face, error)
    except BrokenPipeError:  # while the error itself was being written
        return _quiet_pipe()
    except OSError as error:  # or standard output is full: the other stream may take it
        face.json = False
        return _known(face, _from_os(error)) if error.errno in _MACHINE else _unexpected(face, error)


def render(error: SlipwayError, paint: Paint) -> str:
    """The error for people: what, where, details, hint; for a recipe or policy every problem with its line and a caret."""
    lines = []
    problems = error.problems if isinstance(error, WrittenError) else ()
    for problem in problems:
        lines += _problem(problem, paint)
    if len(problems) != 1:
        place = f"{error.where}: " if error.where else ""
        lines.append(f"{_error(paint)} {place}{printable(error.brief)}")
    if error.details:
        lines += [f"  {line}" for line in printable(error.details).splitlines()]
    if error.hint and len(problems) != 1:
        lines.append(f"{paint('hint:', 'cyan')} {printable(error.hint)}")
    return "\n".join(lines)


def _problem(problem: Problem, paint: Paint) -> list[str]:
    from slipway.recipe import render_problems

    first, *rest = render_problems(WrittenError([problem])).splitlines()
    rest = [paint(line, "red", "bold") if line.strip() == "^" else line for line in rest]
    return [f"{_error(paint)} {first}", *rest]


def _error(paint: Paint) -> str:
    return paint("error:", "red", "bold")


def _known(face: Face, error: SlipwayError) -> int:
    status = status_of(error)
    if face.debug:
        _trace(error)
    if face.json:
        emit({"type": "error", "exit": status, **error.as_dict()})
    else:
        say(render(error, Paint(sys.stderr)))
    return status


def _usage(face: Face, error: click.ClickException) -> int:
    """What click raises: about the command line, so always 2, with the usage line of the command."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.format_message())
        return USAGE
    problem = _usage_error(error, ctx)
    if face.json:
        return _known(face, problem)
    usage = ctx.get_usage() + "\n" if ctx else ""
    say(usage + render(problem, Paint(sys.stderr)))
    return USAGE


def _usage_error(error: click.ClickException, ctx: click.Context | None) -> UsageError:
    if ctx is None:
        return UsageError(error.format_message())
    if isinstance(error, click.exceptions.NoSuchOption):
        root, name = ctx.find_root(), error.option_name
        if root is not ctx and any(name in p.opts for p in root.command.params):
            hint = f"{name} is for all commands; write it before `{ctx.info_name}`"
            return UsageError(error.message, hint=hint)
    return UsageError(error.format_message(), hint=f"see `{ctx.command_path} --help`")


def _from_os(error: OSError) -> StoreError:
    place = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or type(error).__name__
    return StoreError(f"{place}{reason}", hint=_MACHINE[error.errno or 0])


def _interrupted(face: Face) -> int:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends a program that is still tidying up
    if face.json:
        emit({"type": "error", "exit": INTERRUPTED, "code": "interrupted", "brief": "interrupted"})
    else:
        say("\ninterrupted" if sys.stderr.isatty() else "interrupted")  # after the terminal's ^C
    return INTERRUPTED


def _unexpected(face: Face, error: Exception) -> int:
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if face.debug:
        _trace(error)
    if face.json:
        emit({"type": "error", "exit": INTERNAL, "code": "bug", "brief": what})
        return INTERNAL
    paint = Paint(sys.stderr)
    say(f"{_error(paint)} {printable(what)}\n  This is a bug in Slipway, not in what you asked for.")
    if not face.debug:
        say(f"{paint('hint:', 'cyan')} run it again as `slipway --debug …` and report what it prints")
    return INTERNAL


def _trace(error: BaseException) -> None:
    import traceback

    say("".join(traceback.format_exception(error)).rstrip())


def _quiet_pipe() -> int:
    """Let the interpreter's own last flush go nowhere instead of failing."""
    with suppress(OSError):  # stdout may be something without a descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE

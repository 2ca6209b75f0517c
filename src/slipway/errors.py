"""The one error tree.

    SlipwayError
    ├── WrittenError       what a person wrote is wrong (carries every problem found)
    │   ├── RecipeError    the recipe
    │   └── PolicyError    the policy, or a file of waivers
    ├── UsageError         the request cannot be meant (bad option, unknown image)
    ├── ResolveError       no set of packages satisfies the request
    ├── FetchError         bytes could not be brought in
    │   └── VerifyError    bytes came but are not what was promised (hash, signature)
    ├── InputError         an input file is malformed or hostile (.deb, wheel, layer)
    ├── StoreError         the store, the cache or the disk failed
    ├── LockError          the lock is missing, or does not fit the recipe or the files
    ├── ToolError          a program is missing or failed
    └── NotYetError        valid, but this release cannot do it

Every error says what happened in one line (`brief`), may add `details` and a `hint`, and knows `where` in a
file the reader can look. `code` is stable: programs may match on it. Faces decide what to do with an error;
`slipway.cli.exits` maps classes to exit codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Sequence


@value
class Where:
    """A place in a text file; `line` and `column` count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class SlipwayError(Exception):
    """Base of all errors that a user may see."""

    code: ClassVar[str] = "error"

    def __init__(self, brief: str, *, details: str = "", hint: str = "", where: Where | None = None) -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.brief}" if self.where else self.brief

    def as_dict(self) -> dict[str, object]:
        """Shape for JSON faces: code, brief, and details, hint, where when there are any."""
        out: dict[str, object] = {"code": self.code, "brief": self.brief}
        if self.details:
            out["details"] = self.details
        if self.hint:
            out["hint"] = self.hint
        if self.where:
            out["where"] = {"file": self.where.file, "line": self.where.line, "column": self.where.column}
        return out


@value
class Problem:
    """One thing that is wrong in what a person wrote: where, what, the offending line, and what to do instead."""

    where: Where
    message: str
    line_text: str = ""
    hint: str = ""


class WrittenError(SlipwayError):
    """A file that a person wrote is wrong; `problems` holds everything that was found, in file order."""

    code = "written"

    def __init__(self, problems: Sequence[Problem], name: str = "") -> None:
        count = len(problems)
        brief = problems[0].message if count == 1 else f"{count} problems in {name or self.code}"
        super().__init__(brief, where=problems[0].where if count == 1 else None)
        self.problems = tuple(problems)
        if count == 1:
            self.hint = problems[0].hint

    def as_dict(self) -> dict[str, object]:
        return {
            **super().as_dict(),
            "problems": [
                {
                    "file": p.where.file,
                    "line": p.where.line,
                    "column": p.where.column,
                    "message": p.message,
                    **({"hint": p.hint} if p.hint else {}),
                }
                for p in self.problems
            ],
        }


class RecipeError(WrittenError):
    code = "recipe"


class PolicyError(WrittenError):
    code = "policy"


class UsageError(SlipwayError):
    code = "usage"


class ResolveError(SlipwayError):
    code = "resolve"


class FetchError(SlipwayError):
    """`status` is the HTTP status that the server answered with, None when it was not about that."""

    code = "fetch"

    def __init__(
        self,
        brief: str,
        *,
        details: str = "",
        hint: str = "",
        where: Where | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(brief, details=details, hint=hint, where=where)
        self.status = status


class VerifyError(FetchError):
    code = "verify"


class InputError(SlipwayError):
    code = "input"


class StoreError(SlipwayError):
    code = "store"


class LockError(SlipwayError):
    code = "lock"


class ToolError(SlipwayError):
    code = "tool"


class NotYetError(SlipwayError):
    code = "not-yet"

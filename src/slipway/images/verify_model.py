"""What came of proving an image, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from slipway.errors import VerifyError

Outcome = Literal["verified", "repackaged", "different"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is in the image as `image` says and comes out of its lock as `rebuilt` says.

    `where` is a layer (`layer 3 (python)`), `configuration` or `manifest`; `path` a path in the layer or a key. `what` is
    `missing` or `extra` (in the image), `type`, `mode`, `owner`, `time` (Unix seconds), `link target`, `content`, `device`,
    `attributes`, `form` (the same entries written in another way) or `value`.
    """

    where: str
    path: str
    what: str
    image: str = ""
    rebuilt: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.path}" if self.path else self.where
        if self.what in ("missing", "extra"):
            return f"{place} is {self.what} in the image"
        if self.what == "form":
            return f"{place} holds the same entries, but written in another way"
        return f"{place}: {self.what} is {self.image or 'nothing'}, rebuilt {self.rebuilt or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome for one platform. `digest` is that of the image's manifest, `rebuilt` of the one made anew.

    `verified`: they are equal, and so is every byte. `repackaged`: content and configuration are equal, but not how they
    are packed, which `packaging` tells. `different`: `differences` names them, the first one first. Local files
    of the recipe came `from_image` by number, the others from a directory; `seconds` is the time it took.
    """

    image: str
    platform: str
    digest: str
    rebuilt: str
    outcome: Outcome
    packaging: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    from_image: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "packaging": list(self.packaging),
            "differences": [asdict(d) for d in self.differences],
            "seconds": round(self.seconds, 3),
        }


class NotReproducedError(VerifyError):
    """An image is not what its lock makes."""

    def __init__(self, results: tuple[Verified, ...]) -> None:
        wrong = [result for result in results if result.outcome == "different"]
        first, *more = [d for result in wrong for d in result.differences]
        which = f" for {wrong[0].platform}" if len(results) > 1 else ""
        super().__init__(
            f"{wrong[0].image}{which} is not what its lock makes: {first}",
            details="\n".join(str(difference) for difference in more[:MOST_SHOWN])
            + (f"\nand {len(more) - MOST_SHOWN} more" if len(more) > MOST_SHOWN else ""),
            hint="it was changed after it was built, or built in another way than its lock says",
        )
        self.results = results

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "platforms": [result.as_dict() for result in self.results]}


MOST_SHOWN = 20

"""A process of its own that runs an image: `python driver.py ROOT IMAGE '{"user": "x"}' ARGV...`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.oci.store import Store
from slipway.sandbox import run
from slipway.sandbox.model import CommandError, Spec
from slipway.sandbox.start import OverlayRefused, start
from slipway.settings import Settings


def main() -> int:
    root, image, options, *argv = sys.argv[1:]
    words = json.loads(options)
    if words.pop("memory_keeps_nothing", False):
        run._memory_keeps_attributes = lambda: False
    if words.pop("no_overlay", False):

        def overlayless(spec: Spec) -> int:
            if spec.lowers:
                raise OverlayRefused("as told")
            return start(spec)

        vars(run)["start"] = overlayless
    settings = Settings(store=Path(root, "store"), cache=Path(root, "cache"))
    store = Store(settings.store)
    try:
        return run.run_image(store, store.find(image), argv, settings=settings, **words)
    except CommandError as error:
        sys.stderr.write(f"CommandError {error}\n")
        return error.status
    except SlipwayError as error:
        sys.stderr.write(f"{type(error).__name__} {error} | {error.details} | {error.hint}\n")
        return 99


if __name__ == "__main__":
    sys.exit(main())

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def generator(home):
    return runpy.run_path(str(ROOT / "docs/generate.py"))


def test_the_reference_is_current(generator):
    assert generator["stale"]() == [], "run `python docs/generate.py`"


def test_settings_and_exit_codes_are_all_there(generator):
    settings = generator["settings_page"]()
    assert "| `store` | `--store` | `SLIPWAY_STORE` | `~/.local/share/slipway/store` |" in settings
    assert "| 130 | Interrupted" in generator["exits_page"]()


def test_a_page_that_differs_is_noticed(generator, tmp_path):
    generator["stale"].__globals__["REFERENCE"] = tmp_path
    assert generator["stale"]() == [
        "cli.md",
        "settings.md",
        "exit-codes.md",
        "recipe.md",
        "policy.md",
        "api.md",
    ]

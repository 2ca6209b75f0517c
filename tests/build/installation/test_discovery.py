from __future__ import annotations

import pytest

from slipway.build.installation.discovery import JOB_NAMES, found
from slipway.recipe.model import Discovery

PATHS = [
    "a_job.py",
    "a_job.pyc",
    "deep/er/job1.py",
    "deep/er/other.py",
    "deep/other.py",
    "job/readme.py",
]


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (Discovery(match=JOB_NAMES), ["a_job.py", "deep/er/job1.py"]),
        (Discovery(match=("other",)), ["deep/er/other.py", "deep/other.py"]),
        (Discovery(match=("ther",)), []),
        (Discovery(glob=("other.py",)), ["deep/er/other.py", "deep/other.py"]),
        (Discovery(glob=("er/*.py",)), ["deep/er/job1.py", "deep/er/other.py"]),
        (Discovery(glob=("deep/**/*.py",)), ["deep/er/job1.py", "deep/er/other.py", "deep/other.py"]),
        (Discovery(glob=("./deep/*.py",)), ["deep/other.py"]),
        (Discovery(glob=("jo[bc]/*",)), ["job/readme.py"]),
        (Discovery(paths=("./deep/other.py", "none.py")), ["deep/other.py"]),
        (
            Discovery(("readme",), ("er/*",), ("a_job.py",)),
            ["a_job.py", "deep/er/job1.py", "deep/er/other.py", "job/readme.py"],
        ),
        (Discovery(), []),
    ],
)
def test_what_a_recipe_means(rules: Discovery, wanted: list[str]) -> None:
    assert found(PATHS, rules) == wanted
    assert found(reversed(PATHS), rules) == wanted

"""The command line in this process, in an empty home."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from slipway.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    for name in list(os.environ):
        if name.startswith(("SLIPWAY_", "XDG_", "AWS_")) or name in ("NO_COLOR", "CI"):
            monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "very-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run_it(*argv: str) -> Outcome:
        capsys.readouterr()
        status = run(argv)
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return run_it

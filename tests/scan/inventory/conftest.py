from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.images.making import Maker

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)

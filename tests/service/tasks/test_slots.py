"""Numbers of processes: held by one that lives, free when it has died."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from slipway.service.records.engine import address
from slipway.service.tasks.slots import lowest, slots_of

if TYPE_CHECKING:
    from pathlib import Path

_HOLD = """
import sys
from slipway.service.records.engine import address
from slipway.service.tasks.slots import lowest, slots_of
sys.stdout.write(f"{lowest(slots_of(address(sys.argv[1])))}\\n")
sys.stdout.flush()
sys.stdin.readline()
"""


def test_held_until_death(database: str, tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    url = address(database)
    one, two = slots_of(url), slots_of(url)
    assert [lowest(one), lowest(two), lowest(one)] == [1, 2, 3]
    two.close()
    assert lowest(one) == 2
    one.close()
    command = [sys.executable, "-c", _HOLD, database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "1\n"
        three = slots_of(url)
        assert not three.take(1)
        process.kill()
        process.wait()
        assert three.take(1)
        assert not three.take(1)
        three.free(1)
        assert three.take(1)
        three.close()


def test_nothing_heavy_before_it_is_needed() -> None:
    code = "import sys, slipway.service.deletion.durable; sys.exit('dbos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

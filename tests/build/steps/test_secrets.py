from __future__ import annotations

from pathlib import Path

import pytest

from slipway.build.steps.log import open_log
from slipway.build.steps.model import Step
from slipway.build.steps.secrets import MASK, Mask, logins, read_secrets
from slipway.errors import UsageError, Where
from slipway.events import Log, Reporter
from slipway.recipe.model import Secret

WHERE = Where("image.yaml", 7, 5)


def step(*secrets: Secret) -> Step:
    return Step("s", ("true",), (), "RUN true", WHERE, secrets=secrets)


def test_variables_and_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xffline\nend\n")
    found = read_secrets(
        step(
            Secret("a", "env:A", "/run/secrets/a"),
            Secret("b", "key", "/root/key"),
            Secret("c", "env:A", "env:TOKEN"),
        ),
        tmp_path,
        {"A": "value\n"},
    )
    assert found.files == (("/run/secrets/a", "value\n"), ("/root/key", "\udcffline\nend\n"))
    assert found.variables == {"TOKEN": "value"}
    assert len(found.texts) == 3


def test_a_missing_secret_is_an_error_with_its_place(tmp_path: Path) -> None:
    for source, words in (
        ("env:NONE", "the variable NONE is not set"),
        ("none", "No such file"),
        (".", "Is a directory"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            read_secrets(step(Secret("a", source, "/x")), tmp_path, {})
        assert caught.value.where == WHERE
    (tmp_path / "big").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        read_secrets(step(Secret("a", "big", "/x")), tmp_path, {})


def test_texts_are_hidden_line_by_line_the_longest_first() -> None:
    mask = Mask(["hunter2\n", "first line\nsecond\n", "hunter22", "abc"])
    assert mask("x hunter22 hunter2y") == f"x {MASK} {MASK}y"
    assert mask("first line, second, abc") == f"{MASK}, {MASK}, abc"
    assert Mask([])("as it is") == "as it is"


def test_logins_of_addresses() -> None:
    found = Mask(logins(["http://me:pa55word@proxy:1", "http://plain:80"]))
    assert found("via me:pa55word or pa55word") == f"via {MASK} or {MASK}"


def test_a_log_shows_keeps_and_remembers_lines(tmp_path: Path) -> None:
    lines: list[str] = []
    reporter = Reporter(lambda event: lines.append(event.text) if isinstance(event, Log) else None)
    path = tmp_path / "logs" / "x.log"
    with open_log(path, reporter, Mask(["topsecret"])) as log:
        for piece in (b"on", b"e\ntwo\r50%\r100%\r\n\nto", b"psec", b"ret \xff", b"\nlast"):
            log.write(piece)
        assert lines == ["one", "two", "50%", "100%", f"{MASK} ?"]
        log.write(b"\n" * 5 + b"".join(b"%d\n" % n for n in range(30)))
    assert list(log.last) == [str(n) for n in range(10, 30)]
    assert path.read_text().splitlines() == lines
    with open_log(path, reporter, Mask([])) as log:
        log.write(b"anew")
    assert path.read_text() == "anew\n"


def test_a_line_without_end_takes_no_memory_and_tells_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    with open_log(path, Reporter(), Mask(["topsecret"])) as log:
        for _ in range(8_000):
            log.write(b"xxtopsecret")
        assert len(log._rest) < 5 << 14
    assert "topsecret" not in path.read_text().replace("\n", "")

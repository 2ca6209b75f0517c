from __future__ import annotations

from typing import Any

import pytest

from slipway.build.engines.dockerfile import Tar, dockerfile
from slipway.build.steps.model import Step
from slipway.errors import UsageError, Where
from slipway.recipe.model import Secret

WHERE = Where("image.yaml", 7, 3)
PATH = "PATH=/usr/bin:/bin"


def step(line: str = "true", *env: str, **more: Any) -> Step:
    rows = tuple((name, text) for name, _, text in (row.partition("=") for row in env or (PATH,)))
    argv = more.pop("argv", ("/bin/sh", "-c", line))
    return Step(more.pop("name", "step"), argv, rows, line, WHERE, **more)


def lines(*items: Tar | Step, below: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    """The instructions, without comments and blank lines."""
    text = dockerfile("scratch", items, settings, below or {})
    assert text.endswith("\n")
    joined = text.replace(" \\\n    ", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def test_layers_and_settings() -> None:
    found = lines(
        Tar("base", "layers/01-base.tar.gz"),
        Env=[PATH, "A=x y"],
        Labels={"k": "v", "q": '"'},
        ExposedPorts={"80/tcp": {}, "53/udp": {}},
        Volumes={"/data": {}, "/a b": {}},
        User="app:app",
        WorkingDir="/srv/w d",
        Entrypoint=["/init", "--"],
        Cmd=["a", "$b"],
        Healthcheck={"Test": ["CMD", "true"], "Interval": 90 * 10**9, "Timeout": 1500 * 10**6, "Retries": 2},
    )
    assert found == [
        "FROM scratch",
        "ADD layers/01-base.tar.gz /",
        'ENV PATH=/usr/bin:/bin A="x y"',
        r'LABEL k=v q="\""',
        "EXPOSE 80/tcp 53/udp",
        r'VOLUME ["/data", "\"/a b\""]',
        "USER app:app",
        'WORKDIR "/srv/w d"',
        'HEALTHCHECK --interval=90s --timeout=1500ms --retries=2 CMD ["true"]',
        'ENTRYPOINT ["/init", "--"]',
        'CMD ["a", "$b"]',
    ]


def test_what_the_base_has_is_not_said_again() -> None:
    below = {
        "Env": [PATH, "A=1"],
        "Labels": {"a": "1"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/v": {}},
        "User": "me",
        "WorkingDir": "/w",
        "Entrypoint": ["e"],
        "Cmd": ["c"],
        "Healthcheck": {"Test": ["NONE"]},
    }
    assert lines(below=below, **below) == ["FROM scratch"]
    changed = below | {"Env": [PATH, "A=2", "B=3"], "Labels": {"a": "2"}}
    assert lines(below=below, **changed) == ["FROM scratch", "ENV A=2 B=3", "LABEL a=2"]


@pytest.mark.parametrize(
    ("below", "settings", "said"),
    [
        ({"Cmd": ["c"]}, {"Cmd": ["c"], "Entrypoint": ["e"]}, ['ENTRYPOINT ["e"]', 'CMD ["c"]']),
        ({"Cmd": ["c"]}, {"Entrypoint": ["e"]}, ['ENTRYPOINT ["e"]', "CMD []"]),
        ({"Cmd": ["c"]}, {}, ["CMD []"]),
        ({"Entrypoint": ["e"], "Cmd": ["c"]}, {"Cmd": ["c"]}, ["ENTRYPOINT []", 'CMD ["c"]']),
        ({"User": "me"}, {}, ["USER 0"]),
        ({"WorkingDir": "/w"}, {}, ["WORKDIR /"]),
    ],
)
def test_what_the_base_has_is_taken_away(
    below: dict[str, Any], settings: dict[str, Any], said: list[str]
) -> None:
    assert lines(below=below, **settings)[1:] == said


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (["CMD-SHELL", "curl -f http://localhost || exit 1"], "CMD curl -f http://localhost || exit 1"),
        (["CMD-SHELL", "a\nb"], r'CMD ["/bin/sh", "-c", "a\nb"]'),
        (["CMD-SHELL", '["a"]'], r'CMD ["/bin/sh", "-c", "[\"a\"]"]'),
        (["NONE"], "NONE"),
    ],
)
def test_health_checks(test: list[str], said: str) -> None:
    assert lines(Healthcheck={"Test": test})[1:] == [f"HEALTHCHECK {said}"]


def test_line_breaks_need_an_argument_once() -> None:
    found = lines(Env=["A=1\n2"], Labels={"b": "3\n4"})
    assert found[1:] == [
        "ARG SLIPWAY_NEWLINE",
        'ENV A="1${SLIPWAY_NEWLINE}2"',
        'LABEL b="3${SLIPWAY_NEWLINE}4"',
    ]


def test_the_comment_lists_what_is_in_a_layer() -> None:
    parts = tuple(f"package-number-{n} 1:{n}.0" for n in range(20))
    text = dockerfile("scratch", [Tar("big", "layers/01.tar.gz", parts)], {}, {}, ["made\nby hand"])
    assert text.startswith("# made\\nby hand\nFROM scratch\n\n# big: package-number-0 1:0.0, ")
    comment = [line for line in text.splitlines() if line.startswith("#   ")]
    assert comment
    assert all(len(line) <= 110 for line in comment)
    assert all(part in text for part in parts), "a name stands on one line with its version"


class TestRun:
    def test_a_line_and_a_list(self) -> None:
        assert lines(step("echo a"), Env=[PATH])[1:] == ["ENV PATH=/usr/bin:/bin", "RUN echo a"]
        assert lines(step("a\nb"), Env=[PATH])[2] == r'RUN ["/bin/sh", "-c", "a\nb"]'
        assert lines(step(argv=("a", "b c")), Env=[PATH])[2] == 'RUN ["a", "b c"]'

    def test_another_shell_of_the_base_is_not_used(self) -> None:
        found = lines(step("echo a"), Env=[PATH], below={"Env": [PATH], "Shell": ["/bin/bash", "-c"]})
        assert found[1:] == ['RUN ["/bin/sh", "-c", "echo a"]']

    def test_variables_that_stay_are_set_before(self) -> None:
        first, second = step("a", PATH, "A=1"), step("b", PATH, "A=2", "B=3")
        assert lines(first, second, Env=[PATH, "A=2", "B=3"])[1:] == [
            "ENV PATH=/usr/bin:/bin A=1",
            "RUN a",
            "ENV A=2 B=3",
            "RUN b",
        ]

    def test_variables_of_one_command_do_not_stay(self) -> None:
        found = lines(step("a", PATH, "ONLY=x y"), step("b"), Env=[PATH])
        assert found[1:] == [
            "ENV PATH=/usr/bin:/bin",
            'RUN ["env", "ONLY=x y", "/bin/sh", "-c", "a"]',
            "RUN b",
        ]

    def test_variables_of_all_commands_and_not_of_the_image(self) -> None:
        found = lines(step("a"), step("b", PATH, "V=1 2"), step("c", PATH, "V=3", "W=x\ny"), Env=[PATH])
        assert found[2:] == [
            "RUN a",
            'ARG V="1 2"',
            "RUN b",
            "ARG V=3",
            r'RUN ["env", "W=x\ny", "/bin/sh", "-c", "c"]',
        ]

    def test_variables_that_a_command_must_not_have(self) -> None:
        found = lines(step("a"), Env=[PATH, "A=1"], below={"Env": [PATH, "A=1"]})
        assert found[1:] == ['RUN ["env", "-u", "A", "/bin/sh", "-c", "a"]']

    def test_user_and_directory(self) -> None:
        found = lines(
            step("a", user="app", workdir="/w"),
            step("b", workdir="/w"),
            Env=[PATH],
            User="app",
            WorkingDir="/v",
        )
        assert found[2:] == ["USER app", "WORKDIR /w", "RUN a", "USER 0", "RUN b", "USER app", "WORKDIR /v"]

    def test_directories_are_made(self) -> None:
        found = lines(step("a", workdir="/b", directories=("/a", "/b")), Env=[PATH], WorkingDir="/b")
        assert found[2:] == ["WORKDIR /a", "WORKDIR /b", "RUN a"]

    def test_mounts(self) -> None:
        secret = Secret("token", "env:TOKEN", "/run/secrets/token")
        found = lines(step("a", caches=("/root/.cache",), secrets=(secret,)), Env=[PATH])
        assert found[2] == (
            "RUN --mount=type=cache,target=/root/.cache"
            " --mount=type=secret,id=token,target=/run/secrets/token,required=true a"
        )

    def test_a_secret_as_variable(self) -> None:
        secret = Secret("token", "env:TOKEN", "env:API_TOKEN")
        found = lines(step("a", secrets=(secret,), user="app"), Env=[PATH])
        assert found[3] == (
            "RUN --mount=type=secret,id=token,target=/run/secrets/token,required=true,mode=0444"
            ' ["/bin/sh", "-c", "export API_TOKEN=\\"$(cat /run/secrets/token)\\"; exec \\"$@\\"", "sh",'
            ' "/bin/sh", "-c", "a"]'
        )

    @pytest.mark.parametrize("path", ["/a,b", "/a b", "/a=b"])
    def test_mounts_that_no_dockerfile_can_name(self, path: str) -> None:
        with pytest.raises(UsageError, match="cannot be mounted") as caught:
            lines(step("a", caches=(path,)))
        assert caught.value.where == WHERE
        assert "native" in caught.value.hint

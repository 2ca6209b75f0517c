from __future__ import annotations

from typing import Any

import pytest

from slipway.build.steps.model import Copy, Program, Step
from slipway.build.steps.program import program
from slipway.errors import RecipeError, Where
from slipway.recipe.model import Platform, RunStep, Secret
from tests.build.steps.making import recipe

WHERE = Where("image.yaml", 1, 1)


def read(*post: str, base: dict[str, Any] | None = None, **more: Any) -> Program:
    return program(recipe(*post, **more), base or {}, venv=False, platform=Platform("arm64", variant="v8"))


def steps(*post: str, **more: Any) -> list[Step]:
    return [item for item in read(*post, **more).post if isinstance(item, Step)]


def copies(*post: str, **more: Any) -> list[Copy]:
    return [item for item in read(*post, **more).post if isinstance(item, Copy)]


def problems(*post: str, **more: Any) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        read(*post, **more)
    return [f"{p.where.line}: {p.message}" for p in caught.value.problems]


def test_run_is_a_line_for_the_shell_or_a_list_of_words() -> None:
    one, two = steps("RUN echo $HOME && true", 'RUN ["echo", "$HOME"]')
    assert one.argv == ("/bin/sh", "-c", "echo $HOME && true")
    assert two.argv == ("echo", "$HOME")
    assert (one.name, two.name) == ("post 1", "post 2")
    assert (one.user, one.workdir, one.network, one.where.line) == ("", "/pyats", True, 11)


def test_a_step_has_the_environment_that_an_image_would_have() -> None:
    (step,) = steps("RUN true", base={"Env": ["LANG=C", "PATH=/bin"]}, env=(("A", "$LANG-1"),))
    assert dict(step.env) == {"LANG": "C", "PATH": "/bin", "WORKSPACE": "/pyats", "A": "C-1"}
    found = program(recipe("RUN true"), {"Env": ["PATH=/bin"]}, venv=True).post[0]
    assert isinstance(found, Step)
    assert dict(found.env)["PATH"] == "/pyats/bin:/bin"
    assert dict(found.env)["VIRTUAL_ENV"] == "/pyats"


def test_env_holds_from_then_on_and_stays_in_the_image() -> None:
    made = read("RUN one", "ENV A=1 B=${A:-none}$WORKSPACE", "RUN two", r"ENV 'C=\$A$A'")
    one, two = (dict(item.env) for item in made.post if isinstance(item, Step))
    assert "A" not in one
    assert (two["A"], two["B"]) == ("1", "none/pyats"), "all of one line see what was before it"
    assert dict(made.env) == {"A": "1", "B": "none/pyats", "C": "$A1"}


def test_arg_is_there_while_building_only() -> None:
    made = read("ARG V=1", "ARG W=$V.2", "ENV E=${W:+yes}", "RUN true", "ENV V=9", "RUN true")
    one, two = (dict(item.env) for item in made.post if isinstance(item, Step))
    assert (one["V"], one["W"], one["E"]) == ("1", "1.2", "yes")
    assert two["V"] == "9", "ENV wins over ARG"
    assert dict(made.env) == {"E": "yes", "V": "9"}


def test_arguments_of_the_platform_and_the_proxy() -> None:
    (step,) = steps("ARG TARGETARCH", "ARG HTTP_PROXY=http://x", "ARG unknown", "RUN true")
    env = dict(step.env)
    assert env["TARGETARCH"] == "arm64"
    assert not {"HTTP_PROXY", "unknown", "TARGETOS"} & env.keys()


def test_what_was_set_before_the_packages_holds_after_them() -> None:
    made = read("RUN true", pre=("ENV A=1", "USER app", "WORKDIR x", "RUN true"))
    assert [item.name for item in (*made.pre, *made.post)] == ["pre 1", "post 1"]
    for item in (*made.pre, *made.post):
        assert isinstance(item, Step)
        assert (item.user, item.workdir, dict(item.env)["A"]) == ("app", "/pyats/x", "1")


def test_directories_are_absolute_or_below_the_last_one_and_made_by_what_follows() -> None:
    one, two = steps("WORKDIR a/../b", "WORKDIR ./c", "RUN true", "WORKDIR /d", "RUN true")
    assert (one.workdir, one.directories) == ("/pyats/b/c", ("/pyats/b", "/pyats/b/c"))
    assert (two.workdir, two.directories) == ("/d", ("/d",))
    made = read("RUN true", "WORKDIR /x/y")
    last = made.post[-1]
    assert isinstance(last, Copy)
    assert (last.sources, last.directories) == ((), ("/x/y",))
    assert made.workdir == "/x/y"
    assert read("WORKDIR /pyats").post == (), "the workspace is there"
    assert read("RUN true").workdir is None


def test_shell_changes_how_lines_are_run() -> None:
    made = read('SHELL ["/bin/bash", "-ec"]', "RUN x y", "CMD run this", 'ENTRYPOINT ["/init"]')
    assert made.post[0].argv == ("/bin/bash", "-ec", "x y")  # type: ignore[union-attr]
    assert made.cmd == ("/bin/bash", "-ec", "run this")
    assert made.entrypoint == ("/init",)
    (step,) = steps("RUN x", base={"Shell": ["/bin/ash", "-c"]})
    assert step.argv == ("/bin/ash", "-c", "x")


def test_settings() -> None:
    made = read(
        "ENV V=2",
        "LABEL a=1 b=x$V",
        "EXPOSE 80 53/udp 8000-8001",
        "VOLUME /data log$V",
        "USER u$V:g",
        base={"User": "jo"},
    )
    assert dict(made.labels) == {"a": "1", "b": "x2"}
    assert made.ports == ("80/tcp", "53/udp", "8000/tcp", "8001/tcp")
    assert made.volumes == ("/data", "/log2")
    assert made.user == "u2:g"


def test_steps_run_as_the_user_of_the_base_and_items_as_root() -> None:
    made = read(
        "RUN true", base={"User": "jo"}, run=(RunStep(("true",), WHERE), RunStep(("x",), WHERE, user="u"))
    )
    assert [item.user for item in made.post if isinstance(item, Step)] == ["jo", "", "u"]


def test_items_of_run() -> None:
    secret = Secret("s", "env:S", "/run/secrets/s")
    item = RunStep(
        ("/bin/sh", "-c", "make it"),
        WHERE,
        name="lint",
        env=(("A", "$WORKSPACE/x"),),
        network=True,
        cache=("/c",),
        secrets=(secret,),
        workdir="sub",
    )
    one, two = (
        s for s in read("ENV B=1", run=(item, RunStep(("a", "b c"), WHERE))).post if isinstance(s, Step)
    )
    assert (one.name, one.text, one.workdir) == ("run 1 lint", "make it", "/pyats/sub")
    assert (one.network, one.caches, one.secrets) == (True, ("/c",), (secret,))
    assert (dict(one.env)["A"], dict(one.env)["B"]) == ("/pyats/x", "1")
    assert (two.name, two.text, two.network) == ("run 2", "a 'b c'", False)
    assert two.workdir == "/pyats"


def test_flags_of_run() -> None:
    none, cached, secret, variable = steps(
        "RUN --network=none x",
        "RUN --mount=type=cache,id=a,sharing=locked,target=/c/ --mount=type=cache,dst=rel --network=host x",
        "RUN --mount=type=secret,id=tok x",
        "RUN --mount=type=secret,id=tok,env=TOKEN,required=true --mount=type=secret,id=n,target=/etc/netrc x",
        run=(RunStep(("true",), WHERE, secrets=(Secret("n", "netrc", "/x"),)),),
    )[:4]
    assert not none.network
    assert cached.network
    assert cached.caches == ("/c", "/pyats/rel")
    assert secret.secrets == (Secret("tok", "env:tok", "/run/secrets/tok"),)
    assert variable.secrets == (Secret("tok", "env:tok", "env:TOKEN"), Secret("n", "netrc", "/etc/netrc"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM x", "`FROM` cannot be used"),
        ("HEALTHCHECK x", "`HEALTHCHECK` cannot"),
        ("RUN --security=insecure x", "no more privileges"),
        ("RUN --network=mars x", "'mars' is no network"),
        ("RUN --mount=type=bind,target=/x x", "type=bind` cannot be used"),
        ("RUN --mount=type=tmpfs,target=/x x", "type=tmpfs` cannot be used"),
        ("RUN --mount=target=/x x", "type=bind` cannot be used"),
        ("RUN --mount=type=cache x", "needs a `target`"),
        ("RUN --mount=type=cache,target=/x,from=y x", "`from` of a cache"),
        ("RUN --mount=type=cache,target=/ x", "the root cannot"),
        ("RUN --mount=type=secret,id=a,env=B,target=/x x", "either a file"),
        ("RUN --mount=type=secret x", "needs an `id`"),
        ("RUN --what=x y", "`RUN --what` is not known"),
        ("COPY --from=x a b", "`COPY --from` cannot be used"),
        ("COPY --chmod=rwx a b", "'rwx' is no mode"),
        ("COPY a b c", "several sources need a directory"),
        ("COPY ../a b", "'../a' leads out of the workspace"),
        ("COPY a/../../b c", "leads out of the workspace"),
        ("ADD https://example.org/x y", "cannot be fetched"),
        ("EXPOSE http", "'http' is not a port"),
        ("EXPOSE 70000", "'70000' is not a port"),
        ("USER $NOBODY", "`USER` is empty"),
        ("WORKDIR a b", "takes one word"),
        ("SHELL x", None),
    ],
)
def test_what_cannot_be_done_is_told_with_its_place(text: str, words: str | None) -> None:
    if words is None:
        return
    (found,) = problems("RUN fine", text)
    assert words in found
    assert found.startswith("12: ")


def test_all_problems_are_told_at_once() -> None:
    assert len(problems("FROM a", "RUN --security=x y", pre=("ONBUILD x",))) == 3


def test_copy() -> None:
    one, two, three, four = copies(
        "COPY a.txt /etc/a.conf",
        "COPY --chown=app:app --chmod=640 --link a /b* ./dir//x sub/",
        "WORKDIR /w",
        "COPY . .",
        "COPY a ../../up",
    )
    assert (one.sources, one.dest, one.owner, one.mode) == (("a.txt",), "/etc/a.conf", "", None)
    assert (two.sources, two.dest) == (("a", "b*", "dir/x"), "/pyats/sub/")
    assert (two.owner, two.mode) == ("app:app", 0o640)
    assert (three.sources, three.dest, three.directories) == ((".",), "/w/", ("/w",))
    assert four.dest == "/up"


def test_variables_in_copy() -> None:
    (one,) = copies("ENV D=/opt U=7", "COPY --chown=$U:${G:-8} a $D/")
    assert (one.dest, one.owner) == ("/opt/", "7:8")

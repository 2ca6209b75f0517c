from __future__ import annotations

import pytest

from slipway.oci.digest import Digest
from slipway.oci.store import MANIFEST_TYPE, Descriptor, Store
from slipway.sandbox.model import CommandError


@pytest.fixture
def hello(home):
    store = Store(home / ".local/share/slipway/store")
    store.tag("hello:latest", Descriptor(MANIFEST_TYPE, Digest("sha256:" + "0123456789ab" + "0" * 52), 5))
    return store


@pytest.fixture
def ran(monkeypatch, hello):
    """What the sandbox was asked to run."""
    calls = []

    def run_image(store, image, argv, **options):
        calls.append((image.name, list(argv), options))
        return 42

    monkeypatch.setattr("slipway.sandbox.run.run_image", run_image)
    return calls


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["hello"], []),
        (["hello", "--", "ls", "-l"], ["ls", "-l"]),
        (["hello", "ls", "-l", "--network"], ["ls", "-l", "--network"]),
        (["hello", "ls", "--", "-l"], ["ls", "--", "-l"]),
        (["hello", "--", "--", "x"], ["--", "x"]),
        (["--", "hello", "ls", "-u"], ["ls", "-u"]),
        (["hello", "--", "-u", "x"], ["-u", "x"]),
    ],
)
def test_all_from_the_first_word_on_is_the_commands(call, ran, argv, words):
    assert call("run", *argv).status == 42
    assert ran[0][:2] == ("hello:latest", words)
    assert ran[0][2]["network"] is False


def test_options_may_stand_on_both_sides_of_the_image(call, ran):
    done = call(
        "run",
        "-w",
        "/tmp",
        "hello",
        "--network",
        "-u",
        "1000:1000",
        "-e",
        "A=b=c",
        "-v",
        "/a:/b:ro",
        "--",
        "id",
        "-u",
    )
    assert done.status == 42
    _, words, options = ran[0]
    assert words == ["id", "-u"]
    assert options["network"] is True
    assert (options["user"], options["workdir"]) == ("1000:1000", "/tmp")
    assert options["env"] == {"A": "b=c"}
    assert options["mounts"] == [("/a", "/b", True)]


def test_a_bare_variable_is_passed_on(call, ran, monkeypatch):
    monkeypatch.setenv("COLOUR", "blue")
    call("run", "-e", "COLOUR", "hello")
    assert ran[0][2]["env"] == {"COLOUR": "blue"}


@pytest.mark.parametrize("variable", ["=x", "NO_SUCH_VARIABLE"])
def test_a_variable_that_makes_no_sense(call, ran, variable):
    assert call("run", "-e", variable, "hello").status == 2
    assert ran == []


@pytest.mark.parametrize(
    ("text", "mount"),
    [("/a:/b", ("/a", "/b", False)), ("a:b:/c:rw", ("a:b", "/c", False)), (".:/ro", (".", "/ro", False))],
)
def test_mounts(call, ran, text, mount):
    call("run", "-v", text, "hello")
    assert ran[0][2]["mounts"] == [mount]


@pytest.mark.parametrize("text", ["/a", "/a:ro", ":/b", "/a:", ""])
def test_a_mount_that_makes_no_sense(call, ran, text):
    assert call("run", "-v", text, "hello").status == 2
    assert ran == []


def test_an_entrypoint_may_have_words_or_none(call, ran):
    call("run", "--entrypoint", "sh -c 'a b'", "hello")
    call("run", "--entrypoint", "", "hello", "ls")
    call("run", "hello")
    assert [r[2]["entrypoint"] for r in ran] == [["sh", "-c", "a b"], [], None]


def test_a_command_that_the_image_lacks_has_the_status_of_a_shell(call, hello, monkeypatch):
    def run_image(*_, **__):
        raise CommandError("there is no xyzzy in the image", 127)

    monkeypatch.setattr("slipway.sandbox.run.run_image", run_image)
    done = call("run", "hello", "xyzzy")
    assert (done.status, done.err) == (127, "error: there is no xyzzy in the image\n")


def test_an_unknown_image_lists_what_there_is(call, ran):
    done = call("run", "helo", "--", "true")
    assert done.status == 2
    assert "hint: there are: hello:latest" in done.err


def test_missing_image_and_unknown_option(call, ran):
    assert "Missing argument 'IMAGE'" in call("run").err
    assert "No such option '--netwrok'" in call("run", "--netwrok", "hello").err
    assert "No such option '--netwrok'" in call("run", "hello", "--netwrok", "--", "ls").err

from __future__ import annotations

import subprocess

import pytest

from slipway.oci.digest import Digest
from slipway.oci.store import MANIFEST_TYPE, Descriptor, Store
from tests.cli.conftest import MAIN


@pytest.fixture
def complete(home, monkeypatch):
    """Let bash complete a line with the script that we print; what it offers."""
    bin_ = home / "bin"
    bin_.mkdir()
    program = bin_ / "slipway"
    import sys

    program.write_text(f"#!{sys.executable}\n{MAIN}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_), prepend=":")
    monkeypatch.chdir(home)

    def offers(*words):
        script = (
            'eval "$(slipway completion bash)"\n'
            f"COMP_WORDS=(slipway {' '.join(repr(w) for w in words)}); COMP_CWORD={len(words)}\n"
            "compopt() { :; }\n"
            '_slipway_completion slipway\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    return offers


def test_bash_completes_commands_options_and_images(complete, home):
    store = Store(home / ".local/share/slipway/store")
    for number, name in enumerate(["hello:latest", "help:1", "other:2"]):
        store.tag(name, Descriptor(MANIFEST_TYPE, Digest("sha256:" + f"{number}" * 64), 5))
    assert complete("b") == ["build"]
    assert complete("image", "i") == ["inspect"]
    assert complete("build", "--dr") == ["--dry-run"]
    assert complete("run", "hel") == ["hello:latest", "help:1"]
    assert complete("image", "inspect", "22") == ["222222222222"]


def test_a_broken_store_completes_nothing(complete, home):
    (home / ".local/share/slipway/store").mkdir(parents=True)
    (home / ".local/share/slipway/store/index.json").write_text("[]")
    assert complete("run", "hel") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_scripts(call, shell):
    done = call("completion", shell)
    assert done.status == 0
    assert "_SLIPWAY_COMPLETE" in done.out

"""`cmds`: Dockerfile text, read as Docker reads it, with places in the recipe."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import Where
from slipway.recipe.dockerfile import instructions
from slipway.recipe.dockerwords import is_closed, unquoted, words
from slipway.recipe.model import Instruction
from tests.recipe.helpers import problems, read

NOWHERE = Where("f")


def parsed(text: str) -> list[Instruction]:
    wrong: list[tuple[int, str, str]] = []
    found = instructions(text, lambda _index: NOWHERE, lambda *what: wrong.append(what))
    assert not wrong
    return list(found)


def one(text: str) -> Instruction:
    (found,) = parsed(text)
    return found


def refused(text: str) -> tuple[int, str, str]:
    wrong: list[tuple[int, str, str]] = []
    instructions(text, lambda _index: NOWHERE, lambda *what: wrong.append(what))
    (found,) = wrong
    return found


@pytest.mark.parametrize(
    ("text", "keyword", "found", "shell"),
    [
        ("RUN echo hi", "RUN", ("echo hi",), True),
        ("run  echo   'a  b' ", "RUN", ("echo   'a  b'",), True),
        ("RUN\techo hi", "RUN", ("echo hi",), True),
        ('RUN ["echo", "a b"]', "RUN", ("echo", "a b"), False),
        ("RUN [ -f x ] && echo y", "RUN", ("[ -f x ] && echo y",), True),
        ("CMD ['a', 'b']", "CMD", ("['a', 'b']",), True),
        ("CMD []", "CMD", (), False),
        ("CMD pyats run job $X", "CMD", ("pyats run job $X",), True),
        ('ENTRYPOINT ["tini", "--"]', "ENTRYPOINT", ("tini", "--"), False),
        ('SHELL ["/bin/bash", "-c"]', "SHELL", ("/bin/bash", "-c"), False),
        ("ENV A=1", "ENV", ("A=1",), False),
        ("ENV A=1 B='x y' C=\"x y\" D=x\\ y E=", "ENV", ("A=1", "B=x y", "C=x y", "D=x y", "E="), False),
        ("ENV A=$B C='$B' D=\"$B\" E=\\$B", "ENV", ("A=$B", "C=\\$B", "D=$B", "E=\\$B"), False),
        ("ENV A  b  c", "ENV", ("A=b  c",), False),
        ("ENV PATH /x:$PATH", "ENV", ("PATH=/x:$PATH",), False),
        ('LABEL "com.example.x"="a b" y=z', "LABEL", ("com.example.x=a b", "y=z"), False),
        ('LABEL k "v w"', "LABEL", ("k=v w",), False),
        ("ARG A", "ARG", ("A",), False),
        ("ARG A=1 B", "ARG", ("A=1", "B"), False),
        ("COPY a b /x/", "COPY", ("a", "b", "/x/"), False),
        ('COPY ["a b", "/x"]', "COPY", ("a b", "/x"), False),
        ("ADD tools.tgz /opt", "ADD", ("tools.tgz", "/opt"), False),
        ("USER 1000:1000", "USER", ("1000:1000",), False),
        ("WORKDIR /opt/my dir", "WORKDIR", ("/opt/my dir",), False),
        ('WORKDIR "/opt/x"', "WORKDIR", ("/opt/x",), False),
        ("EXPOSE 80 53/udp 8000-8010 $PORT", "EXPOSE", ("80", "53/udp", "8000-8010", "$PORT"), False),
        ("VOLUME /a /b", "VOLUME", ("/a", "/b"), False),
        ('VOLUME ["/a", "/b c"]', "VOLUME", ("/a", "/b c"), False),
    ],
)
def test_instructions(text: str, keyword: str, found: tuple[str, ...], shell: bool):
    assert one(text) == Instruction(keyword, found, NOWHERE, text.rstrip(), shell)


@pytest.mark.parametrize(
    ("text", "flags", "found"),
    [
        (
            "RUN --mount=type=cache,target=/c --network=none make",
            (("mount", "type=cache,target=/c"), ("network", "none")),
            ("make",),
        ),
        (
            "COPY --chown=1:2 --chmod=0755 --link a b",
            (("chown", "1:2"), ("chmod", "0755"), ("link", "")),
            ("a", "b"),
        ),
        ("RUN echo --mount=x", (), ("echo --mount=x",)),
        ('RUN --network=none ["a", "--mount=x"]', (("network", "none"),), ("a", "--mount=x")),
    ],
)
def test_flags(text: str, flags: tuple[tuple[str, str], ...], found: tuple[str, ...]):
    assert (one(text).flags, one(text).words) == (flags, found)


def test_lines_go_on_after_a_backslash_and_comments_do_not_count():
    text = "# first\nRUN a \\\n    # why\n\n    && b \\  \n && c\n\n  # last\n  ENV A=1\n"
    run, env = parsed(text)
    assert run.words == ("a     && b  && c",)
    assert run.text == "RUN a     && b  && c"
    assert env.words == ("A=1",)


def test_an_instruction_may_begin_on_a_line_of_its_own():
    assert one(" \\\n  \\\n  RUN --network=none a").flags == (("network", "none"),)
    assert refused("\\\n  RUN --x=1 a")[0] == 8


def test_a_hash_inside_a_line_is_no_comment():
    assert one("RUN echo a # b").words == ("echo a # b",)


def test_two_backslashes_end_a_line():
    assert len(parsed("RUN a \\\\\nRUN b")) == 2


def test_a_backslash_at_the_very_end():
    assert one("RUN a \\").words == ("a",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RUN <<EOF\na\n  b\nEOF\n", "a\n  b\n"),
        ("RUN <<-EOF\n\ta\n\t\tb\n\tEOF\n", "a\nb\n"),
        ("RUN python3 <<'EOF' > /x\nprint('$A')\nEOF", "python3 <<'EOF' > /x\nprint('$A')\nEOF"),
        ("RUN cat <<A - <<B\n1\nA\n2\nB", "cat <<A - <<B\n1\nA\n2\nB"),
        ("RUN cat <<-A\n\tx\n\tA", "cat <<-A\n\tx\nA"),
        ("RUN echo '<<EOF'", "echo '<<EOF'"),
        ("RUN cat <<<word", "cat <<<word"),
        ("RUN <<EOF\n# not a comment \\\nENV A=1\nEOF", "# not a comment \\\nENV A=1\n"),
    ],
)
def test_here_documents(text: str, found: str):
    assert one(text).words == (found,)


def test_what_follows_a_here_document():
    assert [i.keyword for i in parsed("RUN <<EOF\na\nEOF\n# c\nENV A=1")] == ["RUN", "ENV"]


@pytest.mark.parametrize(
    ("text", "index", "message", "hint"),
    [
        ("dockercommand", 0, "unknown instruction `dockercommand`", "known: RUN, ENV, COPY"),
        ("RUNN x", 0, "unknown instruction `RUNN`", "did you mean `RUN`?"),
        ("apt-get install x", 0, "unknown instruction `apt-get`", "known: "),
        (
            "FROM x",
            0,
            "FROM cannot be used here: there is one image, and it has its base",
            "name it in the key `base`",
        ),
        ("HEALTHCHECK CMD x", 0, "HEALTHCHECK cannot be used here", "use the key `healthcheck`"),
        ("ONBUILD RUN x", 0, "ONBUILD cannot be used here", ""),
        ("MAINTAINER x", 0, "MAINTAINER cannot be used here", "write LABEL maintainer=NAME"),
        ("STOPSIGNAL 9", 0, "STOPSIGNAL cannot be used here", ""),
        ("RUN", 0, "RUN is empty", "for example RUN apt-get update"),
        ("RUN []", 4, "RUN is empty", ""),
        ("RUN --network=none", 0, "RUN is empty", ""),
        ("RUN --security=insecure x", 4, "RUN has no flag `--security` here", "known: --mount=, --network="),
        ("RUN --mount x", 4, "`--mount` has no value", "write --mount=VALUE"),
        ("COPY --from=build a b", 5, "COPY has no flag `--from` here", "there are no other stages"),
        ("ENV --x A=1", 4, "ENV has no flag `--x` here", ""),
        ('CMD ["a", 1]', 4, "CMD in brackets takes texts only", "put each word in double quotes"),
        (
            "SHELL bash -c",
            6,
            "SHELL takes a list of words in brackets",
            'for example SHELL ["/bin/bash", "-c"]',
        ),
        ("ENV A", 4, "ENV `A` has no value", "the form is NAME=VALUE"),
        ("ENV A=1 b c", 8, "`b` has no `=`", "the form is NAME=VALUE; values with spaces need quotes"),
        ("ENV A=1 =2", 8, "`=2` names nothing", "the form is NAME=VALUE"),
        ('ENV A=1 B="x', 8, "a quote is not closed", 'a quote as such is written \\"'),
        ("ENV A it's", 6, "a quote is not closed", 'a quote as such is written \\"'),
        ("ARG 1a", 4, "`1a` is not an argument", "the form is NAME or NAME=DEFAULT"),
        ("COPY a", 5, "COPY takes sources and a destination", ""),
        (
            "ADD https://example.org/x /x",
            4,
            "ADD of `https://example.org/x`: only files of the workspace",
            "bring it in with",
        ),
        ("ADD git@h:x.git /x", 4, "ADD of `git@h:x.git`: only files of the workspace", "bring it in with"),
        ("USER a b", 5, "USER takes one user", ""),
        ("EXPOSE 80 http", 10, "`http` is not a port", "for example 8888 or 53/udp"),
        ("VOLUME []", 7, "VOLUME is empty", ""),
        (
            "COPY <<EOF /x\na\nEOF",
            5,
            "COPY of a here-document is not supported",
            "write the file with RUN cat",
        ),
        ("RUN a <<EOF\nb", 6, "the here-document `EOF` has no end", "a line with EOF alone"),
        ("RUN <<EOF\n#!/usr/bin/python3\nEOF", 4, "a here-document is run by the shell", "name the program"),
    ],
)
def test_what_is_refused(text: str, index: int, message: str, hint: str):
    found = refused(text)
    assert found[0] == index
    assert found[1].startswith(message)
    assert found[2].startswith(hint)


def test_places_in_the_recipe():
    recipe = read(
        textwrap.dedent("""\
        cmds:
          pre: |
            # comment
            RUN a

              ENV A=1
          post: "RUN b"
        """)
    )
    assert [(i.where.line, i.where.column) for i in (*recipe.pre, *recipe.post)] == [(4, 5), (6, 7), (7, 10)]


def test_every_problem_has_its_line_and_column():
    text = textwrap.dedent("""\
        cmds:
          pre: |
            FROM x
            RUN echo ok \\
              && true
            ENV A=1 \\
                b
          post: >-
            RUN x

            ENV
        """)
    assert [(p.where.line, p.where.column, p.message) for p in problems(text)] == [
        (3, 5, "cmds.pre: FROM cannot be used here: there is one image, and it has its base"),
        (7, 9, "cmds.pre: `b` has no `=`"),
        (11, 5, "cmds.post: ENV is empty"),
    ]
    assert problems(text)[1].line_text == "        b"


def test_a_problem_after_a_variable_of_the_environment():
    text = "cmds:\n  pre: |\n    RUN %ENV{X}\n    ENV %ENV{X} A=1 b\n"
    (found,) = problems(text, X="C=long")
    assert (found.where.line, found.where.column) == (4, 21)


def test_neither_or_empty():
    assert read("cmds: {}").pre == ()
    assert read("cmds: {pre: ''}").pre == ()
    assert read("cmds: {pre: '# nothing'}").pre == ()


@given(st.text(st.sampled_from("RUNENV<EOF \n\t\\#\"'$=[]-a1"), max_size=60))
def test_any_text(text: str):
    wrong: list[int] = []
    found = instructions(text, lambda _index: NOWHERE, lambda index, *_: wrong.append(index))
    assert all(0 <= index <= len(text) for index in wrong)
    assert all("\n" not in i.text for i in found)


@given(st.lists(st.text(st.sampled_from("ab \"'\\$="), min_size=1)))
def test_quoted_words_come_out_again(texts: list[str]):
    written = []
    for text in texts:
        inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        written.append(f'"{inner}"')
    found = [word[0] for word in words(" ".join(written))]
    assert found == written
    assert all(is_closed(word) for word in found)
    assert [unquoted(word).replace("\\$", "$") for word in found] == texts

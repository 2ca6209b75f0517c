"""What secrets look like: prefixes and lengths that their issuers have documented, and places where passwords are written.

A rule's `words` are looked for first, as that costs next to nothing; one of them is in every secret of the kind. The secret is
group `s` of the pattern, or all of it. What holds `known` at its start may be shown so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.scan.source.model import Rule
from slipway.scan.source.secretvalues import (
    has_checksum,
    is_jwt,
    is_placeholder,
    is_sample,
    looks_random,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from slipway.scan.source.model import Level


@dataclass(frozen=True, slots=True)
class SecretRule:
    """`real` tells whether what fits the pattern is a secret; `folded`: case does not matter for `words`."""

    rule: Rule
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    real: Callable[[str], bool]
    known: bool = True
    folded: bool = False


def _is_password(value: str) -> bool:
    """A number may be a port, where an address is written for people."""
    return not is_placeholder(value) and not value.isdecimal()


def _is_random(value: str) -> bool:
    return looks_random(value, 3.0) and not is_sample(value)


def _is_assigned(value: str) -> bool:
    return looks_random(value) and not is_placeholder(value)


def _always(_: str) -> bool:
    return True


def _rule(name: str, title: str, level: Level = "error") -> Rule:
    return Rule(f"secret-{name}", title, level, tags=("security", "external/cwe/cwe-798"))


def _token(
    name: str, title: str, words: str, text: str, real: Callable[[str], bool] = _is_random
) -> SecretRule:
    """One that is known by its prefix; it stands for itself, not within a longer word."""
    return SecretRule(
        _rule(name, title), tuple(words.split()), pattern(rf"(?<![A-Za-z0-9_]){text}(?![A-Za-z0-9_])"), real
    )


PRIVATE_KEY: Final = SecretRule(
    _rule("private-key", "A private key"),
    ("PRIVATE KEY",),
    # the words alone are in many programs: there has to be something of a key behind them
    pattern(
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
        r"(?:\\r|\\n|\s|[\"'+,]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n]*)*(?P<s>[A-Za-z0-9+/]{40,})"
    ),
    _always,
    known=False,
)
URL_PASSWORD: Final = SecretRule(
    _rule("url-password", "A password in an address", "warning"),
    ("://",),
    pattern(
        r"(?<![A-Za-z0-9+])[A-Za-z][A-Za-z0-9+.-]{1,20}://"
        r"[^\s/:@\"'`<>()\[\]{}|\\,;]{0,80}:(?P<s>[^\s/@\"'`<>|\\]{1,200})@"
        # names that are kept for examples (RFC 2606, RFC 6761), this machine, and what is too short to be a host
        r"(?!(?:[\w-]+\.)*(?:example(?:\.\w+)?|test|invalid|localhost)(?![\w.-])|127\.|\[::1|\w(?![\w.-]))[\w\[]"
    ),
    _is_password,
    known=False,
)
ASSIGNED: Final = SecretRule(
    _rule("assigned", "What looks like a secret, given to a name that says so", "warning"),
    ("secret", "passw", "token", "api_key", "apikey", "api-key", "access_key", "access-key", "credential"),
    pattern(
        r"(?i)(?:secret|passw(?:or)?d|token|api[_-]?key|access[_-]?key|credential)s?[\w-]{0,20}[\"']?\s{0,4}(?::=|=>|=|:)\s{0,4}"
        r"(?:[\"'](?P<q>[A-Za-z0-9+/=_.~!@#$%^&*-]{16,200})[\"']|(?P<s>[A-Za-z0-9+/_-]{20,200}={0,2})(?=\s*(?:$|[#;]|\\n)))",
        8,  # re.MULTILINE
    ),
    _is_assigned,
    known=False,
    folded=True,
)

RULES: Final = (
    PRIVATE_KEY,
    _token("aws-access-key", "An access key of AWS", "AKIA ASIA", r"A[KS]IA[A-Z2-7]{16}"),
    SecretRule(
        _rule("aws-secret-key", "A secret access key of AWS"),
        ("aws",),
        pattern(
            r"(?i)aws_?(?:account_?)?(?:secret|session)?_?(?:access)?_?key[\"']?\s{0,4}(?:=>|=|:)\s{0,4}[\"']?"
            r"(?P<s>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        _is_random,
        known=False,
        folded=True,
    ),
    _token(
        "github", "A token of GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36}", has_checksum
    ),
    _token("github-pat", "A token of GitHub", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _token("gitlab", "A token of GitLab", "glpat- gldt- glrt-", r"gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,64}"),
    _token("slack", "A token of Slack", "xox", r"xox[abeoprs]-[0-9]{8,14}-[A-Za-z0-9-]{16,200}"),
    SecretRule(
        _rule("slack-webhook", "The address of a webhook of Slack"),
        ("hooks.slack.com/",),
        pattern(r"hooks\.slack\.com/(?:services|workflows)/(?P<s>T\w{6,14}/[AB]\w{6,14}/\w{16,28})"),
        _is_random,
        known=False,
    ),
    _token("stripe", "A key of Stripe", "_live_", r"[rs]k_live_[A-Za-z0-9]{16,247}"),
    _token("google-api-key", "A key of Google's interfaces", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _token("npm", "A token of npm", "npm_", r"npm_[A-Za-z0-9]{36}", has_checksum),
    _token("pypi", "A token of a Python package index", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{60,}"),
    _token("hugging-face", "A token of Hugging Face", "hf_", r"hf_[A-Za-z0-9]{34,40}"),
    _token("openai", "A key of OpenAI", "T3BlbkFJ", r"sk-[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}"),
    _token("anthropic", "A key of Anthropic", "sk-ant-", r"sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{80,120}"),
    _token("sendgrid", "A key of SendGrid", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _token("docker-hub", "A token of Docker Hub", "dckr_", r"dckr_[po]at_[A-Za-z0-9_-]{27,40}"),
    _token("digital-ocean", "A token of DigitalOcean", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _token("vault", "A token of Vault", "hvs. hvb.", r"hv[sb]\.[A-Za-z0-9_-]{24,200}"),
    _token("age", "A secret key of age", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", _always),
    SecretRule(
        _rule("azure-storage", "The key of a storage account of Azure"),
        ("AccountKey=",),
        pattern(r"AccountKey=(?P<s>[A-Za-z0-9+/]{86}==)"),
        _is_random,
        known=False,
    ),
    SecretRule(
        _rule("jwt", "A signed JSON Web Token", "warning"),
        ("eyJ",),
        pattern(
            r"(?<![A-Za-z0-9_])eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,1000}"
        ),
        is_jwt,
    ),
    URL_PASSWORD,
    ASSIGNED,
)

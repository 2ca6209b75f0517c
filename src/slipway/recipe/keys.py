"""The table of keys: each key of a recipe is declared here, once.

Validation, the JSON Schema and the reference page come from it. Order is the order of the reference.
"""

from __future__ import annotations

from slipway.recipe import checks
from slipway.recipe.bases import APT_PACKAGES, BASE
from slipway.recipe.commands import COMMAND, HEALTHCHECK
from slipway.recipe.fileitems import FILE_ITEM
from slipway.recipe.kinds import ANY_LENGTH, Field, Kind, convert, listing, mapping, text, written
from slipway.recipe.model import RegistryBase
from slipway.recipe.nodes import Node, Scalar
from slipway.recipe.pipconfig import PIP_CONFIG
from slipway.recipe.records import record
from slipway.recipe.requirements import requirement


def _env_value(node: Node, _report: object) -> str:
    """True and false become `True` and `False`, as in the files this format comes from."""
    value = written(node, "text", loose=True)
    return value.capitalize() if isinstance(node, Scalar) and node.kind == "bool" else value


_ANY = {"type": ["string", "number", "boolean"]}
_PLATFORM = text("a platform", checks.platform, schema={"enum": list(checks.PLATFORMS)})

FIELDS: tuple[Field, ...] = (
    Field(
        "tag",
        text("an image name", checks.image_tag),
        "Name of the image: [registry/]repository[:tag]. The command line can give another.",
        "registry.example.org/team/tests:1.0",
        "no name",
    ),
    Field(
        "base",
        BASE,
        "What lies below: a reference of a registry image, oci:DIR[:TAG] for an OCI layout, scratch for nothing, "
        "or a mapping that describes a Debian system.",
        {"debian": "bookworm", "packages": ["python3-venv"]},
        "Debian stable with python3 and ca-certificates",
    ),
    Field(
        "python",
        convert(
            text(
                "a Python version",
                checks.python_version,
                loose=True,
                schema={"type": ["string", "number"], "pattern": f"^{checks.PYTHON_VERSION}$"},
            ),
            lambda version, node, report: RegistryBase(f"python:{version}-slim", report.where(node)),
        ),
        "Python version, short for the base `python:VERSION-slim`. The written digits count: 3.10 is not 3.1.",
        "3.12",
        "Python of the base",
    ),
    Field("platform", _PLATFORM, "The one platform to build for.", "linux/amd64", "this machine's"),
    Field(
        "platforms",
        listing(_PLATFORM, "a list of platforms", unique=str, what="platform"),
        "Platforms to build for; more than one make an image index.",
        ["linux/amd64", "linux/arm64"],
        "this machine's",
    ),
    Field(
        "apt",
        APT_PACKAGES,
        "Debian packages on top of the base: name, or name=version.",
        ["git", "tini"],
        "none",
    ),
    Field(
        "packages",
        listing(convert(text("a Python requirement", str), requirement), "a list of Python requirements"),
        "Python packages for the virtual environment in the workspace, as PEP 508 requirements.",
        ["pyats[full]", "requests>=2.32"],
        "none",
    ),
    Field(
        "pip-config",
        PIP_CONFIG,
        "pip.conf of the workspace: its text, or a mapping of sections. Lists become one line per item. "
        "It becomes part of the image, so it is no place for passwords.",
        {"global": {"timeout": 60}},
        "none",
    ),
    Field(
        "files",
        listing(FILE_ITEM, "a list of files", unique=lambda item: item.dest, what="destination"),
        "What to bring into the workspace: paths (relative ones are against the recipe's directory) and http(s) URLs. "
        "The name is kept unless the item is written as DESTINATION: SOURCE.",
        ["testbed.yaml", {"data/users.json": "https://example.org/users.json"}],
        "none",
    ),
    Field(
        "env",
        mapping(
            text("the name of a variable", checks.env_name, pattern=checks.ENV_NAME, loose=True),
            Kind("text", _ANY, _env_value),
            "a mapping of variables",
        ),
        "Environment variables of the image. Numbers are kept as written; true and false become True and False. "
        "$NAME and ${NAME} stand for variables of the base, of the workspace, and ones written above.",
        {"TZ": "UTC"},
        "none",
    ),
    Field(
        "workspace",
        text("an absolute path", checks.workspace, pattern=checks.WORKSPACE),
        "Directory of the image that holds the virtual environment and the files; /workspace is a link to it.",
        "/pyats",
        "/pyats",
    ),
    Field(
        "user",
        text("a user", checks.user, pattern=checks.USER, loose=True),
        "User that commands run as: a name or number, maybe with :GROUP.",
        "1000:1000",
        "that of the base",
    ),
    Field(
        "workdir",
        text("an absolute path", checks.absolute_path, pattern="/.*"),
        "Directory in which commands start.",
        "/pyats",
        "the workspace",
    ),
    Field(
        "entrypoint",
        COMMAND,
        "Entry point: a line for the shell or a list of words; [] for none.",
        ["python3", "-m"],
        "that of the base",
    ),
    Field(
        "cmd",
        COMMAND,
        "Default command: a line for the shell or a list of words; [] for none.",
        ["http.server"],
        "that of the base, or a shell",
    ),
    Field(
        "labels",
        mapping(
            text("the name of a label", checks.label_name, pattern=checks.LABEL_NAME, loose=True),
            text("text", str, loose=True, limit=ANY_LENGTH),
            "a mapping of labels",
        ),
        "Labels of the image.",
        {"org.opencontainers.image.licenses": "Apache-2.0"},
        "none",
    ),
    Field(
        "ports",
        listing(
            text(
                "a port",
                checks.port,
                loose=True,
                schema={"type": ["integer", "string"], "pattern": f"^{checks.PORT}$"},
            ),
            "a list of ports",
            unique=str,
            what="port",
        ),
        "Ports that the image listens on: number, or number/tcp, /udp, /sctp.",
        [8888, "53/udp"],
        "none",
    ),
    Field(
        "volumes",
        listing(
            text("an absolute path", checks.volume, pattern="/.*"),
            "a list of paths",
            unique=str,
            what="volume",
        ),
        "Directories of the image that hold data of their own.",
        ["/data"],
        "none",
    ),
    Field(
        "healthcheck",
        HEALTHCHECK,
        "How to see that a container of the image is well.",
        {"test": "curl -f localhost:8888", "interval": "30s"},
        "that of the base",
    ),
)

LATER = {
    "repositories": "source trees from git",
    "snapshot": "packages and repositories of a snapshot file",
    "requirements": "requirement files found in the workspace",
    "proxy": "proxies of the build",
    "cmds": "instructions before and after the packages",
    "jobfiles": "discovery of job files",
    "run": "commands run in the image",
}

RECIPE = record(
    "a mapping of keys",
    FIELDS,
    later=LATER,
    exclusive=(("python", "base", "what lies below"), ("platform", "platforms", "what to build for")),
)

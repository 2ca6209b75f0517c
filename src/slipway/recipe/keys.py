"""The table of keys: each key of a recipe is declared here, once.

Validation, the JSON Schema and the reference page come from it. Order is the order of the reference.
"""

from __future__ import annotations

from slipway.recipe import checks
from slipway.recipe.kinds import Field, convert, text
from slipway.recipe.model import RegistryBase
from slipway.recipe.records import record
from slipway.recipe.requirements import requirement
from slipway.recipe.shapes import listing
from slipway.recipe.variables import ENV, LABELS

_PLATFORM = text("a platform", checks.platform, schema={"enum": list(checks.PLATFORMS)})

APT_PACKAGES = listing(
    text("a Debian package", checks.apt_package, pattern=checks.APT_PACKAGE), "a list of Debian packages"
)
PACKAGES = listing(
    convert(text("a Python requirement", str, limit=4096), requirement), "a list of Python requirements"
)

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
        "bases:BASE",
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
        PACKAGES,
        "Python packages for the virtual environment in the workspace, as in a requirement file.",
        ["pyats[full]", "requests>=2.32"],
        "none",
    ),
    Field(
        "pip-config",
        "pipconfig:PIP_CONFIG",
        "pip.conf of the workspace: its text, or a mapping of sections. Lists become one line per item. "
        "It becomes part of the image, so it is no place for passwords.",
        {"global": {"timeout": 60}},
        "none",
    ),
    Field(
        "files",
        "fileitems:FILES",
        "What to bring into the workspace: paths (relative ones are against the recipe's directory) and URLs: http, "
        "https, ftp, ftps, scp, sftp, s3, file. The name is kept unless the item is written as DESTINATION: SOURCE, or "
        "as a mapping with the keys below. A directory that comes into `bin`, `include` or `lib` is merged with "
        "that of the virtual environment.",
        ["testbed.yaml", {"data/users.json": "https://example.org/users.json"}],
        "none",
    ),
    Field(
        "repositories",
        "repositories:REPOSITORIES",
        "Source trees from git to bring into the workspace, without their history: DESTINATION and what is there.",
        {"tests": {"url": "https://example.org/team/tests.git", "commit_id": "v1.2"}},
        "none",
    ),
    Field(
        "snapshot",
        "snapshot:SNAPSHOT",
        "File of `pyats environment snapshot`, relative to the recipe or to the working directory. Its packages and "
        "repositories come before the recipe's.",
        "snapshot.yaml",
        "none",
    ),
    Field(
        "requirements",
        "discovery:DISCOVERY",
        "Requirement files in the workspace whose packages are installed too.",
        {"paths": ["tests/requirements.txt"]},
        "none",
    ),
    Field(
        "jobfiles",
        "discovery:DISCOVERY",
        "Files of the workspace that are pyATS jobs, for the list of them in the image.",
        {"match": [r".*job.*\.py$"], "glob": ["jobs/*.py"]},
        r"match: .*job.*\.py$",
    ),
    Field(
        "proxy",
        "proxy:PROXY",
        "Proxies of the build; the image has nothing of them.",
        {"HTTPS_PROXY": "http://proxy.example.org:3128", "NO_PROXY": ".example.org"},
        "those of the environment",
    ),
    Field(
        "cmds",
        "cmds:CMDS",
        "Instructions as in a Dockerfile, carried out over what is there before.",
        {"pre": "RUN useradd tester", "post": "RUN pyats version check"},
        "none",
    ),
    Field(
        "run",
        "runsteps:RUN",
        "Commands that are run in the assembled image, after `cmds`; what each changes is a layer. An item is text for "
        "the shell, a list of words, or a mapping.",
        ["pyats version check", {"name": "compile", "command": ["make", "install"], "network": True}],
        "none",
    ),
    Field(
        "env",
        ENV,
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
        "commands:COMMAND",
        "Entry point: a line for the shell or a list of words; [] for none. Where neither the recipe nor its base has one, an "
        "image with packages, repositories, requirement files, commands, or (on a Debian system) files starts with "
        "installation/entrypoint.sh of the workspace, which activates the environment and becomes the command, under "
        "tini as init.",
        ["python3", "-m"],
        "that of the base, or of the workspace",
    ),
    Field(
        "cmd",
        "commands:COMMAND",
        "Default command: a line for the shell or a list of words; [] for none.",
        ["http.server"],
        "that of the base, or a shell",
    ),
    Field(
        "labels",
        LABELS,
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
        "commands:HEALTHCHECK",
        "How to see that a container of the image is well.",
        {"test": "curl -f localhost:8888", "interval": "30s"},
        "that of the base",
    ),
)

RECIPE = record(
    "a mapping of keys",
    FIELDS,
    exclusive=(("python", "base", "what lies below"), ("platform", "platforms", "what to build for")),
)

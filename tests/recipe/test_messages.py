"""Every message of the validation, with its place and hint."""

from __future__ import annotations

import pytest

from slipway.recipe import render_problems
from slipway.recipe.keys import FIELDS
from tests.recipe.helpers import problems, the_problem

LONG = "x" * 300
KNOWN = "known: http, https, ftp, ftps, scp, sftp, s3, file"

CASES = [
    # shapes
    ("- a", 1, "must be a mapping of keys, not a list", ""),
    ("hello", 1, "must be a mapping of keys, not text", ""),
    ("tag: [a]", 6, "tag: must be an image name, not a list", ""),
    ("tag: 1.0", 6, "tag: must be an image name, not a number", 'write it in quotes: "1.0"'),
    ("tag: true", 6, "tag: must be an image name, not true or false", 'write it in quotes: "true"'),
    ("tag:", 1, "tag: has no value; it takes an image name", ""),
    ("packages: requests", 11, "packages: must be a list of Python requirements, not text", "start each item with `- `"),
    ("packages: [~]", 12, "packages: has no value; it takes a Python requirement", ""),
    ("packages: [{a: b}]", 12, "packages: must be a Python requirement, not a mapping", ""),
    ("env: [A=b]", 6, "env: must be a mapping of variables, not a list", "write `KEY: value`, one per line"),
    ("env: {A: }", 7, "env.A: has no value; it takes text", ""),
    ("env: {A: {b: c}}", 10, "env.A: must be text, not a mapping", ""),
    # keys
    ("pakages: []", 1, "unknown key `pakages`", "did you mean `packages`?"),
    ("pip_config: {}", 1, "unknown key `pip_config`", "did you mean `pip-config`?"),
    ("Tag: a", 1, "unknown key `Tag`", "did you mean `tag`?"),
    ("jobfile: a", 1, "unknown key `jobfile`", "did you mean `jobfiles`?"),
    ("base: {debian: sid, varient: apt}", 21, "base: unknown key `varient`", "did you mean `variant`?"),
    ("base: {debian: sid, zzz: apt}", 21, "base: unknown key `zzz`", "known keys: debian, packages, variant"),
    ("base: {}", 7, "base: `debian` is missing", "for example: debian: bookworm"),
    ("{python: 3, base: a}", 13, "`python` and `base` both say what lies below", "keep one of them"),
    ("{platforms: [], platform: amd64}", 17, "`platform` and `platforms` both say what to build for", "keep one of them"),
    # environment of the builder
    ('tag: "%ENV{TAG}"', 7, "tag: the environment has no variable `TAG`", "set it, or write %ENV{TAG:-text} for when it is not"),
    ('env: {A: "x%ENV{ B }"}', 12, "env.A: the environment has no variable `B`", "set it, or write %ENV{B:-text} for when it is not"),
    ('pip-config: {a: {b: ["%ENV{X}"]}}', 23, "pip-config.a.b: the environment has no variable `X`", "set it, or write %ENV{X:-text} for when it is not"),
    ('files: [{a: "%ENV{X}"}]', 14, "files.a: the environment has no variable `X`", "set it, or write %ENV{X:-text} for when it is not"),
    ('tag: "%ENV{}"', 7, "tag: `%ENV{` does not name a variable of the environment", "write %ENV{NAME} or %ENV{NAME:-text}; for the text itself, %%ENV{"),
    ('tag: "a%ENV{A"', 8, "tag: `%ENV{` does not name a variable of the environment", "write %ENV{NAME} or %ENV{NAME:-text}; for the text itself, %%ENV{"),
    ('labels: {"%ENV{A}": b}', 10, "labels: `%ENV{…}` is not replaced in keys", "only in values"),
    # tag and references
    ("tag: a@sha256:x", 6, "tag: `a@sha256:x` holds a digest: an image cannot be named by one", "write name:tag"),
    ("tag: Team/Tests:V1", 6, "tag: `Team/Tests:V1` is not an image name: `Team` cannot be part of one", "write `team/tests:V1`"),
    ("tag: a//b", 6, "tag: `a//b` is not an image name: `` cannot be part of one", ""),
    ("tag: a b", 6, "tag: `a b` is not an image name: `a b` cannot be part of one", ""),
    ("tag: 'a:'", 6, "tag: `` is not an image tag", "letters, digits, `_`, `.` and `-`, at most 128"),
    ("tag: a:-x", 6, "tag: `-x` is not an image tag", "letters, digits, `_`, `.` and `-`, at most 128"),
    ("tag: exa_mple.org/a", 6, "tag: `exa_mple.org` is not the name of a registry", ""),
    (f"tag: {LONG}", 6, "tag: an image name has at most 255 characters, this has 300", ""),
    ("base: a@sha256:12", 7, "base: `sha256:12` is not a digest", "a digest is sha256: and 64 hexadecimal digits"),
    # base
    ("base: docker://a/b", 7, "base: `docker://a/b` is not a base", "write oci:DIR, scratch, or a reference such as python:3.12-slim"),
    ("base: docker-archive:x.tar", 7, "base: `docker-archive:x.tar` is not a base", "write oci:DIR, scratch, or a reference such as python:3.12-slim"),
    ("base: 'oci:'", 7, "base: `oci:` names no directory", "write oci:DIR or oci:DIR:TAG"),
    ("base: 'oci:x:'", 7, "base: `` is not a tag in an OCI layout", ""),
    ("base: oci:~nobody-of-this-name/x", 7, "base: there is no home directory for `~nobody-of-this-name/x`", ""),
    ("base: [a]", 7, "base: must be a mapping with the key `debian`, not a list", ""),
    ("base: {debian: '12'}", 16, "base.debian: `12` is not a Debian suite", "write the codename, for example bookworm"),
    ("base: {debian: a b}", 16, "base.debian: `a b` is not a Debian suite", ""),
    ("base: {debian: a, variant: mini}", 28, "base.variant: `mini` is not a variant", "known: essential, apt, minbase"),
    ("base: {debian: a, variant: minbas}", 28, "base.variant: `minbas` is not a variant", "did you mean `minbase`?"),
    # python, platform
    ("python: 3.12-slim", 9, "python: `3.12-slim` is not a Python version such as 3.12", "write `base: python:3.12-slim` for another image of Python"),
    ("python: three", 9, "python: `three` is not a Python version such as 3.12", ""),
    ("python: 3.", 9, "python: `3.` is not a Python version such as 3.12", "write `base: python:3.` for another image of Python"),
    ("python: true", 9, "python: `true` is not a Python version such as 3.12", ""),
    ("platform: linux/riscv64", 11, "platform: platform `linux/riscv64` is not supported", "supported: linux/amd64, linux/arm64"),
    ("platforms: [amd64, x86_64]", 20, "platforms: platform `linux/amd64` comes twice, first on line 1", ""),
    # apt
    ("apt: [Git]", 7, "apt: `Git` is not a Debian package", "write `git`"),
    ("apt: [git:amd64]", 7, "apt: `git:amd64` is not a Debian package", "no architecture: the platform of the image decides"),
    ("apt: [git/sid]", 7, "apt: `git/sid` is not a Debian package", "a suite for a single package is not supported: name the suite in `base`"),
    ("apt: [git curl]", 7, "apt: `git curl` is not a Debian package", "one package per item"),
    ("apt: [git>=1]", 7, "apt: `git>=1` is not a Debian package", "an exact version is written name=version"),
    ("apt: [git==1]", 7, "apt: `git==1` is not a Debian package", "an exact version is written name=version"),
    ("apt: [x]", 7, "apt: `x` is not a Debian package", ""),
    # packages
    ("packages: [requests=2]", 12, "packages: `requests=2` is not a requirement", "an exact version has two equals signs: requests==2"),
    ("packages: [a b]", 12, "packages: `a b` is not a requirement", "one requirement per item"),
    ('packages: ["a\\nb"]', 12, "packages: holds several lines", "one requirement per item"),
    ("packages: ['']", 12, "packages: `` is not a requirement", "for example requests, requests>=2.32 or pyats[full]==26.9"),
    ("packages: [a>]", 12, "packages: `a>` is not a requirement", "for example requests, requests>=2.32 or pyats[full]==26.9"),
    ("packages: [a;]", 12, "packages: `` is not a marker", "for example: ; python_version < '3.12'"),
    ("packages: [a; linux]", 12, "packages: `linux` is not a marker", "for example: ; python_version < '3.12'"),
    ("packages: [a; (os_name == 'x']", 12, "packages: `(os_name == 'x'` is not a marker", "for example: ; python_version < '3.12'"),
    # files
    ("files: {a: b}", 8, "files: must be a list of files, not a mapping", "start each item with `- `"),
    ("files: [{}]", 9, "files: must be one `DESTINATION: SOURCE`, not 0 of them", "start each with `- ` of its own"),
    ("files: [{a: b, c: d}]", 9, "files: must be one `DESTINATION: SOURCE`, not 2 of them", "start each with `- ` of its own"),
    ("files: [[a]]", 9, "files: must be a path or URL, or one `DESTINATION: SOURCE`, not a list", ""),
    ("files: [3]", 9, "files: must be a path or URL, not a number", 'write it in quotes: "3"'),
    ("files: [{a: }]", 10, "files.a: has no value; it takes a path or URL", ""),
    ("files: ['']", 9, "files: `` is not a path or URL", ""),
    ('files: ["a\\nb"]', 9, "files: `a\\nb` is not a path or URL", ""),
    ("files: [git://h/x]", 9, "files: unknown scheme `git`", "git repositories have a key of their own: `repositories`"),
    ("files: [gopher://h/x]", 9, "files: unknown scheme `gopher`", KNOWN),
    ("files: [{x: hdfs://h/x}]", 13, "files.x: unknown scheme `hdfs`", KNOWN),
    ("files: ['scp://[user@]h/x']", 9, "files: `scp://*****@]h/x` is not a URL", "brackets are for IPv6 addresses: write USER@HOST"),
    ("files: ['scp://a:b@h/x']", 9, "files: scp takes no password", "let it log in with a key"),
    ("files: ['scp://-oProxyCommand=x/y']", 9, "files: `scp://-oProxyCommand=x/y` is not a URL", "for example https://example.org/data.json"),
    ("files: ['file://h/x']", 9, "files: `file://h/x` is not a URL of a file here", "write file:///DIR/NAME"),
    ("files: ['s3://b']", 9, "files: `s3://b` names no object", "write s3://BUCKET/KEY"),
    ("files: ['http://']", 9, "files: `http://` is not a URL", "for example https://example.org/data.json"),
    ("files: ['http://h:99999/x']", 9, "files: `http://h:99999/x` is not a URL", "for example https://example.org/data.json"),
    ("files: ['http://[::1/x']", 9, "files: `http://[::1/x` is not a URL", "for example https://example.org/data.json"),
    ("files: ['http://h/a b']", 9, "files: `http://h/a b` is not a URL", "for example https://example.org/data.json"),
    ("files: ['http://h/']", 9, "files: `http://h/` gives no name for the destination", "write `NAME: http://h/`"),
    ("files: ['..']", 9, "files: `..` gives no name for the destination", "write `NAME: ..`"),
    ("files: ['~']", 9, "files: `~` gives no name for the destination", "write `NAME: ~`"),
    ("files: ['~bob']", 9, "files: `~bob` gives no name for the destination", "write `NAME: ~bob`"),
    ("files: [{../a: b}]", 10, "files: destination `../a` goes out of the workspace", "write it without `..`"),
    ("files: [{a/../b: b}]", 10, "files: destination `a/../b` goes out of the workspace", "write it without `..`"),
    ("files: [{/a/b: b}]", 10, "files: destination `/a/b` is absolute", "a destination is relative to the workspace: a/b"),
    ("files: [{/: b}]", 10, "files: destination `/` is absolute", "a destination is relative to the workspace"),
    ("files: [{'': b}]", 10, "files: destination `` is not the name of a file or directory", ""),
    ("files: [{.: b}]", 10, "files: destination `.` is not the name of a file or directory", ""),
    ("files:\n- a/x\n- ./x: y", 3, "files: destination `x` comes twice, first on line 2", ""),
    ("files: [{lib64/x: b}]", 10, "files: destination `lib64/x` is taken: it is a link of the virtual environment", "choose another name"),
    ("files: [pyvenv.cfg]", 9, "files: destination `pyvenv.cfg` is taken: it is a file of the virtual environment", "choose another name"),
    ("files: [{installation/x: b}]", 10, "files: destination `installation/x` is taken: an image keeps there how it was made", "choose another name"),
    ("files: ['http://h/bin']", 9, "destination `bin` is a directory of the virtual environment", "to put it there, write bin/NAME"),
    ("files:\n- http://h/a\n- a/b: c", 3, "destination `a/b` lies in `a`, which is a file", "that is written on line 2"),
    ("{pip-config: {a: {}}, files: [pip.conf]}", 31, "`pip-config` and `files` both give pip.conf", "keep one of them"),
    ("files: [{url: a}]", 9, "files: a lone `url` may be a key or a destination", "write the URL alone, or with `dest: NAME`"),
    ("files: [{dest: a}]", 9, "files: a lone `dest` may be a key or a destination", "write the URL alone, or with `dest: NAME`"),
    ("files: [{dest: a, mode: '0644'}]", 9, "files: `url` is missing", "for example: url: https://example.org/users.json"),
    ("files: [{url: a, source: b}]", 18, "files: `url` and `source` both say what to bring in", "keep one of them"),
    ("files: [{url: a, chmod: '0644'}]", 18, "files: unknown key `chmod`", "known keys: dest, url, source, sha256, mode, owner, extract"),
    ("files: [{url: a, mode: 644}]", 24, "files.mode: `644` could be octal or decimal", 'write it in quotes: "0644"'),
    ("files: [{url: a, mode: '888'}]", 24, "files.mode: `888` is not a mode", 'octal, as for chmod: "0755"'),
    ("files: [{url: a, owner: root}]", 25, "files.owner: `root` is not an owner", "numbers, UID or UID:GID: names are known inside the image only"),
    ("files: [{url: a, owner: 4294967296}]", 25, "files.owner: `4294967296` is not an owner", "numbers go to 2147483647"),
    ("files: [{url: a, sha256: '12'}]", 26, "files.sha256: `12` is not a SHA-256", "64 hexadecimal digits, as sha256sum shows"),
    ("files: [{url: a, extract: 1}]", 27, "files.extract: `1` is neither true nor false", ""),
    # repositories
    ("repositories: [a]", 15, "repositories: must be a mapping of repositories, not a list", "write `KEY: value`, one per line"),
    ("repositories: {a: {}}", 19, "repositories.a: `url` is missing", "for example: url: https://example.org/team/tests.git"),
    ("repositories: {a: {url: x, branch: b}}", 28, "repositories.a: unknown key `branch`", "known keys: url, commit_id, requirements_file, ssh_key, credentials, GIT_SSL_NO_VERIFY, submodules, lfs"),
    ("repositories: {../a: {url: x}}", 16, "repositories: destination `../a` goes out of the workspace", "write it without `..`"),
    ("repositories: {/a: {url: x}}", 16, "repositories: destination `/a` is absolute", "a destination is relative to the workspace: a"),
    ("repositories: {a: {url: 'ext::sh -c id'}}", 25, "repositories.a.url: `ext::sh -c id` is not the address of a git repository", ""),
    ("repositories: {a: {url: 'svn://h/x'}}", 25, "repositories.a.url: git repositories cannot be fetched by svn://", "known: https, http, ssh, git and file, HOST:PATH, and paths"),
    ("repositories: {a: {url: x, commit_id: --upload-pack=id}}", 39, "repositories.a.commit_id: `--upload-pack=id` is not a branch, tag or commit id", ""),
    ("repositories: {a: {url: x, commit_id: a b}}", 39, "repositories.a.commit_id: `a b` is not a branch, tag or commit id", ""),
    ("repositories: {a: {url: x, ssh_key: ~/.ssh/id}}", 37, "repositories.a.ssh_key: is the text of a private key, not the name of a file", "keys in ~/.ssh are used without it"),
    ("repositories: {a: {url: x, ssh_key: ''}}", 37, "repositories.a.ssh_key: the key is empty", ""),
    ("repositories: {a: {url: x, credentials: {username: u}}}", 41, "repositories.a.credentials: `password` is missing", 'for example: password: "%ENV{GIT_PASSWORD}"'),
    ("repositories: {a: {url: x, lfs: yes}}", 33, "repositories.a.lfs: `yes` is neither true nor false", ""),
    ("repositories: {a: {url: x}, ./a: {url: x}}", 29, "destination `a` comes twice, first in `repositories` on line 1", "give each a name of its own"),
    ("{files: [a], repositories: {a: {url: x}}}", 29, "destination `a` comes twice, first in `files` on line 1", "give each a name of its own"),
    ("{files: ['http://h/a'], repositories: {a/b: {url: x}}}", 40, "destination `a/b` lies in `a`, which is a file", "that is written on line 1"),
    # snapshot
    ("snapshot: [a]", 11, "snapshot: must be the path of a file, not a list", ""),
    ("snapshot: ''", 11, "snapshot: `` is not the path of a file", ""),
    ("snapshot: /nowhere/at-all.yaml", 11, "snapshot: there is no file `/nowhere/at-all.yaml`", ""),
    ("snapshot: nowhere.yaml", 11, "snapshot: there is no file `nowhere.yaml`", "it is looked for in /team and in the working directory"),
    ("snapshot: /", 11, "snapshot: `/` is not a file", ""),
    ("snapshot: ~nobody-of-this-name/x", 11, "snapshot: there is no home directory for `~nobody-of-this-name/x`", ""),
    # discovery
    ("jobfiles: {match: x}", 19, "jobfiles.match: must be a list of regular expressions, not text", "start each item with `- `"),
    ("jobfiles: {match: ['(']}", 20, "jobfiles.match: `(` is not a regular expression: missing ), unterminated subpattern at position 0", ""),
    ("jobfiles: {match: ['(a+)+b']}", 20, "jobfiles.match: `(a+)+b` could take forever", "repeat only what does not repeat itself"),
    ("jobfiles: {match: ['.*.*.*.*.*']}", 20, "jobfiles.match: `.*.*.*.*.*` could take forever", "at most 4 repetitions and 8 optional parts; several expressions can be listed"),
    (f"jobfiles: {{match: [{LONG}]}}", 20, "jobfiles.match: an expression has at most 256 characters, this has 300", ""),
    ("requirements: {glob: [../x]}", 23, "requirements.glob: `../x` is not a pattern for paths in the workspace", "for example jobs/*.py"),
    ("requirements: {glob: ['*/*/*/*/*/*/*/*/*']}", 23, "requirements.glob: `*/*/*/*/*/*/*/*/*` could take forever", "at most 8 stars"),
    ("requirements: {paths: [/x]}", 24, "requirements.paths: `/x` is not a path in the workspace", "relative to it, for example jobs/smoke.py"),
    ("requirements: {path: [x]}", 16, "requirements: unknown key `path`", "did you mean `paths`?"),
    # proxy
    ("proxy: {HTTP_PROXY: a b}", 21, "proxy.HTTP_PROXY: holds spaces or control characters", "for example http://proxy.example.org:3128"),
    ("proxy: {HTTP_PROXY: a, http_proxy: b}", 24, "proxy: `HTTP_PROXY` and `http_proxy` say different things", "keep one of them"),
    # run
    ("run: make", 6, "run: must be a list of steps, not text", "start each item with `- `"),
    ("run: ['']", 7, "run: the command is empty", "write [] for none"),
    ("run: [[]]", 7, "run: the command is empty", ""),
    ("run: [{name: x}]", 7, "run: `command` is missing", "for example: command: make -C src install"),
    ("run: [{command: x, cache: [/]}]", 28, "run.cache: the root of the image cannot be a cache", ""),
    ("run: [{command: x, cache: [a]}]", 28, "run.cache: `a` is not an absolute path", "a path inside the image starts with /"),
    ("run: [{command: x, secrets: [a-b]}]", 30, "run.secrets: `a-b` is not the name of a variable that has the secret", "write {id: a-b, file: PATH}"),
    ("run: [{command: x, secrets: [a/b]}]", 30, "run.secrets: `a/b` is not the name of a secret", "letters, digits, `_`, `.` and `-`"),
    ("run: [{command: x, secrets: [{id: a, env: B, file: c}]}]", 46, "run.secrets: `env` and `file` both say where the secret is", "keep one of them"),
    ("run: [{command: x, secrets: [{id: a, target: /b/}]}]", 46, "run.secrets.target: `/b/` is not the name of a file", ""),
    ("run: [{command: x, secrets: [A, A]}]", 33, "run.secrets: secret `A` comes twice, first on line 1", ""),
    # pip-config
    ("pip-config: [a]", 13, "pip-config: must be a mapping of sections, not a list", "write `KEY: value`, one per line"),
    ("pip-config: {global: x}", 22, "pip-config.global: must be a mapping of options, not text", "write `KEY: value`, one per line"),
    ("pip-config: {global: {a: {}}}", 26, "pip-config.global.a: must be a list of texts, not a mapping", "start each item with `- `"),
    ("pip-config: x", 13, "pip-config: line 1 of the text is not INI", "a [section] first, then lines such as `option = value`"),
    ('pip-config: "[a]\\n\\nx\\n"', 13, "pip-config: line 3 of the text is not INI", "a [section] first, then lines such as `option = value`"),
    ('pip-config: "[a]\\nx=1\\nX=2\\n"', 13, "pip-config: line 3 of the text: option `x` comes twice", ""),
    ('pip-config: "[a]\\n[a]\\n"', 13, "pip-config: line 2 of the text: section `a` comes twice", ""),
    ("pip-config: {a: {b: [x, '# y']}}", 13, "pip-config: this cannot be written as pip configuration", "write it as one text, as in pip.conf"),
    ("pip-config: {DEFAULT: {}}", 13, "pip-config: this cannot be written as pip configuration", "write it as one text, as in pip.conf"),
    # names and paths
    ("env: {A=B: c}", 7, "env: `A=B` is not the name of a variable", "no spaces and no `=` in names"),
    ("env: {'': c}", 7, "env: `` is not the name of a variable", "no spaces and no `=` in names"),
    ("labels: {a b: c}", 10, "labels: `a b` is not the name of a label", "no spaces and no `=` in names"),
    ("labels: {a: [b]}", 13, "labels.a: must be text, not a list", ""),
    ("workspace: pyats", 12, "workspace: `pyats` is not an absolute path", "a path inside the image starts with /"),
    ("workspace: /a/../b", 12, "workspace: `/a/../b` goes upward", "write the path without `..`"),
    ("workspace: //", 12, "workspace: the workspace cannot be the root of the image", "for example /pyats"),
    ("workspace: /a b", 12, "workspace: `/a b` is not usable as workspace", "letters, digits and `._+@-` only"),
    ('workdir: "/a\\nb"', 10, "workdir: `/a\\nb` is not a path: it holds a control character", ""),
    ("user: a b", 7, "user: `a b` is not a user", "a name or number, maybe with :group"),
    (f"workdir: /{LONG * 4}", 10, f"workdir: `/{'x' * 58}…` is too long: 1201 characters, at most 1024", ""),
    # commands
    ("cmd: ''", 6, "cmd: the command is empty", "write [] for none"),
    ("cmd: 5", 6, "cmd: must be a command line for the shell, not a number", 'write it in quotes: "5"'),
    ("entrypoint: {a: b}", 13, "entrypoint: must be a list of texts, not a mapping", "start each item with `- `"),
    ("cmd: [[a]]", 7, "cmd: must be text, not a list", ""),
    # ports and volumes
    ("ports: [0]", 9, "ports: port 0 is out of range", "ports are 1 to 65535"),
    ("ports: [65536/udp]", 9, "ports: port 65536 is out of range", "ports are 1 to 65535"),
    ("ports: [80/http]", 9, "ports: `80/http` is not a port", "for example 8888, 8888/tcp or 53/udp"),
    ("ports: [8000-8010]", 9, "ports: `8000-8010` is not a port", "one port per item"),
    ("ports: ['8080:80']", 9, "ports: `8080:80` maps a port", "only the port inside the image; publishing is said at run time"),
    ("ports: [80, 080/tcp]", 13, "ports: port `80/tcp` comes twice, first on line 1", ""),
    ("volumes: [data]", 11, "volumes: `data` is not an absolute path", "a path inside the image starts with /"),
    ("volumes: [/]", 11, "volumes: the root of the image cannot be a volume", ""),
    ("volumes: ['/a:/b']", 11, "volumes: `/a:/b` is not a volume", "only the path inside the image; what is mounted is said at run time"),
    ("volumes: [/a, /a/]", 15, "volumes: volume `/a` comes twice, first on line 1", ""),
    # health check
    ("healthcheck: {retries: 1}", 14, "healthcheck: `test` is missing", "for example: test: curl -f localhost:8888"),
    ("healthcheck: {test: a, start_period: 1s}", 24, "healthcheck: unknown key `start_period`", "did you mean `start-period`?"),
    ("healthcheck: {test: a, interval: 30}", 34, "healthcheck.interval: `30` is not a duration such as 30s or 1m30s", "with a unit: 30s"),
    ("healthcheck: {test: a, timeout: soon}", 33, "healthcheck.timeout: `soon` is not a duration such as 30s or 1m30s", ""),
    ("healthcheck: {test: a, timeout: 9999999999h}", 33, "healthcheck.timeout: `9999999999h` is too long", ""),
    ("healthcheck: {test: a, retries: x}", 33, "healthcheck.retries: `x` is not a number of tries", "a whole number, 1 or more"),
    ("healthcheck: {test: a, retries: 0}", 33, "healthcheck.retries: at least one try is needed", "remove the key for the default of 3"),
    ("healthcheck: {test: []}", 21, "healthcheck.test: the command is empty", 'write "NONE" to switch the check of the base off'),
    ("healthcheck: {test: [CMD]}", 21, "healthcheck.test: `CMD` takes a command after it", ""),
    ("healthcheck: {test: [NONE, a]}", 21, "healthcheck.test: `NONE` takes nothing after it", ""),
    ("healthcheck: {test: [CMD-SHELL, a, b]}", 21, "healthcheck.test: `CMD-SHELL` takes one line after it", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "message", "hint"), CASES, ids=[case[0][:50] for case in CASES])
def test_message(text: str, column: int, message: str, hint: str):
    problem = the_problem(text)
    assert problem.message == message
    assert problem.hint == hint
    place = problem.where.line if "\n" in text else problem.where.column
    assert place == column


def test_an_unknown_key_without_a_near_one_names_them_all():
    hint = the_problem("zzz: 1").hint
    assert hint == "known keys: " + ", ".join(field.name for field in FIELDS)


def test_thousands_of_unknown_keys_are_no_burden():
    found = problems("".join(f"packagex{i}: 1\n" for i in range(20000)))
    assert len(found) == 20000
    assert found[0].hint
    assert not found[-1].hint


def test_passwords_are_not_shown():
    from slipway.errors import RecipeError
    from tests.recipe.helpers import read

    with pytest.raises(RecipeError) as caught:
        read(
            "files: ['https://bob:geheim@example.org:x', 'ftp://bob:geheim@/y', 'x://bob:geheim@h/', 'scp://bob:geheim@h/z']"
        )
    assert "geheim" not in render_problems(caught.value)
    assert "geheim" not in str(caught.value.as_dict())
    assert len(caught.value.problems) == 4

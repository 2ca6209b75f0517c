"""The command line of ims-python-helper (3.3.0): `slipway ims-helper`, or `python -m slipway.client.ims_helper`.

Sub-commands, flags, variables, output and exit statuses are the same. Flags count before and after the sub-command; there only
the last place did. Signing in is not needed where nobody asks for it. Secrets given as flags can be read by everybody on the
machine: they are taken, with a warning.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from slipway.client.shim import DEFAULT_IMS_API_URL, ImsHelper
from slipway.client.signin import ClientCredentials, sign_in
from slipway.errors import SlipwayError
from slipway.events import Log, Note, Reporter
from slipway.patterns import pattern
from slipway.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.client.signin import SignIn
    from slipway.events import Event

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ID: Final = pattern(r"[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}\Z")
_SECRETS: Final = ("oauth_client_secret", "s3_access_key", "s3_secret_key")


def main(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> int:
    """Run it; the exit status is 0 or 1, the outcome JSON on standard output. `SystemExit` for flags that are none."""
    environ = os.environ if environ is None else environ
    given = vars(_parser().parse_args(argv))
    reporter = Reporter(_sink(given.get("log_level") or environ.get("LOG_LEVEL") or "WARNING"))
    for name in _SECRETS:
        if given.get(name):
            flag = f"--{name.replace('_', '-')}"
            reporter.warn(
                f"everybody on this machine can read what is given to {flag}: use a file or a variable"
            )
    try:
        status, result = 0, _run(given, environ, reporter)
    except SlipwayError as error:
        text = "\n".join(part for part in (str(error), error.details, error.hint) if part)
        status, result = 1, {"result": "failure", "error": text}
    except OSError as error:
        status, result = 1, {"result": "failure", "error": str(error)}
    sys.stdout.write(json.dumps(result, indent=4, sort_keys=True) + "\n")
    sys.stdout.flush()
    return status


def _run(given: Mapping[str, Any], environ: Mapping[str, str], reporter: Reporter) -> dict[str, Any]:
    cert = given.get("cert") or environ.get("CA_CERT", "")
    settings = load(environ)
    helper = ImsHelper(
        given.get("ims_url") or environ.get("IMS_URL") or DEFAULT_IMS_API_URL,
        s3_endpoint=given.get("s3_endpoint") or environ.get("S3_ENDPOINT") or environ.get("S3_HOST"),
        s3_access_key=given.get("s3_access_key") or environ.get("S3_ACCESS_KEY"),
        s3_secret_key=given.get("s3_secret_key") or environ.get("S3_SECRET_KEY"),
        s3_bucket=given.get("s3_bucket") or environ.get("S3_BUCKET"),
        s3_ssl_verify=given.get("s3_ssl_verify")
        or environ.get("S3_SSL_VERIFY")
        or environ.get("S3_SSL_VALIDATE"),
        sign_in=_sign_in(given, environ, settings.token_file),
        ca=cert,
        settings=settings.with_(timeout=given.get("timeout")),
        reporter=reporter,
    )
    try:
        return _call(helper, given, environ)
    finally:
        helper.close()


def _call(helper: ImsHelper, given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    if given["command"] == "set_job_status":
        return helper.image_set_job_status(given["ims_job_id"], given["job_status"])
    return helper.image_upload_artifacts(
        given["image_name"],
        given["ims_job_id"] or environ.get("IMS_JOB_ID"),
        rootfs=given["rootfs"],
        kernel=given["kernel"],
        initrd=given["initrd"],
        debug=given["debug"],
        boot_parameters=given["boot_parameters"],
        arch=given["arch"],
    )


def _sign_in(given: Mapping[str, Any], environ: Mapping[str, str], token_file: str) -> SignIn:
    """Flags and the variables of IMS's job containers first; then what the rest of this program uses."""
    url = given.get("token_url") or environ.get("OAUTH_CLIENT_ENDPOINT")
    client = given.get("oauth_client_id") or environ.get("OAUTH_CLIENT_ID")
    secret = given.get("oauth_client_secret") or environ.get("OAUTH_CLIENT_SECRET")
    if url or client or secret:
        return ClientCredentials(url or "", client or "", secret or "")
    return sign_in(environ, token_file)


def _sink(level: str) -> Callable[[Event], None]:
    least = _LEVELS.index(level.upper()) if level.upper() in _LEVELS else _LEVELS.index("WARNING")

    def sink(event: Event) -> None:
        if isinstance(event, Note):
            word = "WARNING" if event.level == "warning" else "INFO"
        elif isinstance(event, Log):
            word = "DEBUG"
        else:
            return
        if _LEVELS.index(word) >= least:
            sys.stderr.write(f"{word}: {event.text}\n")

    return sink


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("-l", "--log-level", choices=_LEVELS, help="how much to say (default: LOG_LEVEL)")
    common.add_argument("-t", "--timeout", type=float, help="seconds without a byte before a try ends")
    common.add_argument("--ims-url", help=f"where IMS is (default: IMS_URL, or {DEFAULT_IMS_API_URL})")
    common.add_argument("--cert", help="file of authorities to trust (default: CA_CERT)")
    common.add_argument("--oauth-client-id", help="default: OAUTH_CLIENT_ID, or a file in OAUTH_CONFIG_DIR")
    common.add_argument("--oauth-client-secret", help="better in a file in OAUTH_CONFIG_DIR")
    common.add_argument("--token-url", help="where tokens are given (default: a file in OAUTH_CONFIG_DIR)")
    common.add_argument("--s3-endpoint", help="S3 server (default: S3_ENDPOINT or S3_HOST)")
    common.add_argument("--s3-access-key", help="better in S3_ACCESS_KEY")
    common.add_argument("--s3-secret-key", help="better in S3_SECRET_KEY")
    common.add_argument("--s3-ssl-verify", help="false, or a file of authorities (default: S3_SSL_VERIFY)")
    common.add_argument("--s3-bucket", help="bucket of the artifacts (default: S3_BUCKET)")
    parser = argparse.ArgumentParser(
        prog="ims-helper", parents=[common], description="Upload artifacts of images; set the status of jobs."
    )
    image = parser.add_subparsers(title="subcommands", dest="resource", required=True).add_parser(
        "image", parents=[common], help="images and what makes them"
    )
    commands = image.add_subparsers(title="subcommands", dest="command", required=True)
    upload = commands.add_parser("upload_artifacts", parents=[common], help="upload files and register them")
    upload.add_argument("image_name", help="name of the image")
    upload.add_argument("ims_job_id", nargs="?", type=_job, help="job that made it (default: IMS_JOB_ID)")
    upload.add_argument("-r", "--rootfs", action="append", help="root file system (squashfs)")
    upload.add_argument("-k", "--kernel", action="append", help="kernel")
    upload.add_argument("-i", "--initrd", action="append", help="initial ramdisk")
    upload.add_argument("-d", "--debug", action="append", help="kernel for debugging")
    upload.add_argument("-p", "--boot-parameters", action="append", help="file of boot parameters")
    upload.add_argument(
        "--arch", choices=("aarch64", "x86_64"), default="x86_64", help="architecture (x86_64)"
    )
    status = commands.add_parser("set_job_status", parents=[common], help="set the status of a job")
    status.add_argument("ims_job_id", type=_job, help="the job")
    status.add_argument("job_status", help="its status")
    return parser


def _job(text: str) -> str:
    if not _ID.match(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a job")
    return text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""A stand-in for Trivy and Grype, which cannot be had here: it takes the arguments that they document, and refuses others.

It reads the layout that it is given, and writes a report about the packages that it is told of. `STANDIN` in its own
directory says how it goes wrong.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# With an argument (True) or without. trivy.dev: references/configuration/cli/trivy_image; grype --help
OPTIONS = {
    "trivy": {
        "--input": True,
        "--format": True,
        "--output": True,
        "--scanners": True,
        "--exit-code": True,
        "--no-progress": False,
        "--skip-db-update": False,
        "--skip-java-db-update": False,
        "--offline-scan": False,
    },
    "grype": {"--output": True, "--file": True, "--quiet": False},
}


def parsed(tool: str, words: list[str]) -> tuple[list[str], dict[str, str]]:
    plain: list[str] = []
    given: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            plain.append(word)
        elif word not in OPTIONS[tool]:
            fail(f"FATAL unknown flag: {word}")
        else:
            given[word] = rest.pop(0) if OPTIONS[tool][word] else "true"
    return plain, given


def fail(text: str, status: int = 1) -> None:
    sys.stderr.write(f"{text}\n")
    raise SystemExit(status)


def digest_in(layout: Path) -> str:
    if json.loads((layout / "oci-layout").read_text()) != {"imageLayoutVersion": "1.0.0"}:
        fail("FATAL not a layout")
    (manifest,) = json.loads((layout / "index.json").read_text())["manifests"]
    algorithm, name = manifest["digest"].split(":")
    data = json.loads((layout / "blobs" / algorithm / name).read_bytes())
    for blob in (data["config"], *data["layers"]):
        algorithm, name = blob["digest"].split(":")
        if (layout / "blobs" / algorithm / name).stat().st_size != blob["size"]:
            fail("FATAL a blob is missing")
    return str(manifest["digest"])


def main() -> None:
    tool = Path(sys.argv[0]).name
    plain, given = parsed(tool, sys.argv[1:])
    mode = (HERE / "STANDIN").read_text().strip()
    if tool == "trivy":
        if plain != ["image"] or given["--format"] != "json" or given["--scanners"] != "vuln":
            fail("FATAL not what is documented")
        layout, out = Path(given["--input"]), Path(given["--output"])
        offline = "--skip-db-update" in given and "--offline-scan" in given
    else:
        scheme, _, place = plain[0].partition(":")
        if scheme != "oci-dir" or given["--output"] != "json" or len(plain) != 1:
            fail("not what is documented")
        layout, out = Path(place), Path(given["--file"])
        offline = os.environ.get("GRYPE_DB_AUTO_UPDATE") == "false"
    seen = {
        "environ": dict(os.environ),
        "cwd": sorted(path.name for path in Path().iterdir()),
        "offline": offline,
        "digest": digest_in(layout),
    }
    (HERE / "seen.json").write_text(json.dumps(seen))
    if mode == "silent":
        raise SystemExit(0)
    if mode == "fails":
        fail(f"INFO looking at {layout}\nFATAL the database is too old", 1)
    if mode == "garbage":
        out.write_text("FATAL <html>")
        raise SystemExit(0)
    if mode == "killed":
        os.kill(os.getpid(), 9)
    report = (HERE / f"{'grype' if mode == 'other' else tool}.json").read_bytes()
    out.write_bytes(report[: len(report) // 2] if mode == "truncated" else report)
    sys.stdout.write("some noise\n")
    raise SystemExit(2 if mode == "found" else 0)


if __name__ == "__main__":
    main()

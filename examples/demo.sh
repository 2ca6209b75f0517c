#!/usr/bin/env bash
# The main job on real input: build, run, look inside, build again, change one line, build again.
# Everything it makes is in .demo, so that the first build really starts from nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
slipway=$PWD/.venv/bin/slipway
rm -rf .demo
mkdir .demo
cp -r examples/hello .demo/hello
export SLIPWAY_STORE=$PWD/.demo/store SLIPWAY_CACHE=$PWD/.demo/cache
cd .demo/hello

summary=()
chapter() { printf '\n== %s\n' "$*"; }
timed() { # label, command...
    local label=$1 start end
    shift
    printf '$ %s\n' "${*/#$slipway/slipway}"
    start=$(date +%s%N)
    "$@"
    end=$(date +%s%N)
    summary+=("$(printf '%8.2f s  %s' "$(((end - start) / 10000000))e-2" "$label")")
}

chapter "1. Build an image from one YAML file. Nothing is cached: packages come from the Debian mirror and the Python index."
cat image.yaml
timed "first build, everything downloaded" "$slipway" build image.yaml

chapter "2. Run its command. There is no daemon: the image's layers are mounted in namespaces of our own."
timed "first run (layers are unpacked once)" "$slipway" run hello
timed "run again" "$slipway" run hello -- python -c 'import ssl, sqlite3; print(ssl.OPENSSL_VERSION, "and SQLite", sqlite3.sqlite_version)'

chapter "3. Look inside, without running anything."
timed "inspect" "$slipway" image inspect hello

chapter "4. Build again. Nothing changed, so nothing is done."
timed "build, nothing changed" "$slipway" build image.yaml

chapter "5. Change one line of the program and ask what a build would do."
sed -i 's/^console = .*/console = Console(width=60)/' app/hello.py
timed "plan after the change" "$slipway" build image.yaml --dry-run
timed "build, one line changed" "$slipway" build image.yaml

chapter "What happened, and how long each took on this machine"
printf '%s\n' "${summary[@]}"
cat <<'E2'

The first build took signed package lists from the mirror, chose versions, and turned every package into a compressed
slice that is kept. A layer is such slices in a row. That is why the second build did nothing, and the third put only
the workspace layer together again. The images are in .demo/store, an OCI layout that skopeo and others can read.
The command is .venv/bin/slipway; go on with `.venv/bin/slipway --help`.
E2

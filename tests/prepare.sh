#!/usr/bin/env bash
# The real components that tests talk to. As root they are installed where they are missing; otherwise the tests that need one
# say so and are skipped.
set -eu
packages="bubblewrap docker.io containerd runc iptables iproute2 skopeo mmdebstrap gpg gpgv dpkg debian-archive-keyring"
missing=$(for p in $packages; do dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q ' installed' || echo "$p"; done)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "not root, so not installed (tests that need them are skipped):" $missing
    exit 0
fi
echo "installing what tests talk to:" $missing
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null

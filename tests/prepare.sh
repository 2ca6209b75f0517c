#!/usr/bin/env bash
# The real components that tests talk to. As root they are installed where they are missing; what cannot be installed is no
# reason to stop: the tests that need it say so and are skipped.
set -eu
packages="bubblewrap buildah busybox-static db5.3-util git-lfs netcat-openbsd rpm squashfs-tools uidmap docker-registry docker.io containerd runc iptables iproute2 skopeo mmdebstrap gpg gpgv dpkg debian-archive-keyring openssh-server openssh-client vsftpd git python3-venv"
missing=$(for p in $packages; do dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q ' installed' || echo "$p"; done)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "not root, so not installed (tests that need them are skipped):" $missing
    exit 0
fi
echo "installing what tests talk to:" $missing
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null \
    || echo "not all could be installed (tests that need the rest are skipped)" >&2

#!/usr/bin/env bash
# The gate of a pipeline: build, bring the advisories up to date, scan, and stop if the image does not pass.
# ADVISORIES is a directory or an address to read them from, where OSV's own cannot be reached.
set -euo pipefail
cd "$(dirname "$0")"

slipway scan check-policy policy.yaml
slipway build image.yaml
slipway advisories update osv:npm ${ADVISORIES:+--from "$ADVISORIES"}

status=0
slipway scan scan-policy --policy policy.yaml || status=$?
case $status in
0) echo "scan-policy may be released" ;;
10) echo "scan-policy fails the policy: update what is named above, or waive it" >&2 ;;
11) echo "it could not be told whether scan-policy is well: that is no reason to release it" >&2 ;;
esac
exit "$status"

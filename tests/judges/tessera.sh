#!/usr/bin/env bash
# Tessera's own checker, github.com/transparency-dev/tessera/cmd/fsck, passes a log of ours.
#
#   tessera.sh [BIN]            makes a log of 150 labels with the programs in folder BIN, or built now
#   tessera.sh --url URL VKEY   checks a log that runs
#
# A tool that is missing fails with CI=true, else the judge says that it was skipped.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
needs go curl
dir=$(mktemp -d)
trap 'end; rm -rf "$dir"' EXIT

GOBIN=$dir go install github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
if [ "${1:-}" = --url ]; then
  log_url=$2 log_vkey=$3
else
  bin=$(binaries "${1:-}")
  make_log
  start_log $'witness ours OURS\nquorum ours'
  fill_log 150
fi
printf '%s' "$log_vkey" >"$dir/vkey"
"$dir/fsck" -storage_url "$log_url/" -public_key "$dir/vkey" -ui=false >"$dir/fsck.log" 2>&1
# It ends with 0 whatever it found, so its words decide.
grep "Successfully fsck'd log" "$dir/fsck.log"
if grep -q 'fsck failed' "$dir/fsck.log"; then
  exit 1
fi

#!/usr/bin/env bash
# Litewitness beside our witness: both answer the same requests, and both cosign our log in one quorum.
#
#   litewitness.sh [BIN]        BIN: folder with labelproof-log and labelproof-witness, target/debug by default
#
# A tool that is missing fails with CI=true, else the judge says that it was skipped.
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh
needs go sqlite3 ssh-agent ssh-add ssh-keygen curl
bin=$(binaries "${1:-}")
dir=$(mktemp -d)
trap 'end; rm -rf "$dir"' EXIT

go build -o "$dir/requests" ./requests
GOBIN=$dir go install filippo.io/torchwood/cmd/litewitness@v0.9.0

# Litewitness: a key in an agent of its own, and a database that it makes itself.
ssh-keygen -q -t ed25519 -N '' -C lite -f "$dir/lite.key"
start ssh-agent ssh-agent -D -a "$dir/agent"
await test -S "$dir/agent"
SSH_AUTH_SOCK=$dir/agent ssh-add -q "$dir/lite.key"
lite_port=$(free_port)
start litewitness "$dir/litewitness" -name lite.example/w1 -db "$dir/lite.db" -ssh-agent "$dir/agent" \
  -listen "127.0.0.1:$lite_port" -key "$(ssh-keygen -lf "$dir/lite.key.pub" | cut -d' ' -f2)"
lite=http://127.0.0.1:$lite_port
await curl -fsS -o "$dir/lite.html" "$lite/"
lite_vkey=$(sed -n 's/.*vkey=\([^ ]*\).*/\1/p' "$dir/litewitness.log" | head -1)

# Its own tool for this, witnessctl, cannot be built without sigsum's modules; two rows do the same.
lite_add() { # ORIGIN VKEY
  sqlite3 "$dir/lite.db" <<SQL
insert into log (origin, tree_size, tree_hash) values ('$1', 0, '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
insert into key (origin, key) values ('$1', '$2');
SQL
}

# One of ours.
our_vkey=$("$bin/labelproof-witness" init --name ours.example/w1 --dir "$dir/w1" | grep -o 'ours.example/w1+[^ ]*' | head -1)

# 1. The same requests to both.
log_vkey=$("$dir/requests" -key "$dir/log.key" -new tried.example/log)
lite_add tried.example/log "$log_vkey"
"$bin/labelproof-witness" logs add --dir "$dir/w1" "$log_vkey" >&2
start witness "$bin/labelproof-witness" serve --dir "$dir/w1" --listen 127.0.0.1:0
ours=$(address witness)
"$dir/requests" -key "$dir/log.key" -witness "litewitness=$lite=$lite_vkey" -witness "ours=$ours=$our_vkey"

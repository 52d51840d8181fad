#!/usr/bin/env bash
# Litewitness beside our witness: both answer the same requests, and both cosign our log in one quorum.
#
#   litewitness.sh [BIN]        BIN: folder with our programs; else they are built
#
# A tool that is missing fails with CI=true, else the judge says that it was skipped.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
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

# A log of the request script and a log of ours, both known to both witnesses.
tried_vkey=$("$dir/requests" -key "$dir/tried.key" -new tried.example/log)
make_log
lite_add tried.example/log "$tried_vkey"
"$bin/labelproof-witness" logs add --dir "$dir/w1" "$tried_vkey" >&2
lite_add "$origin" "$log_vkey"
start_log "witness ours OURS
witness lite $lite_vkey $lite
group both 2 ours lite
quorum both"

# 1. The same requests to both.
"$dir/requests" -key "$dir/tried.key" -witness "litewitness=$lite=$lite_vkey" -witness "ours=$our_url=$our_vkey"

# 2. Both in one quorum of our log: it publishes only what both have cosigned.
fill_log 20
curl -fsS "$log_url/checkpoint" >"$dir/checkpoint"
for vkey in "$log_vkey" "$our_vkey" "$lite_vkey"; do
  grep -q "^— ${vkey%%+*} " "$dir/checkpoint" || { echo "no line of $vkey" >&2; exit 1; }
done
size=$(sed -n 2p "$dir/checkpoint")
[ "$size" -gt 22 ] || { echo "published only $size entries" >&2; exit 1; }
genesis=$("$bin/labelproof-log" genesis check "$dir/genesis.note")
"$bin/labelproof" trust init --log "$log_url" --genesis "$genesis" --policy "$dir/policy" --out "$dir/trust.toml" >&2
"$bin/labelproof" status jp.jc-star/EX-20 --trust "$dir/trust.toml" >&2
echo "a quorum of litewitness and ours stands under $size entries, and the client accepts it"

# 3. Without litewitness the quorum is not met, and nothing new may appear.
stop litewitness
event label.issue label.key 's/EX-000123/EX-21/g' 202 'Prefer: respond-async'
not_ready() { curl -sS "$log_url/readyz" | grep '"failure":"'; }
await not_ready
curl -fsS "$log_url/checkpoint" | sed -n 2p | grep -qx "$size" || { echo "published without litewitness" >&2; exit 1; }
echo "without litewitness nothing is published"

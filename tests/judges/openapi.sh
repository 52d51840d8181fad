#!/usr/bin/env bash
# The OpenAPI document against a log that runs: Schemathesis finds no answer that it does not describe, and a client
# generated from it issues a label and finds it again.
#
#   openapi.sh [BIN]            BIN: folder with our programs; else they are built
#   LABELPROOF_EXAMPLES=1000    examples an operation, 200 otherwise
#
# A tool that is missing fails with CI=true, else the judge says that it was skipped.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
needs python3 curl
bin=$(binaries "${1:-}")
dir=$(mktemp -d)
trap 'end; rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check -r openapi/requirements.txt

make_log
start_log $'witness ours OURS\nquorum ours'
fill_log 20

# 1. Every answer is one that the document describes. One worker: several crash the parser of Python 3.11. The
# stream is left out: it ends only with the log.
cp "$dir/event.note" "$dir/known.note"
hooks=$PWD/openapi/hooks.py
(
  cd "$dir" # It leaves a folder of its own where it runs.
  LABELPROOF_NOTE=$dir/known.note SCHEMATHESIS_HOOKS=$hooks PYTHONDONTWRITEBYTECODE=1 venv/bin/schemathesis run \
    "$log_url/openapi.json" --seed 7380 --workers 1 --exclude-path /v1/stream \
    --max-examples "${LABELPROOF_EXAMPLES:-200}" >schemathesis.log 2>&1
) || {
  sed -n '1,400p' "$dir/schemathesis.log" >&2
  exit 1
}
grep -A12 '= SUMMARY =' "$dir/schemathesis.log"

# 2. A client generated from the document.
"$bin/labelproof" event new label.issue | sed 's/EX-000123/EX-900/g' >"$dir/event.json"
"$bin/labelproof" event sign label.issue --key "$dir/label.key" --origin "$origin" --file "$dir/event.json" >"$dir/new.note"
curl -fsS "$log_url/openapi.json" >"$dir/openapi.json"
"$dir/venv/bin/openapi-python-client" generate --meta none --config openapi/client.yml --path "$dir/openapi.json" \
  --output-path "$dir/client/labelproof_log_client" >"$dir/generator.log" 2>&1
PYTHONPATH=$dir/client "$dir/venv/bin/python" openapi/round.py "$log_url" "$dir/new.note" jp.jc-star/EX-900

# What the judges share; sourced by each of them after `set -euo pipefail`. The folder of the judges is the current one.

# Names tools that must be there.
needs() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null && continue
    if [ "${CI:-}" = true ]; then
      echo "FAILED: $(basename "$0"): no $tool here" >&2
      exit 1
    fi
    echo "skipped: $(basename "$0"): no $tool here"
    exit 0
  done
}

# Prints the folder of our programs: the one given, or that of a build made now, as the last one was.
binaries() {
  local folder=${1:-} target=${CARGO_TARGET_DIR:-../../target}
  if [ -z "$folder" ]; then
    if [ -x "$target/release/labelproof-demo" ]; then
      cargo build --quiet --locked --workspace --bins --release >&2
      folder=$target/release
    else
      cargo build --quiet --locked --workspace --bins >&2
      folder=$target/debug
    fi
  fi
  # The judge has gone to its own folder; a name given is one of the caller's.
  case $folder in
    /* | "$target"/*) cd "$folder" ;;
    *) cd "$OLDPWD/$folder" ;;
  esac
  pwd
}

# Starts a program in the background; its output goes to $dir/NAME.log.
started=()
declare -A running
start() {
  local name=$1
  shift
  "$@" >"$dir/$name.log" 2>&1 &
  started+=($!)
  running[$name]=$!
}

# Ends a program that was started here.
stop() {
  kill "${running[$1]}"
  wait "${running[$1]}" || true
}

# Ends what was started, last one first, and shows what it said if the judge failed.
end() {
  local status=$? at
  for ((at = ${#started[@]} - 1; at >= 0; at--)); do
    kill "${started[at]}" 2>/dev/null || true
    wait "${started[at]}" 2>/dev/null || true
  done
  if [ "$status" -ne 0 ]; then
    echo "FAILED: $(basename "$0")" >&2
    for log in "$dir"/*.log; do
      [ -e "$log" ] && { echo "--- $(basename "$log")" >&2; tail -20 "$log" >&2; }
    done
  fi
  return 0
}

# Runs a command until it succeeds, 60 s at most.
await() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  echo "gave up waiting for: $*" >&2
  return 1
}

# Prints the address that a program started here says it is bound to.
address() {
  await grep -qo 'http://[0-9.]*:[0-9]*' "$dir/$1.log"
  grep -o 'http://[0-9.]*:[0-9]*' "$dir/$1.log" | head -1
}

# Prints a port that is free now, for programs that cannot take port 0.
free_port() {
  local port
  for port in $(shuf -i 20000-32000 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  return 1
}

# Makes the store of a log of one member, and a witness of ours that knows it; leaves the keys in $log_vkey and
# $our_vkey. Needs labelproof, labelproof-log and labelproof-witness in $bin.
make_log() {
  local root
  root=$("$bin/labelproof" keygen --name root.jp.example --out "$dir/root.key")
  "$bin/labelproof" keygen --name label.jp.example --out "$dir/label.key" >"$dir/label.vkey"
  cat >"$dir/members.toml" <<TOML
decided_at = "2026-01-01T00:00:00Z"

[[members]]
id = "jp"
name = "Japan"
roots = ["$root"]
threshold = 1
territories = ["JP"]
domains = ["jp.example"]
associate = false
TOML
  "$bin/labelproof-log" genesis new --origin "$origin" --members "$dir/members.toml" --key "$dir/root.key" \
    --out "$dir/genesis.note"
  log_vkey=$("$bin/labelproof-log" init --origin "$origin" --dir "$dir/log" --genesis "$dir/genesis.note")
  our_vkey=$("$bin/labelproof-witness" init --name ours.jp.example --dir "$dir/w1")
  "$bin/labelproof-witness" logs add --dir "$dir/w1" "$log_vkey"
} >&2

# Starts both; the lines of policy after the log's are $1, where OURS stands for our witness. Leaves the addresses in
# $log_url and $our_url.
start_log() {
  start witness "$bin/labelproof-witness" serve --dir "$dir/w1" --listen 127.0.0.1:0
  our_url=$(address witness)
  printf 'log %s\n%s\n' "$log_vkey" "${1//OURS/$our_vkey $our_url}" >"$dir/policy"
  start log "$bin/labelproof-log" serve --dir "$dir/log" --listen 127.0.0.1:0 --policy "$dir/policy" \
    --batch-interval 50ms
  log_url=$(address log)
  await curl -fsS "$log_url/checkpoint"
}

# Logs a scheme, an authority and $1 labels, and waits until the last of them is witnessed.
fill_log() {
  local count=$1 number
  event scheme.define root.key '' 201
  event authority.accredit root.key "s/label.jp.example+[^\"]*/$(sed 's/[&/]/\\&/g' "$dir/label.vkey")/" 201
  for ((number = 1; number < count; number++)); do
    event label.issue label.key "s/EX-000123/EX-$number/g" 202 'Prefer: respond-async'
  done
  event label.issue label.key "s/EX-000123/EX-$count/g" 201
}

# Signs the template of kind $1 with key $2 after an edit by sed, and sends it; the log must answer with status $4.
event() {
  local kind=$1 key=$2 edit=$3 want=$4 got
  "$bin/labelproof" event new "$kind" | sed "$edit" >"$dir/event.json"
  "$bin/labelproof" event sign "$kind" --key "$dir/$key" --origin "$origin" --file "$dir/event.json" >"$dir/event.note"
  got=$(curl -sS -o "$dir/answer.json" -w '%{http_code}' -H 'Content-Type: text/plain' ${5:+-H "$5"} \
    --data-binary "@$dir/event.note" "$log_url/v1/events")
  [ "$got" = "$want" ] || { echo "$kind: status $got: $(cat "$dir/answer.json")" >&2; return 1; }
}

origin=labels.g7.example

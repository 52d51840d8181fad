# What the judges share; sourced by each of them after `set -euo pipefail`.

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

# Prints the folder of our programs.
binaries() {
  local folder=${1:-../../target/debug}
  [ -x "$folder/labelproof-witness" ] || { echo "no programs in $folder; run cargo build" >&2; exit 2; }
  cd "$folder" && pwd
}

# Starts a program in the background; its output goes to $dir/NAME.log.
started=()
start() {
  local name=$1
  shift
  "$@" >"$dir/$name.log" 2>&1 &
  started+=($!)
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

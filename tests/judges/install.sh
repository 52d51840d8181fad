#!/usr/bin/env bash
# Installs what the judges and the fault tests need beyond Rust and Go, from Debian's
# packages; does nothing where all of it is there already.
set -euo pipefail

declare -A package=(
  [strace]=strace            # no socket call in `verify`; faults at system calls
  [sqlite3]=sqlite3          # litewitness keeps its logs and keys in SQLite
  [ssh-agent]=openssh-client # litewitness signs through an agent
  [curl]=curl
  [promtool]=prometheus      # reads the alert rules
)
missing=()
for tool in "${!package[@]}"; do
  command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
[ "$(id -u)" -eq 0 ] || { echo "install.sh: as root: apt-get install ${missing[*]}" >&2; exit 1; }
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/usr/bin/env bash
# Judge: Prometheus' own promtool reads the alert rules, and their unit tests pass.
set -euo pipefail
cd "$(dirname "$0")"
. ./lib.sh
needs promtool

cd ../../docs/samples/prometheus
promtool check rules rules.yml
promtool test rules rules.test.yml

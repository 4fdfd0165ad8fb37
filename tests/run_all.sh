#!/bin/bash
# Runs the fast tests, and those with a real Kea.
set -euo pipefail
cd "$(dirname "$0")/.."

# Each of the two leaves a CPU idle. A package manager is not cut off.
./denow run -A tools/install.ts --yes --for tests &
installing=$!
trap 'wait "$installing"; exit 1' INT TERM HUP
checked=0
./denow task check || checked=$?
wait "$installing"
trap - INT TERM HUP
[ "$checked" -eq 0 ]

./denow task test:fast

longest=(
  package guide waits top findings findings_losses hollow_producer databases hooks matrix findings_healthy live_page
  check_kea dhcp6 malformed hollow_monitor alerts exporter_formats hostile partner compare lease_file
)
files() {
  printf 'tests/e2e/%s_test.ts\n' "${longest[@]}"
  ls tests/e2e/*_test.ts
}
# Six files at a time and the longest first, each in a process of its own: fork() is slow in a big process.
# `--parallel` makes Deno print whole lines. What a test has started ends with it, but not at once.
exec parallel --will-cite --jobs 6 --line-buffer --tag --termseq TERM,15000,KILL,25 \
  ./denow test -A --no-check --parallel :::: <(files | awk '!seen[$0]++') </dev/null

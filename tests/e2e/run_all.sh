#!/bin/bash
# Runs the files of this folder, five at a time and the longest first, each in a process of its own: fork() is slow in a
# big process. `--parallel` makes Deno print whole lines.
set -euo pipefail
cd "$(dirname "$0")/../.."

longest=(guide top waits package findings_losses findings hollow_producer databases hooks alerts)
files() {
  printf 'tests/e2e/%s_test.ts\n' "${longest[@]}"
  ls tests/e2e/*_test.ts
}

# What a test has started ends with it, but not at once.
exec parallel --will-cite --jobs 5 --line-buffer --tag --termseq TERM,15000,KILL,25 \
  ./denow test -A --no-check --parallel :::: <(files | awk '!seen[$0]++') </dev/null

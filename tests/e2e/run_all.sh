#!/bin/bash
# Runs the files of this folder, six at a time and the longest first, each in a process of its own: a process is
# copied whenever it starts a program, which takes the longer the more memory it has.
set -euo pipefail
cd "$(dirname "$0")/../.."

longest=(guide top waits package findings_losses findings hollow_producer databases hooks alerts)
{
  printf 'tests/e2e/%s_test.ts\n' "${longest[@]}"
  ls tests/e2e/*_test.ts
} | awk '!seen[$0]++' | parallel --will-cite --jobs 6 --line-buffer --tag ./denow test -A --no-check

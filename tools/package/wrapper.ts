/**
 * `/usr/bin/kea-ebpf-monitoring`.
 *
 * @module
 */

import type { ShippedCommand } from "./shipped_commands.ts";

/** Where the package has the project and Deno. */
export const LIBRARY = "/usr/lib/kea-ebpf-monitoring";

/**
 * A shell script that starts the entry script of a command, and takes its place.
 *
 * @param commands their names, scripts and flags come from the project itself.
 */
export function wrapper(commands: readonly ShippedCommand[], version: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const cases = commands.map(({ name, flags, script }) =>
    `  ${name}) set -- ${flags.join(" ")} "$lib/app/${script}" "$@" ;;`
  );
  return `#!/bin/sh
# Starts a command of kea-ebpf-monitoring with the Deno of this package.
set -eu
lib=${LIBRARY}

usage() {
  cat <<'END'
Usage: kea-ebpf-monitoring COMMAND [OPTION...]
       kea-ebpf-monitoring COMMAND --help

${commands.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`).join("\n")}
END
}

case \${1-} in
  --version) echo "kea-ebpf-monitoring ${version}"; exit 0 ;;
  --help | -h | help) usage; exit 0 ;;
  "") usage >&2; exit 2 ;;
esac
command=$1
shift
case $command in
${cases.join("\n")}
  *)
    echo "kea-ebpf-monitoring: there is no command \\"$command\\": --help lists them" >&2
    exit 2
    ;;
esac

# Root's files are in the folders that a purge of the package removes.
if [ "$(id -u)" = 0 ]; then
  export XDG_CACHE_HOME="\${XDG_CACHE_HOME:-/var/cache}" XDG_STATE_HOME="\${XDG_STATE_HOME:-/var/lib}"
fi
# Deno keeps nothing: no code that root executes lies outside of the package.
export DENO_DIR=/dev/null/none DENO_NO_UPDATE_CHECK=1
unset INIT_CWD
exec "$lib/deno" run --cached-only "$@"
`;
}

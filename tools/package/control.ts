/**
 * The package's own files: control, changelog and copyright.
 *
 * @module
 */

import type { NpmPackage } from "./npm_packages.ts";

/** Its name. */
export const NAME = "kea-ebpf-monitoring";

const MAINTAINER = "kea-ebpf-monitoring authors <kea-ebpf-monitoring@users.noreply.github.com>";

/** The file `control`. */
export function control(version: string, installedKib: number): string {
  return `Package: ${NAME}
Version: ${version}
Architecture: amd64
Maintainer: ${MAINTAINER}
Installed-Size: ${installedKib}
Depends: libc6 (>= 2.31), libgcc-s1, init-system-helpers (>= 1.54~), bpftrace (>= 0.17), binutils, iproute2
Recommends: fonts-dejavu-core, iputils-ping
Suggests: kea-dhcp4-server, kea-dhcp6-server, prometheus
Section: net
Priority: optional
Description: times and counts of ISC Kea DHCP servers, measured with eBPF
 How long the packets of a running Kea take and where, which packets are
 lost, and what hooks and the database cost. The server needs no debug
 symbols, no restart and no change of its configuration.
 .
 The service kea-ebpf-exporter watches every Kea of the host and serves the
 metrics for Prometheus. It starts when it is enabled.
`;
}

/** The changelog in Debian's form. */
export function changelog(version: string, date: Date): string {
  // RFC 5322, always in UTC.
  const when = date.toUTCString().replace("GMT", "+0000");
  return `${NAME} (${version}) unstable; urgency=medium

  * The changes are listed in CHANGELOG.md.gz.

 -- ${MAINTAINER}  ${when}
`;
}

/** The copyright: ours, and the list of what the package brings. */
export function copyright(license: string, packages: readonly NpmPackage[]): string {
  const width = Math.max(...packages.map(({ name, version }) => `${name} ${version}`.length));
  const list = packages.map(({ name, version, license }) =>
    `  ${`${name} ${version}`.padEnd(width)}  ${license}`
  );
  return `${NAME}

${license.trim()}

The package also has:

Deno, /usr/lib/${NAME}/deno: Copyright 2018-2026 the Deno authors, MIT License, with the
text above. It includes V8 (BSD) and other libraries; "deno --version" names their versions.

npm packages, /usr/lib/${NAME}/app/node_modules, each with the text of its license in its folder.
On Debian, the texts of Apache-2.0 and MPL-2.0 are in /usr/share/common-licenses, too.

${list.join("\n")}
`;
}

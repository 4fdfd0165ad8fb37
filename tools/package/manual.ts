/**
 * The manual page, made of what the commands say of themselves.
 *
 * @module
 */

import { run, textOf } from "../../system/run.ts";
import { PackageError } from "./package_error.ts";
import type { ShippedCommand } from "./shipped_commands.ts";

/** Text for roff: no escapes, no requests. */
function plain(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(/^(?=[.'])/gm, "\\&");
}

/**
 * The page in man(7).
 *
 * @param helps what each command prints with `--help`.
 * @param date YYYY-MM-DD.
 */
export function manual(
  helps: readonly (readonly [ShippedCommand, help: string])[],
  { version, date }: { readonly version: string; readonly date: string },
): string {
  const list = helps.map(([{ name, description }]) =>
    `.TP
.B ${plain(name)}
${plain(description)}`
  );
  const details = helps.map(([{ name }, help]) =>
    `.SS ${plain(name)}
.nf
${plain(help.replaceAll("deno task ", "kea-ebpf-monitoring ").trim())}
.fi`
  );
  return `.TH KEA\\-EBPF\\-MONITORING 1 ${date} "version ${version}" "User Commands"
.nh
.SH NAME
kea\\-ebpf\\-monitoring \\- time and count the packets of ISC Kea DHCP servers with eBPF
.SH SYNOPSIS
.B kea\\-ebpf\\-monitoring
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
Shows what a running Kea DHCP server does: how long its packets take and where,
which are lost, and what its hooks and its database cost.
The server needs no debug symbols, no restart and no change of its
configuration.
Most commands need root.
.SH COMMANDS
${list.join("\n")}
.SH SERVICE
.B systemctl enable \\-\\-now kea\\-ebpf\\-exporter
watches every Kea of this host, and serves the metrics for Prometheus at
http://127.0.0.1:10047/metrics.
.B systemctl status kea\\-ebpf\\-exporter
shows which servers are watched.
Options stand in
.IR /etc/default/kea\\-ebpf\\-exporter .
.PP
.B systemctl enable \\-\\-now kea\\-ebpf\\-exporter.socket
before that serves them at the Unix socket
.IR /run/kea\\-ebpf\\-exporter.sock ,
too.
.SH DETAILS
${details.join("\n")}
.SH EXIT STATUS
0 done, 1 failed, 2 wrong usage, 3 done but something was not seen (with
.BR \\-\\-strict ).
.SH FILES
.TP
.I /etc/default/kea\\-ebpf\\-exporter
Options of the service.
.TP
.I /var/lib/kea\\-ebpf\\-monitoring
What waits to be sent.
.TP
.I /var/cache/kea\\-ebpf\\-monitoring
What can be made again.
.TP
.I /usr/share/kea\\-ebpf\\-monitoring
Dashboards for Grafana, alert rules and scrape configurations for Prometheus.
.SH SEE ALSO
.BR bpftrace (8),
.BR kea\\-dhcp4 (8),
.BR kea\\-dhcp6 (8),
.BR systemctl (1)
`;
}

/**
 * What the commands of a staged project print with `--help`.
 *
 * @param start a command line of the staged project.
 * @throws {PackageError} when one does not start.
 */
export async function helpsOf(
  commands: readonly ShippedCommand[],
  start: (command: ShippedCommand) => readonly [string, ...string[]],
): Promise<(readonly [ShippedCommand, string])[]> {
  const helps: (readonly [ShippedCommand, string])[] = [];
  for (const command of commands) {
    const ran = await run([...start(command), "--help"], { environment: { NO_COLOR: "1" } });
    if (ran.code !== 0) throw new PackageError(`Cannot start "${command.name}" of the package`);
    helps.push([command, textOf(ran)]);
  }
  return helps;
}

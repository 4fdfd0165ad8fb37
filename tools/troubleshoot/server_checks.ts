/**
 * Whether a Kea runs, which configuration it has, and whether it can listen.
 *
 * @module
 */

import { subnetsIn } from "../../discovery/configuration/dhcp_configuration.ts";
import { configurationOf } from "../../discovery/configuration/server_configuration.ts";
import { binutils } from "../../discovery/code/elf.ts";
import { interfacesMeant, interfacesOf } from "../../discovery/network_addresses.ts";
import { testConfiguration } from "./test_configuration.ts";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { ChoiceError, chooseServer } from "../../discovery/servers.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { whyUnseen } from "../../probes/host_process_id.ts";
import { parseStat } from "../../system/proc.ts";
import { isFirstProcessNamespace, sharesNamespace } from "../../system/namespaces.ts";
import { matchesAddress } from "./firewall/addresses.ts";
import {
  type Check,
  linksOf,
  meantBy,
  note,
  notKnown,
  ofConfiguration,
  ofServer,
  ok,
  outputHere,
  problem,
  skipped,
  textOf,
} from "./check.ts";
import { PORT_CHECK } from "./port_check.ts";

/** The server, from the outside in. */
export const SERVER_CHECKS: readonly Check[] = [
  {
    name: "Kea installed",
    look: async () => {
      const found = await outputHere(
        "sh",
        "-c",
        "PATH=$PATH:/usr/sbin; for p in kea-dhcp4 kea-dhcp6; do command -v $p; done; true",
      );
      const paths = found?.stdout.trim().split("\n").filter((path) => path !== "") ?? [];
      if (paths.length > 0) return ok(paths.join(", "));
      return note("no kea-dhcp4 and no kea-dhcp6 on this host", "it may run in a container");
    },
  },
  {
    name: "Kea running",
    look: async (facts) => {
      if (!facts.canLook) return skipped("this process may not read others");
      try {
        facts.server = await chooseServer(facts.selector);
      } catch (error) {
        // Several run: the user must choose.
        if (error instanceof ChoiceError) throw error;
        const unit = facts.selector === "dhcp6" ? "kea-dhcp6-server" : "kea-dhcp4-server";
        return problem(
          (error as Error).message.split(": ")[0]!,
          "clients get no answer, and there is nothing to watch",
          `systemctl start ${unit}; journalctl -u ${unit} shows why it ended`,
        );
      }
      const { pid, executable } = facts.server;
      return ok(`process ${pid}, ${executable.path}`);
    },
  },
  ofServer("Kea goes on", async ({ pid }) => {
    const { state } = parseStat(await textOf(`/proc/${pid}/stat`) ?? "");
    if (state !== "T" && state !== "t") return ok("it is not stopped");
    return problem(
      `process ${pid} is stopped (state ${state})`,
      "it answers no one until it continues; its socket fills up, then the kernel drops packets",
      `kill -CONT ${pid}, unless a debugger stopped it`,
    );
  }),
  ofServer("process numbers", async (server, { canLook }) => {
    if (!canLook) return skipped("this process may not read others");
    if (await isFirstProcessNamespace()) return ok("those of the kernel");
    const bpftrace = await findBpftrace().catch(() => null);
    if (bpftrace === null) return skipped("there is no bpftrace");
    const why = await whyUnseen(server, bpftrace);
    if (why === null) return ok("the server's own number was found: programs see its system calls");
    return notKnown("whether programs see the server from this process namespace", why);
  }),
  ofServer("version", async ({ pid, version, executable, hookLibraries }) => {
    const sections = await binutils("readelf", ["-SW", executable.pinnedPath]);
    const isStripped = !/ \.symtab|\.debug_info/.test(sections);
    const since = await startOf(pid);
    const hooks = hookLibraries.length === 0 ? "" : `, ${hookLibraries.length} hook libraries`;
    const replaced = executable.replaced
      ? "; the package has been replaced: restart the server to run the new version"
      : "";
    return ok(
      `Kea ${version}, ${
        isStripped ? "stripped" : "with symbols"
      }, since ${since}${hooks}${replaced}`,
    );
  }),
  ofServer("namespaces", async ({ pid }) => {
    const others: string[] = [];
    for (const kind of ["mnt", "net", "pid"] as const) {
      if (!await sharesNamespace(pid, kind)) others.push(kind);
    }
    if (others.length === 0) return ok("those of this host");
    return note(
      `it has its own: ${others.join(", ")}`,
      "a container, a systemd unit or ip netns; the checks below apply to that namespace",
    );
  }),
  ofServer("configuration", async (server, facts) => {
    const { pid, family, executable } = server;
    try {
      facts.configuration = await configurationOf(pid, family);
    } catch (error) {
      if (!(error instanceof DiscoveryError)) throw error;
      facts.whyNoConfiguration = error.message;
      return notKnown(error.message, "checks that need it are not done");
    }
    const { path, from, whyNotServer } = facts.configuration;
    const read = from === "server" ? "as the server runs it" : `from the file: ${whyNotServer}`;
    const tested = await testConfiguration(server, path);
    if (!tested.isRun) {
      return notKnown(
        `${path}, read ${read}, was not tested: ${tested.why}`,
        `to test it, type where the server runs: kea-dhcp${family} -t ${path}`,
      );
    }
    const { code, stdout, stderr, exceeded } = tested.ran;
    if (code === 0) return ok(`${path}, read ${read}`);
    if (exceeded !== null) {
      return notKnown(
        `${path}: ${executable.path} -t did not end`,
        "it may be waiting for a database",
      );
    }
    const words = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim()
      .split("\n").at(-1)!;
    return problem(
      `${path} does not pass: ${words.replace(/^.*?(Syntax check failed with|ERROR)/, "$1")}`,
      "the server keeps its current configuration, and will not start again after a restart",
      `fix it, then kea-dhcp${family} -t ${path}`,
    );
  }),
  ofConfiguration("interfaces", async (configuration, server, facts) => {
    const { path, dhcp } = configuration;
    facts.interfaces = await interfacesOf(server.pid, server.family);
    if ((dhcp["interfaces-config"]?.interfaces ?? []).length === 0) {
      return problem(
        "the configuration names no interface",
        "the server does not listen",
        `name one in interfaces-config of ${path}, or "*"`,
      );
    }
    const meant = meantBy(configuration, facts);
    const lost = meant.filter(({ name }) => facts.interfaces!.every((one) => one.name !== name));
    if (lost.length === 0) return ok(meant.map(({ name }) => name).join(", "));
    return problem(
      `${lost.map(({ name }) => name).join(", ")} of the configuration does not exist`,
      "the server does not listen there, and may not start again",
      `there are ${facts.interfaces.map(({ name }) => name).join(", ")}: fix ${path}`,
    );
  }),
  ofConfiguration("interfaces up", (configuration, _server, facts) => {
    const { interfaces } = facts;
    const configured = configuration.dhcp["interfaces-config"]?.interfaces ?? [];
    const meant = meantBy(configuration, facts);
    const isDown = ({ name }: { readonly name: string }) =>
      interfaces?.some((one) => one.name === name && !one.isUp) === true;
    const named = interfacesMeant(configured.filter((entry) => entry !== "*"), interfaces ?? []);
    const lost = named.filter(isDown);
    const passedOver = meant.filter((one) => isDown(one) && !lost.some(isSameName(one)));
    if (lost.length === 0 && passedOver.length < meant.length) {
      // With "*", Kea takes those that are up.
      return passedOver.length === 0
        ? ok("all are")
        : ok(`all but ${namesIn(passedOver)}, which "*" passes over`);
    }
    const down = lost.length > 0 ? lost : passedOver;
    if (down.length === 0) return skipped("there is no interface");
    return problem(
      `${namesIn(down)} is down, or has no carrier`,
      "no packet can be received or sent there",
      `ip link set ${down[0]!.name} up, and look at the cable or the other end`,
    );
  }),
  ofConfiguration("addresses", (configuration, { family, sockets }, facts) => {
    const there = linksOf(configuration, facts);
    if (there.length === 0) return skipped("there is no such interface");
    const addresses = there.flatMap(({ addresses }) => addresses.map(({ address }) => address));
    const subnets = subnetsIn(configuration.dhcp, family);
    if (subnets.length === 0) {
      return problem(
        "the configuration has no subnet",
        "the server has no address to give",
        `add one to subnet${family}`,
      );
    }
    if (addresses.length === 0) {
      return problem(
        `${there.map(({ name }) => name).join(", ")} has no address`,
        "the server opens no socket there, and does not know the subnet of its link",
        `ip address add ADDRESS/LENGTH dev ${there[0]!.name}`,
      );
    }
    if (family === 6) return ok(addresses.join(", "));
    const isServed = addresses.some((address) =>
      subnets.some(({ subnet }) => matchesAddress(subnet, address))
    ) || subnets.some((subnet) => there.some(({ name }) => name === subnet.interface));
    if (isServed) return ok(addresses.join(", "));
    // UDP sockets do not serve clients on the link anyway.
    if (!sockets.includes("raw")) return ok(`${addresses.join(", ")}; clients come through relays`);
    return note(
      `${addresses.join(", ")} is in none of ${subnets.map(({ subnet }) => subnet).join(", ")}`,
      "clients on the server's own link get no address, relayed ones do",
    );
  }),
  ofServer("listening", ({ sockets, family }, { configuration }) => {
    const configured = configuration?.dhcp["interfaces-config"]?.["dhcp-socket-type"] ?? "raw";
    if (sockets.length > 0) return ok(`${sockets.join(", ")} sockets`);
    return problem(
      `no socket on port ${family === 4 ? 67 : 547} is open, ${
        family === 4 ? configured : "udp"
      } is configured`,
      "the server runs but hears no client: an interface was down or had no address when it started",
      "restart it, or send config-reload to its control socket",
    );
  }),
  PORT_CHECK,
];

const namesIn = (interfaces: readonly { readonly name: string }[]) =>
  interfaces.map(({ name }) => name).join(", ");

const isSameName = ({ name }: { readonly name: string }) => (other: { readonly name: string }) =>
  other.name === name;

async function startOf(pid: number): Promise<string> {
  const started = (await Deno.stat(`/proc/${pid}`)).mtime;
  const { startTicks } = parseStat(await textOf(`/proc/${pid}/stat`) ?? "");
  const boot = /^btime (\d+)/m.exec(await Deno.readTextFile("/proc/stat"))?.[1];
  const time = boot === undefined
    ? started ?? new Date()
    : new Date((Number(boot) + startTicks / 100) * 1000);
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

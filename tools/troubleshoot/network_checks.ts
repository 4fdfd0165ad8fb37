/**
 * Everything between clients and a Kea: firewall, routes, links, queues, clocks.
 *
 * @module
 */

import { subnetsIn } from "../../discovery/configuration/dhcp_configuration.ts";
import { ServerSampler } from "../../probes/server_sample.ts";
import { coresOf } from "../../system/cpu_limit.ts";
import {
  type Check,
  linksOf,
  meantBy,
  note,
  notKnown,
  ofConfiguration,
  ofServer,
  ok,
  outputAt,
  problem,
  skipped,
  textOf,
} from "./check.ts";
import { FIREWALL_CHECK } from "./firewall_check.ts";

/** The least MTU for a DHCP packet of 576 bytes, which every client must accept (RFC 2131). */
const LEAST_MTU = 576;

/** Checks of the network. */
export const NETWORK_CHECKS: readonly Check[] = [
  FIREWALL_CHECK,
  ofConfiguration("relays", async ({ dhcp }, server) => {
    const relays = [
      ...new Set(
        subnetsIn(dhcp, server.family).flatMap(({ relay }) => relay?.["ip-addresses"] ?? []),
      ),
    ];
    if (relays.length === 0) return skipped("no subnet names one");
    for (const relay of relays) {
      const route = await outputAt(server, "ip", "route", "get", relay);
      if (route === null) return notKnown("routes", "there is no ip: apt-get install iproute2");
      if (route.code === 0) continue;
      return problem(
        `there is no route to the relay ${relay}`,
        "requests may arrive, but answers cannot be sent",
        `ip route add ${relay} via GATEWAY`,
      );
    }
    return ok(`routes to ${relays.length}`);
  }),
  ofConfiguration("rp_filter", async (configuration, server, facts) => {
    const strict: string[] = [];
    for (const { name } of meantBy(configuration, facts)) {
      const [all, own] = await Promise.all(
        ["all", name].map((one) =>
          outputAt(server, "cat", `/proc/sys/net/ipv4/conf/${one}/rp_filter`)
        ),
      );
      if (all?.code !== 0 || own?.code !== 0) {
        return notKnown(`rp_filter of ${name}`, "it cannot be read where the server is");
      }
      if (Math.max(Number(all.stdout), Number(own.stdout)) === 1) strict.push(name);
    }
    if (strict.length === 0) return ok("not strict");
    return note(
      `strict on ${strict.join(", ")}`,
      "with UDP sockets, requests of relays behind another interface are dropped silently",
    );
  }),
  ofServer("bridge filter", async (server) => {
    const setting = await outputAt(server, "cat", "/proc/sys/net/bridge/bridge-nf-call-iptables");
    if (setting?.stdout.trim() !== "1") return ok("bridged packets bypass the firewall");
    return note(
      "bridged packets pass iptables",
      "a rule meant for this host can drop DHCP between machines on its bridges",
    );
  }),
  ofConfiguration("MTU", (configuration, _server, facts) => {
    const small = linksOf(configuration, facts).filter(({ mtu }) => mtu < LEAST_MTU);
    if (small.length === 0) return ok("large enough");
    const { name, mtu } = small[0]!;
    return problem(
      `the MTU of ${name} is ${mtu} bytes`,
      `answers of up to ${LEAST_MTU} bytes are fragmented or not sent`,
      `ip link set ${name} mtu 1500`,
    );
  }),
  ofConfiguration("checksum offload", (configuration, { sockets }, facts) => {
    const links = linksOf(configuration, facts)
      .filter(({ kind }) => kind !== null && /^(veth|tun|bridge|macvlan)$/.test(kind));
    if (links.length === 0 || !sockets.includes("udp")) return ok("no problem here");
    return note(
      `${links.map(({ name, kind }) => `${name} is a ${kind}`).join(", ")}`,
      "answers leave it with incomplete checksums; some clients on the same host drop them " +
        "(ethtool -K DEVICE tx off helps)",
    );
  }),
  ofServer("packets dropped", async (server) => {
    const sockets = await new ServerSampler(server.pid).sockets(server.sockets);
    if (sockets.length === 0) {
      return server.sockets.length === 0
        ? skipped("it has no socket")
        : notKnown("its sockets", "ss shows none of them");
    }
    const drops = sockets.reduce((sum, { drops }) => sum + drops, 0);
    const waiting = sockets.reduce((sum, socket) => sum + socket.queued_bytes, 0);
    if (drops === 0) return ok(`none at its sockets; ${waiting} bytes wait there`);
    return problem(
      `the kernel dropped ${drops} packets at its sockets since they were opened`,
      "they came faster than Kea read them, or Kea stood still; Kea does not count them",
      "watch it (./denow task monitor) to see whether it continues; more threads or a faster lease " +
        "backend help, net.core.rmem_default makes the queue longer",
    );
  }),
  ofConfiguration("drops on the link", (configuration, _server, facts) => {
    const links = linksOf(configuration, facts).filter(({ dropped }) => dropped > 0);
    if (links.length === 0) return ok("none");
    return note(
      links.map(({ name, dropped }) => `${name}: ${dropped} received packets`).join(", "),
      "of any kind, since the link exists; ethtool -S shows more",
    );
  }),
  ofServer("threads", async ({ pid, threads }) => {
    const cores = await coresOf(pid);
    if (cores === null) {
      return notKnown(
        `${threads} threads`,
        "its control group, which may limit it, is not visible here",
      );
    }
    if (cores === Infinity) return ok(`${threads}, without a limit of CPU`);
    if (threads <= cores * 4) return ok(`${threads} on ${cores} cores`);
    return note(
      `${threads} threads on ${cores} cores of its cgroup`,
      "Kea counts the machine's cores; too many threads slow each other down (thread-pool-size)",
    );
  }),
  {
    name: "clock",
    look: async () => {
      const year = new Date().getUTCFullYear();
      if (year < 2024) {
        return problem(
          `it is the year ${year}`,
          "leases end at the wrong time, and may be given twice after the clock is corrected",
          "set the clock, and use NTP",
        );
      }
      const offset = await textOf("/sys/class/rtc/rtc0/since_epoch");
      const apart = offset === null ? 0 : Math.abs(Number(offset) - Date.now() / 1000);
      if (apart < 60) return ok(`${new Date().toISOString().slice(0, 19).replace("T", " ")} UTC`);
      return note(`the hardware clock is ${apart.toFixed(0)} s away`, "one of them is wrong");
    },
  },
];

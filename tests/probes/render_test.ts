import assert from "node:assert/strict";
import type { Server } from "../../discovery/types.ts";
import { callTracers, plan } from "../../probes/plan.ts";
import { programTexts } from "../../probes/program_texts.ts";
import type { Profile } from "../../probes/programs.ts";
import {
  render as renderFor,
  type RenderContext,
  UnsafeProgramError,
} from "../../probes/render.ts";
import { factsOf, KERNEL, server, site, SITES } from "./server_and_sites.ts";

const attachPoints = new Map(
  SITES.map(({ id, address }) => [id, `"/proc/4242/exe":0x${address.toString(16)}`]),
);
const deep = plan(factsOf(server(), { sites: SITES, refusals: [] }), "deep");
const standard = plan(factsOf(server(), { sites: SITES, refusals: [] }), "standard");
const light = plan(factsOf(server(), { sites: SITES, refusals: [] }), "light");
const texts = await programTexts();
const render = (
  ...[made, from, points, intervalMs, context]: Parameters<typeof renderFor>
) => renderFor(made, from, points, intervalMs, { kernel: KERNEL, ...context });
const altered = (file: string, change: (text: string) => string) => ({
  ...texts,
  programs: new Map([...texts.programs, [file, change(texts.programs.get(file)!)]]),
});

Deno.test("render() fills in process and sites, and counts its probes", () => {
  const { program, probes, maps } = render(deep, texts, attachPoints, 1000);
  assert.doesNotMatch(program, /\{\{/);
  assert.match(program, /uprobe:"\/proc\/4242\/exe":0x7928d\n\/pid == 4242\//);
  const points = program.match(/^(tracepoint|uprobe|interval):/gm)!.length;
  assert.equal(probes, points);
  assert.ok(maps.includes("@allocation") && maps.includes("@lease_file_write"));
});

Deno.test("render() splits the time in stages only beside the programs that know them", () => {
  const programOf = (plan: typeof deep) => render(plan, texts, attachPoints, 1000).program;
  assert.match(programOf(deep), /@stage\[\$message, 1, \$bucket\]/);
  assert.match(programOf(standard), /@before\[\$message, \$bucket\]/);
  assert.doesNotMatch(programOf(standard), /@stage/);
  assert.doesNotMatch(programOf(light), /@(stage|before|allocation)/);
});

Deno.test("render() reads what a thread waits in only where the registers' place is known", () => {
  const known = render(deep, texts, attachPoints, 1000, { registers: 16_216 }).program;
  assert.match(known, /= \*\(uint64\*\)kptr\(\(uint64\)curtask \+ 32\) \+ 16216;\n/);
  assert.match(known, /if \(\$call == 65 \|\| \$call == 72 .*\$cause = \(uint64\)2; \}/);
  const unknown = render(deep, texts, attachPoints, 1000).program;
  assert.doesNotMatch(unknown, /\$call\b|\$registers|\$inode/);
  for (const program of [known, unknown]) assert.match(program, /^tracepoint:sched:sched_switch$/m);
  assert.doesNotMatch(render(standard, texts, attachPoints, 1000).program, /@wait|sched_switch/);
});

Deno.test("render() has bpftrace look up no type of the kernel, which makes it start late", () => {
  const atSockets = plan(
    factsOf(server(), { sites: SITES, refusals: [] }, {
      kernel: { hasRegisters: true, reportsSockets: true },
    }),
    "deep",
  );
  const { program } = render(atSockets, texts, attachPoints, 1000, { registers: 16_216 });
  assert.match(program, /kptr\(\(uint64\)args->skbaddr \+ 24\)/);
  assert.doesNotMatch(program.replace(/\/\/.*$/gm, ""), /curtask->|\bstruct\b/);
});

Deno.test("render() compares and keys by the host's numbers where /proc shows others", () => {
  const { program } = render(deep, texts, attachPoints, 1000, { hostPid: 31_415 });
  assert.match(program, /uprobe:.*\n\/curtask->tgid == 31415\//);
  assert.match(program, /@write_start\[curtask->pid\] = nsecs/);
  const code = program.replace(/\/\/.*$/gm, "");
  // The thread of a scheduler's event has the host's number.
  assert.doesNotMatch(code, /4242\/\n|\b(?<!curtask->|args->)[pt]id\b/);
});

Deno.test("render() puts recvmsg where the server receives with it", () => {
  const receiving = plan(
    factsOf(server(), { sites: SITES, refusals: [] }, { receiveCall: { known: "recvmsg" } }),
    "light",
  );
  for (const registers of [0, 16_216]) {
    const { program, probes } = render(receiving, texts, attachPoints, 1000, { registers });
    assert.match(program, /^tracepoint:syscalls:sys_exit_recvmsg$/m);
    assert.doesNotMatch(program, /sys_(enter|exit)_read\b/);
    assert.equal(program.includes("sys_enter_recvmsg"), registers === 0);
    assert.match(program, /\$frame = \*\(uint64\*\)uptr\(\*\(uint64\*\)uptr\(\$argument \+ 16\)\)/);
    assert.equal(probes, render(light, texts, attachPoints, 1000, { registers }).probes);
  }
});

Deno.test("render() traces no system call where packets are seen at the sockets", () => {
  const atSockets = (changes: Partial<Server>, profile: Profile) =>
    plan(
      factsOf(server(changes), { sites: SITES, refusals: [] }, {
        kernel: { hasRegisters: true, reportsSockets: true },
      }),
      profile,
    );
  const programOf = (plan: typeof light) =>
    render(plan, texts, attachPoints, 1000, { registers: 16_216 }).program;
  for (
    const [changes, family] of [
      [{}, 17],
      [{ sockets: ["udp"] }, 2],
      [{ sockets: ["udp"], family: 6 }, 10],
    ] as const
  ) {
    const program = programOf(atSockets(changes, "light"));
    assert.doesNotMatch(program, /tracepoint:syscalls|@call\b|http/);
    for (const event of ["sock_recv_length", "sock_send_length"]) {
      assert.match(program, new RegExp(`^tracepoint:sock:${event}\n.*family == ${family}\\b`, "m"));
    }
    assert.match(program, /^tracepoint:net:net_dev_queue$/m);
  }
  const ha = { hookLibraries: ["/usr/lib/kea/hooks/libdhcp_ha.so"] };
  assert.deepEqual(callTracers(atSockets(ha, "light")), []);
  assert.deepEqual(callTracers(atSockets(ha, "standard")), ["partner.bt"]);
  assert.deepEqual(callTracers(atSockets({}, "deep")), []);
  // The partner's connection has its own probe, which no program of packets has.
  const [sendto] = programOf(atSockets(ha, "standard")).match(
    /^tracepoint:.*sys_enter_sendto\n.*/m,
  )!;
  assert.match(sendto, /args->addr == 0/);
});

Deno.test("render() leaves out the probe at a read's entry where registers can be read", () => {
  const without = render(light, texts, attachPoints, 1000);
  const withRegisters = render(light, texts, attachPoints, 1000, { registers: 16216 });
  assert.match(without.program, /sys_enter_read\n\/pid == 4242 && args->count >= 300\/\n/);
  assert.doesNotMatch(withRegisters.program, /sys_enter_read|@call/);
  assert.match(withRegisters.program, /\$registers \+ 104/);
  assert.equal(withRegisters.probes, without.probes - 1);
  const points = withRegisters.program.match(/^(tracepoint|uprobe|interval):/gm)!.length;
  assert.equal(withRegisters.probes, points);
});

Deno.test("render() prints no map that its program does not have", () => {
  const { program, maps } = render(deep, texts, attachPoints, 1000);
  assert.ok(!maps.includes("@socket_wait") && !maps.includes("@before"));
  assert.ok(maps.includes("@stage") && program.includes("print(@stage);"));
  for (const map of maps) {
    assert.ok(program.includes(`${map}[`) || program.includes(`${map} =`), map);
  }
});

Deno.test("render() refuses a program that uses a parameter or a part that there is not", () => {
  for (
    const line of [
      "// {{nothing}}",
      "{{#if nothing}}{{/if}}",
      "{{#unless nothing}}{{/unless}}",
      "{{> nothing}}",
      '{{uprobe "nothing"}}',
    ]
  ) {
    assert.throws(
      () => render(light, altered("packets_raw.bt", (t) => `${t}\n${line}`), attachPoints, 1000),
      UnsafeProgramError,
      line,
    );
  }
});

Deno.test("render() refuses a program whose braces do not match", () => {
  for (const line of ["{", "}", "}{"]) {
    assert.throws(
      () => render(light, altered("packets_raw.bt", (t) => `${t}\n${line}`), attachPoints, 1000),
      /has unbalanced braces/,
    );
  }
});

Deno.test("render() refuses return probes in every spelling", () => {
  for (const probe of ['uretprobe:"/x":f { }', 'ur:"/x":f { }', "kretprobe:f { }"]) {
    assert.throws(
      () => render(light, altered("packets_raw.bt", (t) => `${t}\n${probe}`), attachPoints, 1000),
      UnsafeProgramError,
      probe,
    );
  }
});

Deno.test("render() refuses programs that act on the system or name an address themselves", () => {
  for (
    const probe of [
      'interval:s:1 { system("x"); }',
      "interval:s:1 { signal(9); }",
      'uprobe:"/usr/sbin/kea-dhcp4":0x1234 { }',
    ]
  ) {
    assert.throws(
      () => render(light, altered("packets_raw.bt", (t) => `${t}\n${probe}`), attachPoints, 1000),
      UnsafeProgramError,
      probe,
    );
  }
});

Deno.test("render() refuses two programs on one tracepoint", () => {
  const twice = altered(
    "exceptions.bt",
    (t) => `${t}\ntracepoint:syscalls:sys_enter_sendto\n{ }\n`,
  );
  assert.throws(
    () => render(light, twice, attachPoints, 1000),
    /"packets_raw.bt" and "exceptions.bt" both use tracepoint/,
  );
});

Deno.test("render() refuses a site that does not carry its proof", () => {
  const breakages = [
    { proof: undefined },
    { proof: { ...SITES[1]!.proof, buildId: "other" } },
    { proof: { ...SITES[1]!.proof, inode: 1 } },
    { proof: { ...SITES[1]!.proof, bytes: "" } },
    { address: 0x99999 },
  ];
  for (const breakage of breakages) {
    const broken = {
      ...deep,
      sources: deep.sources.map((source) => ({
        ...source,
        sites: source.sites.map((s) =>
          s.id === "allocation.start.0" ? { ...s, ...breakage } as typeof s : s
        ),
      })),
    };
    assert.throws(
      () => render(broken, texts, attachPoints, 1000),
      /Site "allocation.start.0" does not carry its proof/,
    );
  }
});

const FACTS = { entry: "bx", handle: "bp", hook: "0x8c", status: "0x90" };
const CALLOUTS = ["callouts.start", "callouts.end.0", "callouts.done"].map((id) =>
  site(id, id === "callouts.done" ? {} : { facts: FACTS })
);

/** The part of a program that is callouts.bt. */
function calloutsWith(sites: typeof CALLOUTS): string {
  const made = plan(
    factsOf(server({ hookLibraries: ["/usr/lib/kea/hooks/libdhcp_ha.so"] }), {
      sites: [...SITES, ...sites],
      refusals: [],
    }),
    "deep",
  );
  const points = new Map([
    ...attachPoints,
    ...sites.map(({ id }) => [id, `"/lib":${id}`] as const),
  ]);
  const { program } = render(made, texts, points, 1000);
  return program.slice(program.indexOf("// callouts.bt"));
}

Deno.test("render() fills in what the code around a site says", () => {
  assert.match(calloutsWith(CALLOUTS), /uptr\(reg\("bp"\) \+ 0x90\)/);
});

Deno.test("render() refuses a program that lacks what it needs to know", () => {
  const { entry: _, ...rest } = FACTS;
  const poor = CALLOUTS.map((each) => each.facts === undefined ? each : { ...each, facts: rest });
  assert.throws(() => calloutsWith(poor as typeof CALLOUTS), UnsafeProgramError);
});

Deno.test("render() leaves out a probe that it can do without", () => {
  assert.match(calloutsWith(CALLOUTS), /uprobe:"\/lib":callouts\.done/);
  const program = calloutsWith(CALLOUTS.slice(0, 2));
  assert.doesNotMatch(program, /callouts\.done|delete\(@parked/);
});

Deno.test("render() counts clients, relays and interfaces only where a user asks for it", () => {
  const rendered = (context: Partial<RenderContext>) =>
    render(light, texts, attachPoints, 1000, context);
  const plain = rendered({});
  assert.doesNotMatch(plain.program, /@(clients|relays|relay_time|interface_time|group|top)/);
  const top = rendered({ top: true });
  assert.ok(top.maps.includes("@clients") && top.maps.includes("@relays"));
  // Neither place nor list can have more keys than a map.
  assert.match(top.program, /\$at = \(\$who >> \(50 - 14 \* \$attempt\)\) & 0x3fff;/);
  assert.match(top.program, /@top_begun = 1;/);
  for (const by of ["relay", "interface"] as const) {
    const { program, maps } = rendered({ by });
    assert.deepEqual(maps.filter((map) => !plain.maps.includes(map)), [`@${by}_time`]);
    assert.match(program, /if \(\$groups < 200\)/);
  }
});

Deno.test("render() sees what goes to the partner in the one probe of sendto", () => {
  const pair = server({ hookLibraries: ["/usr/lib/kea/hooks/libdhcp_ha.so"] });
  const rendered = (sockets: ("raw" | "udp")[]) =>
    render(
      plan(factsOf({ ...pair, sockets }, { sites: [], refusals: [] }), "standard"),
      texts,
      attachPoints,
      1000,
      { registers: 16_216 },
    ).program;
  for (const sockets of ["raw", "udp"] as const) {
    const program = rendered([sockets]);
    assert.equal(program.match(/^tracepoint:syscalls:sys_enter_sendto$/gm)?.length, 1, sockets);
    assert.match(program, /@partner_time\[\$direction, \$command, \$bucket\]/);
    assert.doesNotMatch(program, /sys_enter_recvfrom/);
  }
  assert.doesNotMatch(render(standard, texts, attachPoints, 1000).program, /@http|recvfrom/);
});

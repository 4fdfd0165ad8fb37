/** The wrapper, copied alone into an empty folder and cut off from every network. Needs root. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { finished, follow, must, ROOT, UNPRIVILEGED } from "./run_script.ts";

const WRAPPER = join(ROOT, "tools", "dras_wrapper.ts");

/** A stand-in for dras: records its arguments, then does what a test says. */
const STAND_IN = `#!/bin/sh
for argument in "$@"; do printf '%s\\0' "$argument"; done >"$RECORD"
eval "$DO"
`;

/** A folder with the wrapper alone, a stand-in elsewhere, and a way to run it without a network. */
async function withAlone(
  test: (alone: {
    readonly run: (
      args: readonly string[],
      env?: Record<string, string>,
      around?: readonly string[],
    ) => Deno.ChildProcess;
    readonly folder: string;
    readonly dras: string;
    readonly record: () => string[];
  }) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kea-dras-test-" });
  try {
    const [folder, cache, odd] = ["alone", "cache", "odd 'place'"].map((name) => join(root, name));
    for (const path of [folder!, cache!, odd!]) await Deno.mkdir(path);
    await Deno.copyFile(WRAPPER, join(folder!, "dras_wrapper.ts"));
    const dras = join(odd!, "dras");
    await Deno.writeTextFile(dras, STAND_IN, { mode: 0o755 });
    const record = join(root, "record");
    const run = (
      args: readonly string[],
      env: Record<string, string> = {},
      around: readonly string[] = [],
    ) =>
      new Deno.Command("unshare", {
        args: [
          ...["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
          ...[...around, Deno.execPath(), "run", "-A", "--quiet", "dras_wrapper.ts", ...args],
        ],
        cwd: folder!,
        env: { DENO_DIR: cache!, NO_COLOR: "1", RECORD: record, DO: "true", ...env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    await test({
      run,
      folder: folder!,
      dras,
      record: () => Deno.readTextFileSync(record).split("\0").slice(0, -1),
    });
    assert.deepEqual(
      Array.from(Deno.readDirSync(folder!), ({ name }) => name),
      ["dras_wrapper.ts"],
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("dras_wrapper.ts imports nothing but node: modules", async () => {
  const text = await Deno.readTextFile(WRAPPER);
  const imported = [...text.matchAll(/^(?:import|\}) .*?from "([^"]+)"|\bimport\("([^"]+)"\)/gm)];
  assert.ok(imported.length > 5);
  for (const [, from, dynamic] of imported) assert.match(from ?? dynamic!, /^node:/);
});

Deno.test("the wrapper alone shows its help, and its command in a dry run", () =>
  withAlone(async ({ run, dras }) => {
    const help = await finished(run(["--help"]));
    assert.equal(help.code, 0, help.stderr);
    assert.match(help.stdout, /^Usage: deno run -A dras_wrapper\.ts -d <server>/);
    assert.match(help.stdout, /not publicly documented/);

    const dry = await finished(
      run(["-d", "10.1.2.3", "--dras", dras, "-i", "en 0", "--dry-run", "--json"]),
    );
    assert.equal(dry.code, 0, dry.stderr);
    const argv = ["-i", "en 0", "-n", "1000", "-r", "50", "-s", "lease", "-d", "10.1.2.3"];
    assert.deepEqual(JSON.parse(dry.stdout), { engine: "dras", command: [dras, ...argv] });

    // What it prints can be typed as it stands.
    const line = await finished(run(["-d", "10.1.2.3", "--dras", dras, "-i", "en 0", "--dry-run"]));
    const typed = await must("sh", "-c", `printf '%s\\n' ${line.stdout}`);
    assert.deepEqual(typed.trim().split("\n"), [dras, ...argv]);
  }));

Deno.test("the wrapper alone sends DHCPv6 with perfdhcp, as clients or as a relay", () =>
  withAlone(async ({ run }) => {
    const commandOf = async (...args: string[]) => {
      const { code, stdout, stderr } = await finished(run([...args, "-n", "9", "--dry-run"]));
      assert.equal(code, 0, stderr);
      return stdout.trim().replace(/^\S+\//, "");
    };
    const load = "perfdhcp -6 -r 50 -n 9 -R 9";
    assert.equal(
      await commandOf("-d", "all", "-i", "lo", "-e", "address-and-prefix"),
      `${load} -e address-and-prefix -W 1000000 -l lo all`,
    );
    assert.equal(
      await commandOf("-d", "::1", "-s", "release"),
      `${load} -F 25 -e address-only -W 1000000 -A 1 -l ::1 ::1`,
    );
  }));

Deno.test("the wrapper hands every argument to dras as it is, without a shell", () =>
  withAlone(async ({ run, dras, record }) => {
    const odd = ["--text", `a "b" 'c' $(touch x) \`d\` ; | & * \\`, "", "\u00e9 \n"];
    const { code, stderr, stdout } = await finished(run([
      ...["-d", "127.0.0.1", "--dras", dras, "-i", "lo", "-n", "7", "-r", "3", "-t", "9"],
      ...["-s", 'some thing\'s "scenario"', "--", ...odd],
    ], { DO: "echo sent; echo failed >&2; exit 0" }));
    assert.equal(code, 0, stderr);
    assert.deepEqual(record(), [
      ...["-i", "lo", "-n", "7", "-r", "3", "-t", "9"],
      ...["-s", 'some thing\'s "scenario"', "-d", "127.0.0.1", ...odd],
    ]);
    assert.match(stderr, /sent\n/);
    assert.match(stderr, /failed\n/);
    assert.match(stdout, /^dras ended with status 0 after \d+\.\d s\n$/);
  }));

Deno.test("the wrapper ends with dras's own status, or that of the signal that ended it", () =>
  withAlone(async ({ run, dras }) => {
    const cases = [["exit 0", 0], ["exit 7", 7], ["kill -KILL $$", 137], ["kill -SEGV $$", 139]];
    for (const [what, status] of cases as [string, number][]) {
      const args = ["-d", "127.0.0.1", "--dras", dras, "-i", "lo", "--json"];
      const { code, stdout } = await finished(run(args, { DO: what }));
      assert.equal(code, status, what);
      assert.equal(JSON.parse(stdout).status, status);
    }
  }));

Deno.test("the wrapper passes ^C on once, and ends with what dras makes of it", () =>
  withAlone(async ({ run, dras }) => {
    const wrapper = follow(run(["-d", "127.0.0.1", "--dras", dras, "-i", "lo"], {
      DO: "trap 'echo caught; n=$((n+1))' INT; n=40; echo ready >&2; " +
        "while [ $n = 40 ]; do sleep 0.1; done; sleep 0.5; exit $n",
    }));
    await wrapper.says(/^ready$/m);
    wrapper.child.kill("SIGINT");
    assert.equal((await wrapper.end).code, 41, wrapper.log());
    assert.equal(wrapper.log().match(/caught/g)?.length, 1);
  }));

Deno.test("the wrapper outlives a flood, and stops a dras that hangs", () =>
  withAlone(async ({ run, dras }) => {
    const args = ["-d", "127.0.0.1", "--dras", dras, "-i", "lo", "-n", "1", "-r", "1"];
    const flood = await finished(run(args, { DO: "yes flood | head -c 30000000" }));
    assert.equal(flood.code, 0);
    assert.equal(flood.stderr.match(/flood/g)?.length, 5_000_000);

    const { code, stdout } = await finished(
      run(args, { DO: "trap '' INT TERM; sleep 300 & wait" }),
    );
    assert.equal(code, 124);
    assert.match(stdout, /dras did not end in time and was stopped after 3\d\.\d s/);
  }));

Deno.test("the wrapper says in one line what is wrong, before anything is sent", () =>
  withAlone(async ({ run, dras, folder }) => {
    const there = ["--dras", dras, "-i", "lo"];
    const cases: [readonly string[], RegExp, number][] = [
      [[], /Cannot send without a server: give -d ADDRESS/, 2],
      [["-d", "127.0.0.1", "-r", "0"], /Cannot use -r "0"/, 2],
      [["-d", "127.0.0.1", "-n", "-3"], /-n|'-3'/, 2],
      [["-d", "127.0.0.1", "-n", "2.5"], /Cannot use -n "2\.5"/, 2],
      [["-d", "127.0.0.1", "-n", "1e3"], /Cannot use -n "1e3"/, 2],
      [
        ["-d", "127.0.0.1", "-n", "100", "-r", "10", "-t", "9"],
        /they take 10: give a longer -t/,
        2,
      ],
      [["-d", "127.0.0.1", "--engine", "nc"], /expected dras or perfdhcp/, 2],
      [["-d", "127.0.0.1", "--colour"], /Unknown option '--colour'/, 2],
      [["-d", "127.0.0.1", "stray"], /Cannot use "stray"/, 2],
      [["-d", "10.1.2"], /expected an IPv4 address, a name/, 2],
      [["-d", "fe80::1"], /expected an IPv4 address, a name, a global IPv6 address, or all/, 2],
      [["-d", "all"], /Cannot find a route to ff02::1:2: give its interface with -i/, 1],
      [
        ["-d", "fd77::1", "-i", "lo"],
        /Cannot find a route to fd77::1: give its interface with -i/,
        1,
      ],
      [["-d", "all", ...there], /Cannot send DHCPv6 with Dras, /, 2],
      [["-d", "all", "-e", "both"], /Cannot use -e "both": expected one of address-only, /, 2],
      [["-d", "127.0.0.1", "-e", "prefix-only"], /Cannot ask for prefix-only with DHCPv4/, 2],
      [["-d", "2001:db8::1", "-i", "lo"], /not a private address, .*: add --yes/, 1],
      [["-d", "nobody.invalid", ...there], /Cannot find the address of "nobody\.invalid"/, 1],
      [["-d", "127.0.0.1", "--dras", folder], /it is not a program, give the path of dras/, 1],
      [
        ["-d", "127.0.0.1", "--engine", "dras"],
        /Cannot find dras on PATH, in \/usr\/local\/bin/,
        1,
      ],
      [["-d", "10.1.2.3", "--dras", dras], /Cannot find a route to 10\.1\.2\.3: give .* -i/, 1],
      [["-d", "127.0.0.1", "--dras", dras, "-i", "en7"], /"en7", there is no such interface/, 1],
      [["-d", "8.8.8.8", ...there], /not a private address, without confirmation: add --yes/, 1],
      [["-d", "127.0.0.1", "-r", "1001", ...there], /1001 exchanges per second .* add --yes/, 1],
    ];
    for (const [args, message, status] of cases) {
      const { code, stdout, stderr } = await finished(run(args, { DO: "exit 99" }));
      assert.deepEqual([code, stdout], [status, ""], `${args}: ${stderr}`);
      assert.match(stderr, /^error: [^\n]+\n$/, stderr);
      assert.match(stderr, message);
    }
    const allowed = await finished(run(["-d", "127.0.0.1", "-r", "1001", "--yes", ...there]));
    assert.equal(allowed.code, 0, allowed.stderr);
  }));

Deno.test("the wrapper wants root to send, not to show", () =>
  withAlone(async ({ run }) => {
    const args = ["-d", "127.0.0.1", "--engine", "perfdhcp"];
    const refused = await finished(run(args, {}, UNPRIVILEGED));
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(
      refused.stderr,
      /^error: Cannot send as user 65534, expected root: sudo deno run/,
    );
    const shown = await finished(run([...args, "--dry-run"], {}, UNPRIVILEGED));
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /perfdhcp -4 -r 50 -n 1000 -R 1000 .* -l lo 127\.0\.0\.1$/m);
  }));

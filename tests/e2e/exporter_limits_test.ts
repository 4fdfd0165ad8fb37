/** What clients do to the exporter does not stop the watch. Needs root, Kea, bpftrace, curl and apt. */

import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { join } from "node:path";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ensurePrometheus } from "../../tools/lab/prometheus.ts";
import { unpackedPackage } from "../../tools/lab/unpacked_package.ts";
import { run } from "../../system/run.ts";
import { pythonProcess } from "../system/python_process.ts";
import { curl } from "./curl.ts";
import { follow, ROOT, startScript, until } from "./run_script.ts";

/** Opens 200 connections: half of them send the beginning of a request, the others nothing. */
const HOLDS_CONNECTIONS = "import socket, sys\n" +
  "held = [socket.create_connection(('127.0.0.1', sys.argv[1])) for _ in range(200)]\n" +
  "for one in held[::2]: one.send(b'GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n')\n" +
  "print('held', flush=True); sys.stdin.read()";

/** Anonymous memory of a process, MiB. */
function memoryOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

/** The address of a line such as "Listening on http://127.0.0.1:10047". */
const addressIn = (log: string) => /Listening on (http:\S+)/.exec(log)![1]!;

function freePort(hostname = "127.0.0.1"): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

Deno.test("200 connections, 1 GB and wrong passwords: the watch goes on, and every packet counts", async () => {
  await using lab = await startLab();
  const folder = await Deno.makeTempDir({ prefix: "kea-exporter-limits-test-" });
  await Deno.chmod(folder, 0o755);
  const config = join(folder, "web.yml");
  await Deno.writeTextFile(config, `basic_auth_users: {prom: ${await bcrypt.hash("secret", 10)}}`);
  const big = join(folder, "big");
  using file = await Deno.open(big, { write: true, createNew: true });
  await file.truncate(2 ** 30);
  const exporter = follow(startScript("export/exporter.ts", [
    ...["--server", String(lab.pid), "--profile", "light", "--reading", "0.5"],
    ...["--web.listen-address", "127.0.0.1:0", "--web.config.file", config],
    ...["--textfile", join(folder, "kea.prom")],
  ]));
  try {
    await exporter.says(/Listening on/);
    const url = addressIn(exporter.log());
    const get = (path: string, ...args: string[]) =>
      curl(...args, "-u", "prom:secret", `${url}${path}`);
    await until(async () => (await get("/-/ready")).status === 200, "the server is watched");
    await get("/metrics");
    const before = memoryOf(exporter.child.pid);

    await using _held = await pythonProcess(HOLDS_CONNECTIONS, [new URL(url).port]);
    const traffic = runPerfdhcp(lab, { rate: 50, exchanges: 211 });
    const guesses = Array.from(
      { length: 30 },
      (_, at) => curl("-u", `prom:${at}`, `${url}/metrics`),
    );
    const [posted, ...scrapes] = await Promise.all([
      curl("-u", "prom:secret", "-T", big, `${url}/metrics`),
      ...Array.from({ length: 10 }, () => get("/metrics", "--compressed")),
    ]);
    assert.equal(posted.status, 405);
    assert.deepEqual(scrapes.map(({ status }) => status), new Array(10).fill(200));
    const refused = (await Promise.all(guesses)).map(({ status }) => status);
    assert.deepEqual(refused.filter((status) => status !== 401 && status !== 429), []);
    const sent = Object.values(await traffic).reduce((sum, each) => sum + each.sent, 0);
    const received = `kea_ebpf_packets_received_total{server="dhcp4",socket="raw"} ${sent}\n`;
    let text = "";
    await until(async () => {
      text = (await get("/metrics")).body;
      return text.includes(received);
    }, `${sent} packets are counted`);
    assert.match(text, /^kea_ebpf_watch_complete\{server="dhcp4"\} 1$/m);
    assert.match(text, /^kea_ebpf_kernel_dropped_packets_total\{[^}]*socket="raw"\} 0$/m);
    const grown = memoryOf(exporter.child.pid) - before;
    assert.ok(grown < 64, `${grown} MiB more than before`);
    const { promtool } = await ensurePrometheus();
    const checked = await run([promtool, "check", "metrics"], { input: text });
    assert.deepEqual([checked.code, checked.stdout.length, checked.stderr.length], [0, 0, 0]);

    // No other process takes a port there.
    const host = "127.0.77.1";
    const address = `${host}:${freePort(host)}`;
    const package_ = await unpackedPackage("prometheus-node-exporter");
    const nodeExporter = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--", join(package_, "usr/bin/prometheus-node-exporter")],
        ...["--collector.disable-defaults", "--collector.textfile"],
        ...[`--collector.textfile.directory=${folder}`, `--web.listen-address=${address}`],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await until(async () => {
        const { body } = await curl(`http://${address}/metrics`);
        text = body;
        return body.includes("kea_ebpf_packets_received_total");
      }, "node_exporter shows the file");
      assert.match(text, /^node_textfile_scrape_error 0$/m);
      assert.ok(text.includes(received), "the same count");
    } finally {
      nodeExporter.kill("SIGKILL");
      await nodeExporter.status;
    }
  } finally {
    exporter.child.kill("SIGTERM");
    const { code, stderr } = await exporter.end;
    assert.equal(code, 0, stderr);
    const left = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(left, ["big", "web.yml"], "the textfile is removed");
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a socket that systemd opened is listened on, and one that is missing is an error", async () => {
  const script = join(ROOT, "export/exporter.ts");
  // No server has this process id.
  const options = ["--server", String(2 ** 30), "--web.systemd-socket"];
  const port = freePort();
  const activated = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--", "systemd-socket-activate", "-l", `127.0.0.1:${port}`],
      ...["-E", `PATH=${Deno.env.get("PATH")}`, "-E", `HOME=${Deno.env.get("HOME")}`],
      ...[Deno.execPath(), "run", "-A", "--quiet", script, ...options],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    let status = 0;
    await until(async () => {
      status = (await curl(`http://127.0.0.1:${port}/-/healthy`)).status;
      return status !== 0;
    }, "the socket is answered");
    assert.equal(status, 200);
    assert.equal((await curl(`http://127.0.0.1:${port}/-/ready`)).status, 503);
  } finally {
    activated.kill("SIGTERM");
    await activated.status;
  }
  const alone = await follow(startScript("export/exporter.ts", options)).end;
  assert.equal(alone.code, 1);
  assert.match(
    alone.stderr,
    /^error: Cannot find a socket of systemd \(no LISTEN_PID\): [^\n]+\n$/m,
  );
});

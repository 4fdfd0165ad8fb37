/** Certificates and proxies of OTLP; real sockets on this machine. */

import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { sent } from "./sent.ts";

async function openssl(folder: string, command: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args: command.split(" "),
    cwd: folder,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** A folder with ca.pem, and certificates and keys of a server and a client that it signed. */
async function certificates(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "kea-otlp-test-" });
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  await openssl(folder, `req -x509 ${key} -keyout ca.key -out ca.pem -days 1 -subj /CN=ca`);
  for (const [name, subject] of [["server", "IP:127.0.0.1"], ["client", "DNS:kea"]] as const) {
    await openssl(folder, `req ${key} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`);
    await Deno.writeTextFile(join(folder, "extensions"), `subjectAltName=${subject}`);
    const ca = "-CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions";
    await openssl(folder, `x509 -req -in ${name}.csr ${ca} -out ${name}.pem -days 1`);
  }
  return folder;
}

Deno.test("OtlpClient trusts the given certificate, and shows the client's", async () => {
  const folder = await certificates();
  const read = (name: string) => Deno.readTextFileSync(join(folder, name));
  const server = createServer({
    ...{ key: read("server.key"), cert: read("server.pem"), ca: read("ca.pem") },
    ...{ requestCert: true, rejectUnauthorized: true },
  }, (request, response) => {
    request.resume();
    request.on("end", () => response.end());
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const trust = { OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, "ca.pem") };
    const client = {
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: join(folder, "client.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: join(folder, "client.key"),
    };
    assert.equal((await sent(url, { ...trust, ...client })).kind, "accepted");
    const stranger = await sent(url, trust);
    assert.equal(stranger.kind, "retry");
    const trustless = await sent(url, client);
    assert.equal(trustless.kind, "retry");
    assert.match(
      JSON.stringify(trustless),
      /certificate.*\(OTEL_EXPORTER_OTLP_CERTIFICATE=FILE names a certificate to trust\)/,
    );
  } finally {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("OtlpClient goes through no proxy to a receiver of this host, and through one to others", async () => {
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const proxied: string[] = [];
  await using proxy = Deno.serve(options, (request) => {
    proxied.push(request.url);
    return new Response("", { status: 502 });
  });
  let direct = 0;
  await using receiver = Deno.serve(options, async (request) => {
    await request.arrayBuffer();
    direct++;
    return new Response(null);
  });
  const urls = [`http://127.0.0.1:${receiver.addr.port}`, "http://collector.invalid:4318"];
  // Deno takes the proxy from its environment.
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", join(import.meta.dirname!, "send_to_each.ts"), ...urls],
    env: { HTTP_PROXY: `http://127.0.0.1:${proxy.addr.port}` },
  }).output();
  const said = new TextDecoder().decode(stdout);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.deepEqual([said, direct], ["accepted\nretry\n", 1]);
  assert.deepEqual(proxied, ["http://collector.invalid:4318/v1/metrics"]);
});

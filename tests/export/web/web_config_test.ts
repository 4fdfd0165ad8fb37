import assert from "node:assert/strict";
import { join } from "node:path";
import { readWebConfig } from "../../../export/web/web_config.ts";

const HASH = `$2y$10$${"a".repeat(53)}`;

/** Reads a configuration; returns it, or the reason against it. */
function read(text: string) {
  const folder = Deno.makeTempDirSync({ prefix: "kea-web-config-test-" });
  try {
    const path = join(folder, "web.yml");
    Deno.writeTextFileSync(path, text);
    for (const [name, kind] of [["cert.pem", "CERTIFICATE"], ["key.pem", "EC PRIVATE KEY"]]) {
      Deno.writeTextFileSync(join(folder, name!), `-----BEGIN ${kind}-----\nAA==\n`);
    }
    const files: string[] = [];
    return { config: readWebConfig(path, (file) => files.push(file)), files };
  } catch (error) {
    const { name, message } = error as Error;
    assert.equal(name, "WebConfigError");
    return message.replaceAll(`${folder}/`, "");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("readWebConfig() reads users and headers as exporter-toolkit does", () => {
  const { config, files } = read(`
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=63072000
basic_auth_users:
  prom: ${HASH}
`) as Exclude<ReturnType<typeof read>, string>;
  assert.deepEqual([...config.users], [["prom", HASH]]);
  assert.deepEqual(config.headers, { "Strict-Transport-Security": "max-age=63072000" });
  assert.equal(files.length, 1);
  for (const empty of ["", "# nothing", "basic_auth_users:", "{}"]) {
    assert.equal((read(empty) as { config: { tls: null } }).config.tls, null);
  }
});

const FILES = "cert_file: cert.pem, key_file: key.pem";

for (
  const [text, why] of [
    ["tls_server_config: {cert_fil: a}", /tls_server_config\.cert_file: /],
    [`tls_server_config: {${FILES}, cert_fil: a}`, /tls_server_config\.cert_fil is not supported/],
    ["basic_auth: {}", /: basic_auth is not supported$/],
    [`tls_server_config: {${FILES}, cipher_suites: [a]}`, /cipher_suites is not supported$/],
    [`tls_server_config: {${FILES}, min_version: TLS10}`, /min_version: expected TLS12 or TLS13$/],
    [`tls_server_config: {${FILES}, client_auth_type: RequestClientCert}`, /others are not/],
    [`tls_server_config: {${FILES}, client_ca_file: cert.pem}`, /found one without the other$/],
    ["tls_server_config: {cert_file: none, key_file: key.pem}", /cannot read "none" \(No such/],
    [`tls_server_config: {${FILES}}`, /the key in "key.pem" is not that of the certificate/],
    ["tls_server_config: {cert_file: key.pem, key_file: key.pem}", /a CERTIFICATE in "key.pem"$/],
    ["basic_auth_users: {prom: secret}", /basic_auth_users\.prom: expected a bcrypt hash/],
    [`basic_auth_users: {prom: $2y$20$${"a".repeat(53)}}`, /expected a bcrypt cost of 4 to 14$/],
    ["http_server_config: {http2: true}", /http2: expected false: HTTP\/2 is not supported$/],
    ["http_server_config: {headers: {Set-Cookie: a}}", /http_server_config\.headers/],
    ["a: [", /it is not YAML/],
    ["a: 1\na: 2", /it is not YAML/],
    ["- a", /expected/],
  ] as const
) {
  Deno.test(`readWebConfig() refuses ${JSON.stringify(text)}`, () => {
    const said = read(text);
    assert.ok(typeof said === "string", JSON.stringify(said));
    assert.match(said, /^Cannot use "web\.yml": [^\n]+$/);
    assert.match(said, why);
  });
}

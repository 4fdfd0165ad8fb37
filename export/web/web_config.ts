/**
 * The web configuration file, as other Prometheus exporters have it (exporter-toolkit).
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { reasonOf } from "../../system/reason.ts";

/** The web configuration cannot be used. */
export class WebConfigError extends Error {
  override name = "WebConfigError";
}

/** The largest file that is read, bytes. */
const LARGEST = 2 ** 20;

/** The highest cost of bcrypt that is accepted: a check takes a second, and each more doubles that. */
const HIGHEST_COST = 14;

const TLS_VERSIONS = { TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;

/** Headers that the toolkit lets a user set. */
const HEADERS = [
  "Content-Security-Policy",
  "X-Frame-Options",
  "X-Content-Type-Options",
  "X-XSS-Protection",
  "Strict-Transport-Security",
] as const;

const bcrypt = z.string().regex(
  /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/,
  "expected a bcrypt hash, as htpasswd -nBC 10 NAME prints it",
).refine(
  (hash) => Number(hash.slice(4, 6)) >= 4 && Number(hash.slice(4, 6)) <= HIGHEST_COST,
  `expected a bcrypt cost of 4 to ${HIGHEST_COST}`,
);

const file = z.string().min(1);

const schema = z.strictObject({
  tls_server_config: z.strictObject({
    cert_file: file,
    key_file: file,
    client_auth_type: z.enum(["NoClientCert", "RequireAndVerifyClientCert"], {
      error: "expected NoClientCert or RequireAndVerifyClientCert, others are not supported",
    }).default("NoClientCert"),
    client_ca_file: file.optional(),
    min_version: z.enum(["TLS12", "TLS13"], { error: "expected TLS12 or TLS13" }).default("TLS12"),
  }).nullish(),
  http_server_config: z.strictObject({
    http2: z.literal(false, { error: "expected false: HTTP/2 is not supported" }).optional(),
    headers: z.partialRecord(z.enum(HEADERS), z.string().regex(/^[\x20-\x7e]*$/)).optional(),
  }).nullish(),
  basic_auth_users: z.record(z.string(), bcrypt).nullish(),
});

/** What the server of TLS gets. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly minVersion: typeof TLS_VERSIONS[keyof typeof TLS_VERSIONS];
}

/** The configuration, with the contents of its files. */
export interface WebConfig {
  readonly tls: TlsOptions | null;
  /** bcrypt hashes by user. */
  readonly users: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Without a file: no TLS and no password. */
export const OPEN: WebConfig = { tls: null, users: new Map(), headers: {} };

/**
 * Reads a file and those that it names; relative paths begin at its folder.
 *
 * @param onFile called with each path, before it is read.
 * @throws {WebConfigError} in one line; nothing that is unknown or not supported is ignored.
 */
export function readWebConfig(path: string, onFile: (path: string) => void): WebConfig {
  const failed = (why: string) => new WebConfigError(`Cannot use "${path}": ${why}`);
  const read = (name: string) => {
    onFile(name);
    try {
      if (Deno.statSync(name).size > LARGEST) throw new Error("it has over 1 MiB");
      return Deno.readTextFileSync(name);
    } catch (error) {
      throw failed(`cannot read "${name}" (${reasonOf(error)})`);
    }
  };
  const text = read(path);
  let yaml: unknown;
  try {
    yaml = parse(text, { prettyErrors: false }) ?? {};
  } catch (error) {
    throw failed(`it is not YAML (${reasonOf(error).split("\n")[0]})`);
  }
  const { data, error } = schema.safeParse(yaml);
  if (data === undefined) throw failed(problemOf(error));
  const { tls_server_config: tls, http_server_config: http, basic_auth_users: users } = data;
  const beside = (name: string) => read(resolve(dirname(path), name));
  return {
    tls: tls ? tlsOptions(tls, beside, failed) : null,
    users: new Map(Object.entries(users ?? {})),
    headers: http?.headers ?? {},
  };
}

function tlsOptions(
  tls: NonNullable<z.output<typeof schema>["tls_server_config"]>,
  read: (name: string) => string,
  failed: (why: string) => WebConfigError,
): TlsOptions {
  const asksClients = tls.client_auth_type === "RequireAndVerifyClientCert";
  if (asksClients !== (tls.client_ca_file !== undefined)) {
    throw failed(
      "tls_server_config: expected client_ca_file together with client_auth_type " +
        "RequireAndVerifyClientCert, found one without the other",
    );
  }
  const cert = pem(read(tls.cert_file), "CERTIFICATE", tls.cert_file, failed);
  const key = pem(read(tls.key_file), "PRIVATE KEY", tls.key_file, failed);
  if (!isPair(cert, key)) {
    throw failed(`the key in "${tls.key_file}" is not that of the certificate, or has a password`);
  }
  return {
    ...{ cert, key },
    ...tls.client_ca_file === undefined
      ? {}
      : { ca: pem(read(tls.client_ca_file), "CERTIFICATE", tls.client_ca_file, failed) },
    requestCert: asksClients,
    rejectUnauthorized: asksClients,
    minVersion: TLS_VERSIONS[tls.min_version],
  };
}

/** The server of TLS would take any, and then refuse every client. */
function isPair(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function pem(
  text: string,
  kind: string,
  name: string,
  failed: (why: string) => WebConfigError,
): string {
  if (new RegExp(`^-----BEGIN [A-Z ]*${kind}-----\\s*$`, "m").test(text)) return text;
  throw failed(`expected a PEM file with a ${kind} in "${name}"`);
}

/** The first problem, in one line. */
function problemOf(error: z.ZodError): string {
  const issue = error.issues[0]!;
  const where = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    return `${[where, issue.keys[0]].filter((part) => part !== "").join(".")} is not supported`;
  }
  return `${where === "" ? "" : `${where}: `}${issue.message}`;
}

/** Certificates for tests, made by openssl. */

import { join } from "node:path";
import { must } from "./run_script.ts";

/** A folder of PEM files. Disposing removes it. */
export interface Certificates extends AsyncDisposable {
  readonly folder: string;
  /** The path of a file: `ca.pem`, `NAME.pem`, `NAME.key`. */
  readonly path: (name: string) => string;
  /** Makes a certificate of our authority, for this host's loopback addresses. */
  readonly make: (name: string) => Promise<void>;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes an authority, a certificate `server`, one `client`, and one `stranger` of no authority. */
export async function certificates(): Promise<Certificates> {
  const folder = await Deno.makeTempDir({ prefix: "kea-certificates-test-" });
  const path = (name: string) => join(folder, name);
  const selfSigned = (name: string) =>
    must(
      ...["openssl", "req", "-x509", ...KEY, "-subj", `/CN=${name}`, "-days", "2"],
      ...["-keyout", path(`${name}.key`), "-out", path(`${name}.pem`)],
    );
  const make = async (name: string) => {
    await must(
      ...["openssl", "req", ...KEY, "-subj", `/CN=${name}`],
      ...["-keyout", path(`${name}.key`), "-out", path(`${name}.csr`)],
    );
    await Deno.writeTextFile(path("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost");
    await must(
      ...["openssl", "x509", "-req", "-in", path(`${name}.csr`), "-days", "2"],
      ...["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial"],
      ...["-extfile", path("names"), "-out", path(`${name}.pem`)],
    );
  };
  await selfSigned("ca");
  await selfSigned("stranger");
  await make("server");
  await make("client");
  return {
    ...{ folder, path, make },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

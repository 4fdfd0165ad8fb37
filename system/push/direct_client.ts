/**
 * Requests to this host, which never use a proxy.
 *
 * @module
 */

/** The variables that name Deno's proxy. */
const VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((
  name,
) => [name, name.toLowerCase()]);

/** Certificates of a client. */
export type ClientOptions = Deno.CreateHttpClientOptions & Partial<Deno.TlsCertifiedKeyPem>;

/** A client for `fetch` that uses no proxy, whatever the environment says. */
export function createDirectClient(options: ClientOptions): Deno.HttpClient {
  return withoutProxies(() => Deno.createHttpClient(options));
}

/** The one without certificates. */
export const directClient: Deno.HttpClient = createDirectClient({});

/** Deno reads these when a client is created, and has no option to ignore them. */
function withoutProxies<T>(make: () => T): T {
  const before = VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of VARIABLES) Deno.env.delete(name);
  try {
    return make();
  } finally {
    for (const [name, value] of before) if (value !== undefined) Deno.env.set(name, value);
  }
}

/** Whether the host of a URL, as in `URL.hostname`, is a name or address of this machine. */
export function isOfThisHost(host: string): boolean {
  const name = host.replace(/\.$/, "");
  if (/^(localhost|.*\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(name)) return true;
  // IPv4 in IPv6: 127.x.
  if (/^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]+\]$/.test(name)) return true;
  if (name === Deno.hostname().toLowerCase()) return true;
  return Deno.networkInterfaces().some(({ address }) =>
    name === hostnameOf(address.includes(":") ? `[${address}]` : address)
  );
}

/** An address as in a URL. */
const hostnameOf = (address: string) => URL.parse(`http://${address}/`)?.hostname;

/**
 * Where and how OTLP is sent: from the command line and from OpenTelemetry's environment variables, as
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/ says.
 *
 * @module
 */

import { resolveUserPath } from "../../system/command_line.ts";
import { printable } from "../../system/printable.ts";
import { reasonOf } from "../../system/reason.ts";
import type { Labels } from "../prometheus/accumulator.ts";
import { decodedPairs } from "./decoded_pairs.ts";
import { type HistogramKind, HISTOGRAMS } from "./metrics_request.ts";

/** What the command line says; it wins over the environment. */
export interface OtlpOptions {
  /** The base URL, as OTEL_EXPORTER_OTLP_ENDPOINT has it. */
  readonly url?: string | undefined;
  readonly intervalSeconds?: number | undefined;
  readonly histograms?: HistogramKind | undefined;
}

/** Where and how OTLP is sent. */
export interface OtlpSettings {
  /** Where requests go, as it stands. */
  readonly url: URL;
  /** They may hold secrets. */
  readonly headers: Labels;
  readonly isCompressed: boolean;
  /** The longest time for a request and its answer, milliseconds. */
  readonly timeoutMs: number;
  /** PEM texts: of whom to trust, and of the client. */
  readonly trusted: string | null;
  readonly client: { readonly certificate: string; readonly key: string } | null;
  readonly intervalMs: number;
  readonly histograms: HistogramKind;
  /** Attributes of every resource. */
  readonly attributes: Labels;
}

/** The settings cannot be used. */
export class OtlpSettingsError extends Error {
  override name = "OtlpSettingsError";
}

/** Milliseconds, where nothing is set. */
const [DEFAULT_TIMEOUT_MS, DEFAULT_INTERVAL_MS] = [10_000, 15_000];

/** Shortest and longest interval, seconds. */
export const INTERVAL_SECONDS = [0.5, 3600] as const;

/** Everything that is read. A variable of metrics alone comes before the one for all signals. */
const OTLP = "OTEL_EXPORTER_OTLP_";
const [ENDPOINT, METRICS_ENDPOINT] = [`${OTLP}ENDPOINT`, `${OTLP}METRICS_ENDPOINT`];
const HISTOGRAM_AGGREGATION = `${OTLP}METRICS_DEFAULT_HISTOGRAM_AGGREGATION`;
const TEMPORALITY = `${OTLP}METRICS_TEMPORALITY_PREFERENCE`;
const INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL";

/** Where secrets may stand. */
const SECRETS = [`${OTLP}HEADERS`, `${OTLP}METRICS_HEADERS`];

/** The settings of this process; its children have no use for the headers, so they are removed. */
export function otlpSettingsOfProcess(options: OtlpOptions): OtlpSettings | null {
  const environment = Deno.env.toObject();
  for (const name of SECRETS) Deno.env.delete(name);
  return otlpSettings(options, environment);
}

/**
 * Reads all settings.
 *
 * @returns null where no endpoint is given.
 * @throws {OtlpSettingsError} for what cannot be used, or is not supported.
 */
export function otlpSettings(
  options: OtlpOptions,
  environment: Readonly<Record<string, string>>,
): OtlpSettings | null {
  /** An empty variable is as good as none. */
  const one = (name: string): Found | null => {
    const value = environment[name]?.trim();
    return value ? { name, value } : null;
  };
  const either = (ending: string) => one(`${OTLP}METRICS_${ending}`) ?? one(`${OTLP}${ending}`);
  const url = urlOf(options.url, one(METRICS_ENDPOINT), one(ENDPOINT));
  if (url === null) {
    if (options.intervalSeconds === undefined && options.histograms === undefined) return null;
    throw new OtlpSettingsError(
      `Cannot send OTLP, no endpoint is given: add --otlp URL or ${ENDPOINT}`,
    );
  }
  mustBe(either("PROTOCOL"), ["http/protobuf"]);
  mustBe(one(TEMPORALITY), ["cumulative"]);
  return {
    url,
    headers: headersOf(either("HEADERS")),
    isCompressed: mustBe(either("COMPRESSION"), ["gzip", "none"]) !== "none",
    timeoutMs: milliseconds(either("TIMEOUT"), [1, 600_000]) ?? DEFAULT_TIMEOUT_MS,
    trusted: pem(either("CERTIFICATE")),
    client: clientOf(either("CLIENT_CERTIFICATE"), either("CLIENT_KEY")),
    intervalMs: options.intervalSeconds !== undefined
      ? options.intervalSeconds * 1000
      : milliseconds(one(INTERVAL), [1000 * INTERVAL_SECONDS[0], 1000 * INTERVAL_SECONDS[1]]) ??
        DEFAULT_INTERVAL_MS,
    histograms: options.histograms ?? histogramsOf(one(HISTOGRAM_AGGREGATION)),
    attributes: attributesOf(one("OTEL_RESOURCE_ATTRIBUTES"), one("OTEL_SERVICE_NAME")),
  };
}

/** A variable that is set. */
interface Found {
  readonly name: string;
  readonly value: string;
}

function urlOf(
  option: string | undefined,
  metrics: Found | null,
  base: Found | null,
): URL | null {
  if (option === undefined && metrics !== null) return parsed(metrics);
  const given = option === undefined ? base : { name: "--otlp", value: option };
  if (given === null) return null;
  const url = parsed(given);
  if (!url.pathname.endsWith("/v1/metrics")) {
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/metrics`;
  }
  return url;
}

/** A URL without secrets in it. */
function parsed({ name, value }: Found): URL {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    // What is no URL may still hold a password.
    throw new OtlpSettingsError(
      `Cannot use the URL of ${name}: expected one like http://127.0.0.1:4318`,
    );
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "") {
    throw new OtlpSettingsError(
      `Cannot use the URL of ${name}: expected one without user, password and "#"; ` +
        `${OTLP}HEADERS may have Authorization=Basic%20...`,
    );
  }
  return url;
}

function headersOf(found: Found | null): Labels {
  const pairs = found === null ? [] : decodedPairs(found.value);
  // Neither names nor values are printed: a value without its name looks like a name.
  const isUsable = pairs?.every(([name, value]) =>
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value)
  );
  if (!isUsable) {
    throw new OtlpSettingsError(
      `Cannot use ${found!.name}: expected name=value,name=value, values percent-encoded`,
    );
  }
  return Object.fromEntries(pairs!);
}

function attributesOf(found: Found | null, serviceName: Found | null): Labels {
  const pairs = found === null ? [] : decodedPairs(found.value);
  if (pairs === null) {
    throw new OtlpSettingsError(
      `Cannot use ${found!.name}: expected key=value,key=value, values percent-encoded`,
    );
  }
  return {
    ...Object.fromEntries(pairs),
    ...serviceName === null ? {} : { "service.name": serviceName.value },
  };
}

const AGGREGATIONS: Readonly<Record<string, HistogramKind>> = {
  base2_exponential_bucket_histogram: "exponential",
  explicit_bucket_histogram: "explicit",
};

function histogramsOf(found: Found | null): HistogramKind {
  const name = mustBe(found, Object.keys(AGGREGATIONS));
  return name === null ? HISTOGRAMS[0] : AGGREGATIONS[name]!;
}

/** One of the values that are supported; null where nothing is set. */
function mustBe(found: Found | null, supported: readonly string[]): string | null {
  if (found === null || supported.includes(found.value)) return found?.value ?? null;
  throw new OtlpSettingsError(
    `Cannot use ${found.name} "${printable(found.value)}", expected ${supported.join(" or ")}: ` +
      "the exporter sends cumulative metrics as protobuf over HTTP",
  );
}

function milliseconds(
  found: Found | null,
  [least, most]: readonly [number, number],
): number | null {
  if (found === null) return null;
  const value = Number(found.value);
  if (value >= least && value <= most) return value;
  throw new OtlpSettingsError(
    `Cannot use ${found.name} "${
      printable(found.value)
    }": expected ${least} to ${most} milliseconds`,
  );
}

function pem(found: Found | null): string | null {
  if (found === null) return null;
  const path = printable(found.value);
  let text: string;
  try {
    text = Deno.readTextFileSync(resolveUserPath(found.value));
  } catch (error) {
    throw new OtlpSettingsError(
      `Cannot read "${path}" of ${found.name} (${reasonOf(error)}): give a PEM file`,
    );
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new OtlpSettingsError(`Cannot use "${path}" of ${found.name}: expected a PEM file`);
}

function clientOf(certificate: Found | null, key: Found | null): OtlpSettings["client"] {
  if (certificate === null && key === null) return null;
  if (certificate === null || key === null) {
    const missing = certificate === null ? "CLIENT_CERTIFICATE" : "CLIENT_KEY";
    throw new OtlpSettingsError(
      `Cannot use ${(certificate ?? key)!.name} alone: set ${OTLP}${missing}, too`,
    );
  }
  return { certificate: pem(certificate)!, key: pem(key)! };
}

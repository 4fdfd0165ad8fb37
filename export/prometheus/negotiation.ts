/**
 * Which format a scraper gets, by what it accepts.
 *
 * @module
 */

/** A format of the metrics, with its media type. */
export const FORMATS = {
  protobuf:
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
} as const;
export type Format = keyof typeof FORMATS;

/**
 * The best of the formats that a scraper accepts; text 0.0.4 where it names none of ours. Protobuf is never
 * given unasked: a Prometheus without native histograms refuses it.
 */
export function negotiated(accept: string | null): Format {
  const ranges = (accept ?? "").split(",").map(rangeOf).sort((a, b) => b.quality - a.quality);
  for (const { type, parameters, quality } of ranges) {
    if (quality <= 0) continue;
    if (type === "application/vnd.google.protobuf" && isOurProtobuf(parameters)) return "protobuf";
    if (type === "application/openmetrics-text" && isOurVersion(parameters, ["1.0.0", "0.0.1"])) {
      return "openmetrics";
    }
    if (type === "text/plain" && isOurVersion(parameters, ["0.0.4"])) return "prometheus";
  }
  return "prometheus";
}

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function rangeOf(text: string): Range {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map(rest.map((part) => {
    const [name = "", value = ""] = part.split("=", 2);
    return [name.trim().toLowerCase(), value.trim().replaceAll('"', "")] as const;
  }));
  const quality = Number(parameters.get("q") ?? 1);
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
}

function isOurProtobuf(parameters: ReadonlyMap<string, string>): boolean {
  return parameters.get("proto") === "io.prometheus.client.MetricFamily" &&
    (parameters.get("encoding") ?? "delimited") === "delimited";
}

function isOurVersion(parameters: ReadonlyMap<string, string>, ours: readonly string[]): boolean {
  const version = parameters.get("version");
  return version === undefined || ours.includes(version);
}

import assert from "node:assert/strict";
import {
  type OtlpOptions,
  otlpSettings,
  OtlpSettingsError,
} from "../../../export/otlp/settings.ts";

const settings = (environment: Record<string, string>, options: OtlpOptions = {}) =>
  otlpSettings(options, environment);

const urlOf = (environment: Record<string, string>, url?: string) =>
  settings(environment, { url })?.url.href;

Deno.test("otlpSettings() sends nothing where no endpoint is given", () => {
  assert.equal(settings({}), null);
  assert.equal(
    settings({ OTEL_EXPORTER_OTLP_ENDPOINT: " ", OTEL_EXPORTER_OTLP_HEADERS: "a=b" }),
    null,
  );
  // It is not for us, and does not stop the exporter.
  assert.equal(settings({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }), null);
});

Deno.test("otlpSettings() puts v1/metrics behind a base URL, and takes the one of metrics as it stands", () => {
  const [base, metrics] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];
  for (
    const [environment, option, url] of [
      [{ [base]: "http://c:4318" }, undefined, "http://c:4318/v1/metrics"],
      [{ [base]: "http://c:4318/" }, undefined, "http://c:4318/v1/metrics"],
      [{ [base]: "https://c/otlp/" }, undefined, "https://c/otlp/v1/metrics"],
      [{ [base]: "https://c/otlp?x=1" }, undefined, "https://c/otlp/v1/metrics?x=1"],
      [{ [metrics]: "http://m:4318" }, undefined, "http://m:4318/"],
      [{ [metrics]: "http://m/push?x=1", [base]: "http://c" }, undefined, "http://m/push?x=1"],
      [{ [metrics]: "", [base]: "http://c" }, undefined, "http://c/v1/metrics"],
      [{ [metrics]: "http://m/push", [base]: "http://c" }, "http://o", "http://o/v1/metrics"],
      [{}, "http://v:8428/opentelemetry", "http://v:8428/opentelemetry/v1/metrics"],
      [{}, "http://v:8428/opentelemetry/v1/metrics", "http://v:8428/opentelemetry/v1/metrics"],
    ] as const
  ) assert.equal(urlOf(environment, option), url);
});

const URL_OF_BASE = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };

Deno.test("otlpSettings() has defaults where nothing is set", () => {
  const { url: _, ...rest } = settings(URL_OF_BASE)!;
  assert.deepEqual(rest, {
    headers: {},
    isCompressed: true,
    timeoutMs: 10_000,
    trusted: null,
    client: null,
    intervalMs: 15_000,
    histograms: "exponential",
    attributes: {},
  });
});

Deno.test("otlpSettings() prefers the variables of metrics, and options to both", () => {
  const all = settings({
    ...URL_OF_BASE,
    OTEL_EXPORTER_OTLP_HEADERS: "a=1",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "b=2",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: "none",
    OTEL_EXPORTER_OTLP_TIMEOUT: "1000",
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "2000",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "cumulative",
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: "explicit_bucket_histogram",
    OTEL_METRIC_EXPORT_INTERVAL: "60000",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=ignored,deployment.environment.name=b%C3%BCro%2C1",
    OTEL_SERVICE_NAME: "dhcp",
  }, { intervalSeconds: 5 })!;
  assert.deepEqual(
    [all.headers, all.isCompressed, all.timeoutMs, all.histograms, all.intervalMs],
    [{ b: "2" }, false, 2000, "explicit", 5000],
  );
  assert.deepEqual(all.attributes, {
    "service.name": "dhcp",
    "deployment.environment.name": "büro,1",
  });
  const interval = { ...URL_OF_BASE, OTEL_METRIC_EXPORT_INTERVAL: "60000" };
  assert.equal(settings(interval)!.intervalMs, 60_000);
  assert.equal(settings(interval, { histograms: "explicit" })!.histograms, "explicit");
});

Deno.test("otlpSettings() decodes headers, and takes those that are not encoded", () => {
  const headersOf = (text: string) =>
    settings({ ...URL_OF_BASE, OTEL_EXPORTER_OTLP_HEADERS: text })!.headers;
  assert.deepEqual(headersOf("authorization=Bearer%20a%3Db%2Cc, x-tenant = 7 ,"), {
    authorization: "Bearer a=b,c",
    "x-tenant": "7",
  });
  assert.deepEqual(headersOf("Authorization=Basic dXNlcjpwYXNz=="), {
    Authorization: "Basic dXNlcjpwYXNz==",
  });
});

Deno.test("otlpSettings() says what it cannot use in one line, and no secret", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/no.pem`;
    await Deno.writeTextFile(file, "s3cret");
    for (
      const [environment, message] of [
        [
          { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
          /^Cannot use OTEL_EXPORTER_OTLP_PROTOCOL "grpc", expected http\/protobuf: /,
        ],
        [{ OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json" }, /METRICS_PROTOCOL "http\/json"/],
        [
          { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta" },
          /"delta", expected cumulative/,
        ],
        [
          { OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: "x" },
          /expected base2_exponential_bucket_histogram or explicit_/,
        ],
        [{ OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" }, /COMPRESSION "zstd", expected gzip or none/],
        [{ OTEL_EXPORTER_OTLP_TIMEOUT: "10s" }, /TIMEOUT "10s": expected 1 to 600000 milliseconds/],
        [{ OTEL_METRIC_EXPORT_INTERVAL: "0" }, /INTERVAL "0": expected 500 to 3600000 milli/],
        [{ OTEL_EXPORTER_OTLP_HEADERS: "s3cret" }, /OTLP_HEADERS: expected name=value/],
        [{ OTEL_EXPORTER_OTLP_HEADERS: "a=s3cret%zz" }, /OTLP_HEADERS: expected name=value/],
        [{ OTEL_EXPORTER_OTLP_HEADERS: "a=s3cret%0d%0ab:c" }, /OTLP_HEADERS: expected name=value/],
        [{ OTEL_EXPORTER_OTLP_HEADERS: "s3cret x=1" }, /OTLP_HEADERS: expected name=value/],
        [{ OTEL_RESOURCE_ATTRIBUTES: "site" }, /RESOURCE_ATTRIBUTES: expected key=value/],
        [
          { OTEL_EXPORTER_OTLP_CERTIFICATE: `${folder}/none` },
          /^Cannot read ".*" of OTEL_EXPORTER_OTLP_CERTIFICATE \(No such file.*\): give a PEM file$/,
        ],
        [
          { OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: file },
          /METRICS_CERTIFICATE: expected a PEM file$/,
        ],
        [
          { OTEL_EXPORTER_OTLP_CLIENT_KEY: file },
          /CLIENT_KEY alone: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, too/,
        ],
        [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://me:s3cret@h" }, /without user, password/],
        [
          { OTEL_EXPORTER_OTLP_ENDPOINT: "s3cret" },
          /^Cannot use the URL of OTEL_EXPORTER_OTLP_ENDPOINT: expected one like http/,
        ],
        [{ OTEL_EXPORTER_OTLP_ENDPOINT: "grpc://h:4317" }, /expected one like http/],
      ] as const
    ) {
      assert.throws(() => settings({ ...URL_OF_BASE, ...environment }), (error) => {
        assert.ok(error instanceof OtlpSettingsError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /s3cret|\n/);
        return true;
      });
    }
    assert.throws(
      () => settings({}, { intervalSeconds: 5 }),
      /no endpoint is given: add --otlp URL/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the exporter ends with status 2 where OTLP cannot be set up, in one line", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "export/exporter.ts", "--otlp", "http://127.0.0.1:4318"],
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_HEADERS: "a=s3cret" },
    cwd: new URL("../../..", import.meta.url),
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert.match(
    text,
    /^error: Cannot use OTEL_EXPORTER_OTLP_PROTOCOL "grpc", expected http\/protobuf/,
  );
  assert.doesNotMatch(text, /s3cret/);
  assert.equal(code, 2);
});

/**
 * One request of OTLP.
 *
 * @module
 */

import { OtlpClient, type OtlpOutcome } from "../../../export/otlp/otlp_client.ts";
import { otlpSettings } from "../../../export/otlp/settings.ts";

const BODY = new Uint8Array(
  await new Response(
    new Blob(["a request"]).stream().pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer(),
);

/** Sends to an endpoint by these variables. */
export async function sent(
  url: string,
  environment: Record<string, string>,
): Promise<OtlpOutcome> {
  using client = new OtlpClient(otlpSettings({ url }, environment)!);
  return await client.send(BODY, new AbortController().signal);
}

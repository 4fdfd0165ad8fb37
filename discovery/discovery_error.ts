/** Discovery failed; the message says what was expected, what was found and what can be done. */
export class DiscoveryError extends Error {
  override name = "DiscoveryError";
}

/**
 * Lists of names and values in OpenTelemetry's environment variables.
 *
 * @module
 */

/** The pairs of `name=value,name=value`, decoded from percent-encoding; null where it is no such list. */
export function decodedPairs(text: string): [name: string, value: string][] | null {
  const pairs: [string, string][] = [];
  for (const member of text.split(",").map((each) => each.trim())) {
    if (member === "") continue;
    const at = member.indexOf("=");
    if (at < 1) return null;
    try {
      pairs.push([
        decodeURIComponent(member.slice(0, at).trim()),
        decodeURIComponent(member.slice(at + 1).trim()),
      ]);
    } catch {
      return null;
    }
  }
  return pairs;
}

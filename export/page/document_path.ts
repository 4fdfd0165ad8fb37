/**
 * Where a page has all rows of a table that it cuts.
 *
 * @module
 */

/** The path of the document of a server's last hour, as HTML. */
export function documentPath(server: string): string {
  return `/api/v1/document?server=${encodeURIComponent(server)}&amp;minutes=60`;
}

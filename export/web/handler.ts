/**
 * What answers a request.
 *
 * @module
 */

/**
 * Answers a request of GET or HEAD. The body may be a stream: it is cancelled when the client goes away, and is
 * pulled only as fast as the client reads.
 */
export type Handler = (request: Request) => Response | Promise<Response>;

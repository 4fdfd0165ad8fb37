/**
 * What answers a request.
 *
 * @module
 */

/**
 * Answers a request of GET or HEAD; the answer to HEAD may have a body, which is not sent. A body that is a stream is
 * pulled only as fast as the client reads, and is cancelled when the client goes away, or has not read for 30 s.
 */
export type Handler = (request: Request) => Response | Promise<Response>;

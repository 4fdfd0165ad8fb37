package kea.hollow;

import com.sun.net.httpserver.Headers;
import java.util.regex.Pattern;

/** Refuses pages in a browser, which can reach this machine's addresses, too. */
final class Caller {
  /** Names of this machine for itself, with any port. */
  private static final Pattern THIS_MACHINE =
      Pattern.compile("(?i)(localhost|127(\\.\\d{1,3}){3}|\\[::1])(:\\d+)?");

  private final boolean needsToken;

  /** @param needsToken whether a token is required, so that any host name is safe */
  Caller(boolean needsToken) {
    this.needsToken = needsToken;
  }

  /**
   * Checks where a request comes from.
   *
   * @throws Problem 403 for one of a page: pages have no business here, and the name of another host may
   *     have been made to lead to this machine (DNS rebinding)
   */
  void check(Headers headers) throws Problem {
    if (headers.containsKey("Origin")) {
      throw new Problem(403, "Forbidden", "Pages in a browser are not served");
    }
    String host = headers.getFirst("Host");
    if (needsToken || host == null || THIS_MACHINE.matcher(host.strip()).matches()) return;
    throw new Problem(
        403,
        "Forbidden",
        "Without a token, expected localhost or a loopback address as host");
  }
}

package kea.hollow;

import java.util.Map;

/** A request cannot be served; becomes {@code application/problem+json} (RFC 9457). */
final class Problem extends Exception {
  private static final long serialVersionUID = 1L;

  final int status;
  final String title;
  /** Members beside those of the standard. */
  final transient Map<String, Object> members;
  /** Headers of the answer. */
  final transient Map<String, String> headers;

  Problem(int status, String title, String detail) {
    this(status, title, detail, Map.of(), Map.of());
  }

  Problem(
      int status,
      String title,
      String detail,
      Map<String, Object> members,
      Map<String, String> headers) {
    super(detail, null, false, false);
    this.status = status;
    this.title = title;
    this.members = members;
    this.headers = headers;
  }

  static Problem unprocessable(String detail) {
    return new Problem(422, "Unprocessable batch", detail);
  }
}

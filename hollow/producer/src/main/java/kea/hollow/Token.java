package kea.hollow;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The token that requests must have; only its digest is kept. */
final class Token {
  private final byte[] digest;

  /** @param secret null for a producer that accepts every request */
  Token(String secret) {
    digest = secret == null ? null : digestOf(secret);
  }

  boolean isNeeded() {
    return digest != null;
  }

  /** Whether a request with this header is allowed. Takes the same time for every wrong token. */
  boolean allows(String authorization) {
    if (digest == null) return true;
    if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return false;
    }
    return MessageDigest.isEqual(digest, digestOf(authorization.substring(7).strip()));
  }

  private static byte[] digestOf(String secret) {
    try {
      return MessageDigest.getInstance("SHA-256")
          .digest(secret.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException error) {
      throw new AssertionError("Every Java has SHA-256", error);
    }
  }
}

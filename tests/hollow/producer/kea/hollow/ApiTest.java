package kea.hollow;

import static kea.hollow.Fixtures.LIMITS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the API answers to those who send what no client of ours does. */
final class ApiTest {
  private static final String LOCALHOST = "Host: localhost\r\n";

  @TempDir static Path folder;

  private static Api open;
  private static Api secret;

  @BeforeAll
  static void start() throws IOException {
    open = api("open", null);
    secret = api("secret", "s3cret");
  }

  private static Api api(String name, String token) throws IOException {
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    var datasets = new Datasets(folder.resolve(name), LIMITS, Clock.systemUTC());
    return new Api(address, datasets, new Token(token), LIMITS, Clock.systemUTC());
  }

  @AfterAll
  static void stop() {
    open.close();
    secret.close();
  }

  @Test
  void connectionsThatSendNothingHoldUpNoOther() throws Exception {
    var slow = new ArrayList<Socket>();
    for (int each = 0; each < 40; each++) {
      // Half a request line, half a header, a body that does not come.
      slow.add(
          sent(
              secret,
              switch (each % 3) {
                case 0 -> "GET /api/hea";
                case 1 -> "GET /api/health HTTP/1.1\r\nHo";
                default ->
                    "POST /api/datasets/kea/records HTTP/1.1\r\n"
                        + LOCALHOST
                        + "Content-Type: application/json\r\nContent-Length: 200000000\r\n\r\n{";
              }));
    }
    assertEquals(200, named(secret, "localhost", ""));
    for (Socket socket : slow) socket.close();
  }

  @Test
  void aBodyThatIsNoBatchIsTheSendersFault() throws Exception {
    for (String body :
        new String[] {
          "{\"sequence\":" + "9".repeat(1500) + "}",
          "{\"sequence\":" + "9".repeat(900) + "}",
          "{\"" + "n".repeat(60_000) + "\":1}",
          "[".repeat(5000),
          "{\"a\":".repeat(1200),
        }) {
      int status = posted(body);
      assertTrue(status == 400 || status == 422, status + " for " + body.substring(0, 20));
    }
  }

  @Test
  void aBadChunkIsTheSendersFault() throws Exception {
    for (String chunk : new String[] {"zz\r\n", "-5\r\n", "\r\n", "fffffffffff\r\n"}) {
      String request =
          "POST /api/datasets/kea/records HTTP/1.1\r\n"
              + LOCALHOST
              + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
      assertEquals(400, status(open, request + chunk), chunk);
    }
  }

  @Test
  void aPageInABrowserIsNotServed() throws Exception {
    for (String host :
        new String[] {
          "attacker.example:8980", "attacker.example", "127.0.0.1.attacker.example", ""
        }) {
      assertEquals(403, named(open, host, ""), host);
    }
    for (String host : new String[] {"localhost:1", "127.0.0.1", "[::1]:8980"}) {
      assertEquals(200, named(open, host, ""), host);
    }
    assertEquals(200, named(secret, "metrics.example", ""));
    for (Api api : new Api[] {open, secret}) {
      assertEquals(403, named(api, "localhost", "Origin: http://attacker.example\r\n"));
      assertEquals(403, named(api, "localhost", "Origin: null\r\n"));
    }
  }

  @Test
  void aDatasetHasAnyNameButThatOfAFile() throws Exception {
    Path data = folder.resolve("names");
    try (var datasets = new Datasets(data, LIMITS, Clock.systemUTC())) {
      datasets.findOrMake("lock").ingest(Fixtures.batch("kea-1", 1, 10, 1));
      Files.writeString(data.resolve("filler"), "");
      Problem problem = assertThrows(Problem.class, () -> datasets.findOrMake("filler"));
      assertEquals(422, problem.status);
    }
  }

  private static int named(Api api, String host, String header) throws IOException {
    return status(api, "GET /api/health HTTP/1.1\r\nHost: " + host + "\r\n" + header + "\r\n");
  }

  private static int posted(String body) throws IOException {
    return status(
        open,
        "POST /api/datasets/kea/records HTTP/1.1\r\n"
            + LOCALHOST
            + "Content-Type: application/json\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body);
  }

  private static int status(Api api, String request) throws IOException {
    try (Socket socket = sent(api, request)) {
      socket.shutdownOutput();
      // Far below the time that the API gives a slow one.
      socket.setSoTimeout(20_000);
      var line = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      assertTrue(line.startsWith("HTTP/1.1 "), line);
      return Integer.parseInt(line.substring(9));
    }
  }

  private static Socket sent(Api api, String text) throws IOException {
    var socket = new Socket(api.base().getHost(), api.base().getPort());
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }
}

package kea.hollow;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The HTTP API under {@code /api}; described in docs/hollow.md. */
final class Api implements AutoCloseable {
  private static final String BASE = "/api";
  /** Connections, each with its own thread, so that idle ones do not block others. */
  private static final int CONNECTIONS = 512;
  /** Bodies in memory at once. */
  private static final int BODIES = 8;
  /** Parsed batches in memory at once; each is ten times as large as its body. */
  private static final int BATCHES = 2;
  /** Seconds for a request and for its answer; our own client waits no longer. */
  private static final int SECONDS = 30;
  /** Seconds that a request may wait for room for its body. */
  private static final int SECONDS_FOR_ROOM = 10;
  /** Bytes of a refused body that are read, so that the sender can read the answer. */
  private static final int DRAINED = 8 << 20;
  /** The same for a body that is too large, of a sender with the token. */
  private static final int DRAINED_OF_WRITER = 256 << 20;
  private static final Set<String> FILTERS = Set.of("server", "metric", "source", "windowStart");
  private static final JsonMapper JSON = new JsonMapper();
  private static final Logger LOG = Logger.getLogger(Api.class.getName());

  static {
    System.setProperty("sun.net.httpserver.maxReqTime", Integer.toString(SECONDS));
    System.setProperty("sun.net.httpserver.maxRspTime", Integer.toString(SECONDS));
    System.setProperty("sun.net.httpserver.drainAmount", Integer.toString(DRAINED));
    System.setProperty("jdk.httpserver.maxConnections", Integer.toString(CONNECTIONS));
  }

  private final Datasets datasets;
  private final Token token;
  private final Caller caller;
  private final Limits limits;
  private final BatchReader reader;
  private final HttpServer server;
  private final Semaphore bodies = new Semaphore(BODIES, true);
  private final Semaphore batches = new Semaphore(BATCHES, true);
  // The JDK's server has the same limit of connections; an older Java has none.
  private final ExecutorService threads = Executors.newCachedThreadPool();

  /** Starts to listen and serve. */
  Api(InetSocketAddress address, Datasets datasets, Token token, Limits limits, Clock clock)
      throws IOException {
    this.datasets = datasets;
    this.token = token;
    caller = new Caller(token.isNeeded());
    this.limits = limits;
    reader = new BatchReader(clock);
    server = HttpServer.create(address, 0);
    server.setExecutor(threads);
    server.createContext("/", this::serve);
    server.start();
  }

  /** The URL for clients. */
  URI base() {
    InetSocketAddress address = server.getAddress();
    String host =
        address.getAddress().isAnyLocalAddress() ? "127.0.0.1" : address.getAddress().getHostAddress();
    return URI.create(
        "http://%s:%d%s"
            .formatted(host.contains(":") ? "[" + host + "]" : host, address.getPort(), BASE));
  }

  /** Accepts no more requests, and waits for those in progress. */
  @Override
  public void close() {
    server.stop(2);
    threads.shutdown();
    try {
      // A cycle that is cut off is not announced; only this batch's answer is lost.
      if (!threads.awaitTermination(10, TimeUnit.SECONDS)) threads.shutdownNow();
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  private record Answer(int status, Object body) {}

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer;
      try {
        answer = answerTo(exchange);
      } catch (Problem problem) {
        problem.headers.forEach(exchange.getResponseHeaders()::set);
        var body = new LinkedHashMap<String, Object>();
        body.put("type", "about:blank");
        body.put("title", problem.title);
        body.put("status", problem.status);
        body.put("detail", problem.getMessage());
        body.putAll(problem.members);
        answer = new Answer(problem.status, body);
      } catch (RuntimeException | IOException error) {
        LOG.log(Level.SEVERE, "Cannot serve a request", error);
        answer =
            new Answer(
                500,
                Map.of(
                    "type", "about:blank",
                    "title", "Cycle failed",
                    "status", 500,
                    "detail", "The producer failed; the previous version stays announced"));
      }
      send(exchange, answer);
    }
  }

  private Answer answerTo(HttpExchange exchange) throws Problem, IOException {
    caller.check(exchange.getRequestHeaders());
    String[] path = pathOf(exchange.getRequestURI());
    String method = exchange.getRequestMethod();
    if (matches(path, "health")) {
      allow(method, "GET");
      return new Answer(200, Map.of("status", "ok"));
    }
    if (!token.allows(exchange.getRequestHeaders().getFirst("Authorization"))) {
      throw new Problem(
          401,
          "Unauthorized",
          "Expected the bearer token, found none or another",
          Map.of(),
          Map.of("WWW-Authenticate", "Bearer"));
    }
    if (matches(path, "datasets")) {
      allow(method, "GET");
      return new Answer(200, Map.of("datasets", datasets.names()));
    }
    if (matches(path, "datasets", "*")) {
      allow(method, "GET");
      return new Answer(200, found(path[1]).state());
    }
    if (matches(path, "datasets", "*", "records")) {
      allow(method, "GET", "POST", "DELETE");
      return switch (method) {
        case "GET" -> {
          Map<String, String> fields = query(exchange.getRequestURI(), FILTERS);
          yield new Answer(200, Map.of("records", found(path[1]).records(fields)));
        }
        case "DELETE" -> {
          String source = query(exchange.getRequestURI(), Set.of("source")).get("source");
          if (source == null) {
            throw new Problem(400, "Bad request", "Give the source: ?source=NAME");
          }
          yield new Answer(200, found(path[1]).delete(source));
        }
        default -> new Answer(200, ingest(exchange, path[1]));
      };
    }
    throw new Problem(404, "Not found", "There is no such resource");
  }

  private Dataset.Accepted ingest(HttpExchange exchange, String dataset)
      throws Problem, IOException {
    String type = exchange.getRequestHeaders().getFirst("Content-Type");
    if (type == null || !type.strip().matches("(?i)application/json(\\s*;.*)?")) {
      throw new Problem(415, "Unsupported media type", "Expected application/json");
    }
    reserveBody();
    try {
      byte[] body = body(exchange);
      batches.acquireUninterruptibly();
      try {
        return ingest(reader.read(body), dataset);
      } finally {
        batches.release();
      }
    } finally {
      bodies.release();
    }
  }

  private Dataset.Accepted ingest(Batch batch, String dataset) throws Problem {
    try {
      return datasets.findOrMake(dataset).ingest(batch);
    } catch (IOException | RuntimeException error) {
      LOG.log(Level.SEVERE, "A cycle of dataset " + dataset + " failed", error);
      throw new Problem(
          503,
          "Cycle failed",
          "The batch could not be published; the previous version stays announced",
          Map.of(),
          Map.of("Retry-After", "5"));
    }
  }

  private void reserveBody() throws Problem {
    try {
      if (bodies.tryAcquire(SECONDS_FOR_ROOM, TimeUnit.SECONDS)) return;
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
    throw new Problem(
        503,
        "Busy",
        "%d other requests are being read".formatted(BODIES),
        Map.of(),
        Map.of("Retry-After", "5"));
  }

  private byte[] body(HttpExchange exchange) throws Problem {
    InputStream stream = exchange.getRequestBody();
    try {
      byte[] body = stream.readNBytes(limits.bodyBytes() + 1);
      if (body.length <= limits.bodyBytes()) return body;
      drain(stream);
    } catch (IOException | RuntimeException error) {
      throw new Problem(400, "Bad request", "The body cannot be read: " + error.getMessage());
    }
    throw new Problem(
        413, "Body too large", "At most %d bytes are accepted".formatted(limits.bodyBytes()));
  }

  private static void drain(InputStream stream) throws IOException {
    var piece = new byte[1 << 16];
    for (int left = DRAINED_OF_WRITER; left > 0; ) {
      int length = stream.read(piece);
      if (length < 0) return;
      left -= length;
    }
  }

  private Dataset found(String name) throws Problem {
    return datasets
        .find(name)
        .orElseThrow(() -> new Problem(404, "Not found", "There is no such dataset"));
  }

  /** The parts of the path after the base; empty for another path. */
  private static String[] pathOf(URI uri) {
    String path = uri.getRawPath();
    if (!path.startsWith(BASE + "/")) return new String[0];
    return Arrays.stream(path.substring(BASE.length() + 1).split("/", -1))
        .map(Api::decoded)
        .toArray(String[]::new);
  }

  private static boolean matches(String[] path, String... pattern) {
    if (path.length != pattern.length) return false;
    for (int index = 0; index < path.length; index++) {
      if (!pattern[index].equals("*") && !pattern[index].equals(path[index])) return false;
    }
    return true;
  }

  private static void allow(String method, String... methods) throws Problem {
    if (List.of(methods).contains(method)) return;
    String allowed = String.join(", ", methods);
    throw new Problem(
        405, "Method not allowed", allowed + " is allowed", Map.of(), Map.of("Allow", allowed));
  }

  private static Map<String, String> query(URI uri, Set<String> names) throws Problem {
    var values = new LinkedHashMap<String, String>();
    String query = uri.getRawQuery();
    if (query == null || query.isEmpty()) return values;
    for (String part : query.split("&")) {
      String[] field = part.split("=", 2);
      String name = decoded(field[0]);
      if (field.length != 2 || !names.contains(name)) {
        throw new Problem(400, "Bad request", "The query may have: " + String.join(", ", names));
      }
      values.put(name, decoded(field[1].replace("+", "%20")));
    }
    return values;
  }

  private static String decoded(String text) {
    // In a path, + is a literal +.
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static void send(HttpExchange exchange, Answer answer) throws IOException {
    byte[] body = JSON.writeValueAsBytes(answer.body());
    boolean isProblem = answer.status() >= 400;
    exchange
        .getResponseHeaders()
        .set("Content-Type", isProblem ? "application/problem+json" : "application/json");
    boolean isHead = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(answer.status(), isHead ? -1 : body.length);
    if (!isHead) exchange.getResponseBody().write(body);
  }
}

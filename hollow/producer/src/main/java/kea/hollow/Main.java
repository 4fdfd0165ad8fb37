package kea.hollow;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Starts a producer. */
@Command(
    name = "hollow-producer",
    description = "Accept metrics of Kea servers over HTTP into Netflix Hollow datasets.",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    footer = {
      "",
      "The first line on standard output is the base URL, for -p of to-hollow and hollow-monitor.",
      "The token is read from --token-file, or from the environment variable HOLLOW_TOKEN.",
      "",
      "Examples:",
      "  deno task hollow-producer",
      "  deno task hollow-producer --listen 0.0.0.0 --token-file /etc/kea-hollow/token"
          + " --data /var/lib/kea-hollow",
    })
public final class Main implements Callable<Integer> {
  /** Logs each cycle; referenced here, because an unreferenced logger loses its level. */
  private static final Logger HOLLOW_LOG = Logger.getLogger("com.netflix.hollow");

  @Option(names = "--port", description = "TCP port; 0 for any that is free", defaultValue = "8980")
  private int port;

  @Option(names = "--listen", description = "address", defaultValue = "127.0.0.1")
  private String listen;

  @Option(
      names = "--data",
      description = "folder; each dataset is a folder in it",
      defaultValue = "hollow-data")
  private Path data;

  @Option(names = "--token-file", description = "file that holds the token that clients must send")
  private Path tokenFile;

  @Option(
      names = "--windows",
      description = "windows to keep of each server; 288 of 5 minutes are a day",
      defaultValue = "288")
  private int windows;

  @Option(
      names = "--max-records",
      description = "records that a dataset may hold",
      defaultValue = "1000000")
  private int records;

  @Option(
      names = "--max-body",
      description = "bytes that a request may have",
      defaultValue = "16777216")
  private int bodyBytes;

  /** @param args see {@code --help} */
  public static void main(String[] args) {
    HOLLOW_LOG.setLevel(Level.WARNING);
    System.setProperty(
        "java.util.logging.SimpleFormatter.format", "%1$tFT%1$tT.%1$tL%1$tz %4$s %5$s%6$s%n");
    var command = new CommandLine(new Main());
    command.setExecutionExceptionHandler(
        (error, line, result) -> {
          System.err.println("error: " + error.getMessage());
          return 1;
        });
    System.exit(command.execute(args));
  }

  @Override
  public Integer call() throws Exception {
    if (windows < 1 || records < 1 || bodyBytes < 1) {
      System.err.println("error: --windows, --max-records and --max-body must be at least 1");
      return 2;
    }
    if (port < 0 || port > 65535) {
      System.err.println("error: --port must be from 0 to 65535");
      return 2;
    }
    var address = new InetSocketAddress(InetAddress.getByName(listen), port);
    var token = new Token(secret());
    if (!token.isNeeded() && !address.getAddress().isLoopbackAddress()) {
      throw new IOException(
          "Cannot listen on " + listen + " without a token, anyone could write:"
              + " give --token-file or HOLLOW_TOKEN");
    }
    var limits = new Limits(windows, records, bodyBytes);
    var clock = Clock.systemUTC();
    var stopped = new CountDownLatch(1);
    var closed = new CountDownLatch(1);
    try (var datasets = new Datasets(data, limits, clock);
        var api = listen(address, datasets, token, limits, clock)) {
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    stopped.countDown();
                    try {
                      closed.await();
                    } catch (InterruptedException error) {
                      Thread.currentThread().interrupt();
                    }
                  }));
      System.out.println(api.base());
      System.err.printf(
          "Datasets are in %s: %s%n",
          data.toAbsolutePath(), datasets.names().isEmpty() ? "none yet" : datasets.names());
      stopped.await();
    } finally {
      closed.countDown();
    }
    return 0;
  }

  private static Api listen(
      InetSocketAddress address, Datasets datasets, Token token, Limits limits, Clock clock)
      throws IOException {
    try {
      return new Api(address, datasets, token, limits, clock);
    } catch (IOException error) {
      throw new IOException(
          "Cannot listen on %s port %d (%s): give another --listen or --port"
              .formatted(
                  address.getAddress().getHostAddress(), address.getPort(), error.getMessage()),
          error);
    }
  }

  private String secret() throws IOException {
    String secret = tokenFile == null ? System.getenv("HOLLOW_TOKEN") : read(tokenFile);
    if (secret == null || secret.isEmpty()) {
      if (tokenFile != null) throw new IOException("Cannot use " + tokenFile + ": it is empty");
      return null;
    }
    return secret.strip();
  }

  private static String read(Path file) throws IOException {
    try {
      return Files.readString(file).strip();
    } catch (IOException error) {
      throw new IOException("Cannot read the token from " + file + ": " + error, error);
    }
  }
}

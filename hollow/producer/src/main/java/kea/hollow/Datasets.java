package kea.hollow;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The datasets of a folder, which no other process may write to. */
final class Datasets implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** A name that no dataset can have. */
  private static final String LOCK = ".lock";

  private final Path folder;
  private final Limits limits;
  private final Clock clock;
  private final FileChannel lock;
  private final Map<String, Dataset> datasets = new TreeMap<>();

  /**
   * Locks the folder and restores its datasets.
   *
   * @throws IOException in one line for people when it cannot
   */
  Datasets(Path folder, Limits limits, Clock clock) throws IOException {
    this.folder = folder;
    this.limits = limits;
    this.clock = clock;
    try {
      Files.createDirectories(folder);
      lock =
          FileChannel.open(
              folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException error) {
      throw new IOException(
          "Cannot write to %s (%s): give another --data".formatted(folder, error), error);
    }
    try {
      if (lock.tryLock() == null) throw new OverlappingFileLockException();
    } catch (OverlappingFileLockException held) {
      throw new IOException(
          "Cannot use " + folder + ", another producer does: stop it or give another --data");
    }
    try (var files = Files.list(folder)) {
      for (Path file : files.filter(Files::isDirectory).toList()) {
        String name = file.getFileName().toString();
        if (NAME.matcher(name).matches()) datasets.put(name, open(name));
      }
    }
  }

  private Dataset open(String name) throws IOException {
    try {
      return new Dataset(folder.resolve(name), limits, clock);
    } catch (IOException | RuntimeException error) {
      throw new IOException(
          "Cannot restore dataset %s (%s): fix %s, or move it away to start empty"
              .formatted(name, error.getMessage(), folder.resolve(name)),
          error);
    }
  }

  synchronized List<String> names() {
    return List.copyOf(datasets.keySet());
  }

  synchronized Optional<Dataset> find(String name) {
    return Optional.ofNullable(datasets.get(name));
  }

  /**
   * Finds a dataset or creates it.
   *
   * @throws Problem 422 for a name that it cannot have, 507 when there are too many
   */
  synchronized Dataset findOrMake(String name) throws Problem, IOException {
    Dataset found = datasets.get(name);
    if (found != null) return found;
    if (!NAME.matcher(name).matches()) {
      throw Problem.unprocessable(
          "The name of a dataset has 1 to 64 letters, digits, \"_\" and \"-\"");
    }
    if (Files.exists(folder.resolve(name))) {
      throw Problem.unprocessable(
          "A file of the producer's folder has the name of this dataset: use another");
    }
    if (datasets.size() >= Limits.DATASETS) {
      throw new Problem(
          507, "Too many datasets", "There are " + Limits.DATASETS + " datasets already");
    }
    Dataset made = new Dataset(folder.resolve(name), limits, clock);
    datasets.put(name, made);
    return made;
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}

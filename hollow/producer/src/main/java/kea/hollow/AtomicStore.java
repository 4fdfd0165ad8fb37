package kea.hollow;

import com.netflix.hollow.api.producer.HollowProducer.Announcer;
import com.netflix.hollow.api.producer.HollowProducer.Blob;
import com.netflix.hollow.api.producer.HollowProducer.HeaderBlob;
import com.netflix.hollow.api.producer.HollowProducer.PublishArtifact;
import com.netflix.hollow.api.producer.HollowProducer.Publisher;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Pattern;

/**
 * The blobs of a dataset, in the folder and under the names that Netflix's filesystem retriever and
 * announcement watcher read.
 *
 * <p>Published blobs wait in {@code pending/} and move into the folder when they are announced. So the
 * folder never has blobs of a rejected version, or of a cycle that a crash cut off. With the stock
 * publisher such a delta stays, and consumers take it for the next state.
 */
final class AtomicStore implements Publisher, Announcer {
  /** Snapshots that are kept, and all deltas since the older one. */
  private static final int SNAPSHOTS = 2;

  private static final String ANNOUNCEMENT = "announced.version";
  private static final Pattern BLOB =
      Pattern.compile("(?:snapshot|header|(?:reverse)?delta-(?<from>\\d+))-(?<to>\\d+)");
  private static final Logger LOG = Logger.getLogger(AtomicStore.class.getName());

  private final Path folder;
  private final Path pending;
  private long announced;

  /** Opens a store and removes what a crash left behind. */
  AtomicStore(Path folder) throws IOException {
    this.folder = folder;
    pending = Files.createDirectories(folder.resolve("pending"));
    announced = readAnnouncement();
    discardUnannounced();
  }

  /** The version that consumers read; 0 when there is none yet. */
  long announcedVersion() {
    return announced;
  }

  @Override
  public void publish(PublishArtifact artifact) {
    Path file = pending.resolve(nameOf(artifact));
    try (var from = artifact.newInputStream()) {
      Files.copy(from, file, StandardCopyOption.REPLACE_EXISTING);
      force(file);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Override
  public void announce(long version) {
    try {
      try {
        for (Path file : blobs(pending, name -> newest(name) == version)) {
          Files.move(
              file, folder.resolve(file.getFileName()), StandardCopyOption.ATOMIC_MOVE);
        }
        force(folder);
        writeAnnouncement(version);
      } catch (IOException | RuntimeException error) {
        discardUnannounced();
        throw error;
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    // From here on consumers have it, so nothing may fail.
    announced = version;
    try {
      force(folder);
      discardUnannounced();
      sweep();
    } catch (IOException | RuntimeException error) {
      LOG.log(Level.WARNING, "Cannot delete old blobs in " + folder, error);
    }
  }

  /** Deletes the blobs of a version that was not announced. */
  void discardUnannounced() throws IOException {
    delete(blobs(pending, name -> true));
    delete(blobs(folder, name -> newest(name) > announced));
  }

  /** Deletes blobs older than the oldest snapshot that is kept. */
  private void sweep() throws IOException {
    var snapshots = new ArrayList<Long>();
    for (Path file : blobs(folder, name -> name.startsWith("snapshot-"))) {
      snapshots.add(newest(file.getFileName().toString()));
    }
    if (snapshots.size() <= SNAPSHOTS) return;
    snapshots.sort(Comparator.reverseOrder());
    long oldest = snapshots.get(SNAPSHOTS - 1);
    delete(blobs(folder, name -> oldestOf(name) < oldest));
  }

  private long readAnnouncement() throws IOException {
    try {
      return Long.parseLong(Files.readString(folder.resolve(ANNOUNCEMENT)).strip());
    } catch (NoSuchFileException none) {
      return 0;
    } catch (NumberFormatException error) {
      throw new IOException(ANNOUNCEMENT + " holds no version: " + error.getMessage());
    }
  }

  private void writeAnnouncement(long version) throws IOException {
    Path file = folder.resolve(ANNOUNCEMENT);
    Path beside = pending.resolve(ANNOUNCEMENT);
    Files.writeString(beside, Long.toString(version));
    // The stock watcher checks whether the time is later, and clocks may be set back.
    if (Files.exists(file)) {
      long last = Files.getLastModifiedTime(file).toMillis();
      if (Files.getLastModifiedTime(beside).toMillis() <= last) {
        Files.setLastModifiedTime(beside, FileTime.fromMillis(last + 1));
      }
    }
    force(beside);
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private static String nameOf(PublishArtifact artifact) {
    if (artifact instanceof HeaderBlob header) return "header-" + header.getVersion();
    Blob blob = (Blob) artifact;
    return switch (blob.getType()) {
      case SNAPSHOT -> "snapshot-" + blob.getToVersion();
      case DELTA -> "delta-" + blob.getFromVersion() + "-" + blob.getToVersion();
      case REVERSE_DELTA -> "reversedelta-" + blob.getFromVersion() + "-" + blob.getToVersion();
    };
  }

  /** The newer version in the name of a blob: a reverse delta goes back from it. */
  private static long newest(String name) {
    var blob = BLOB.matcher(name);
    if (!blob.matches()) throw new IllegalArgumentException(name);
    long to = Long.parseLong(blob.group("to"));
    String from = blob.group("from");
    return from == null ? to : Math.max(to, Long.parseLong(from));
  }

  private static long oldestOf(String name) {
    var blob = BLOB.matcher(name);
    if (!blob.matches()) throw new IllegalArgumentException(name);
    long to = Long.parseLong(blob.group("to"));
    String from = blob.group("from");
    return from == null ? to : Math.min(to, Long.parseLong(from));
  }

  private static List<Path> blobs(Path folder, Predicate<String> isChosen) throws IOException {
    try (var files = Files.list(folder)) {
      return files
          .filter(file -> BLOB.matcher(file.getFileName().toString()).matches())
          .filter(file -> isChosen.test(file.getFileName().toString()))
          .toList();
    }
  }

  private static void delete(List<Path> files) throws IOException {
    for (Path file : files) Files.deleteIfExists(file);
  }

  private static void force(Path path) throws IOException {
    var option =
        Files.isDirectory(path) ? StandardOpenOption.READ : StandardOpenOption.WRITE;
    try (var channel = FileChannel.open(path, option)) {
      channel.force(true);
    }
  }
}

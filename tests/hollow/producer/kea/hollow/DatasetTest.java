package kea.hollow;

import static kea.hollow.Fixtures.LIMITS;
import static kea.hollow.Fixtures.await;
import static kea.hollow.Fixtures.batch;
import static kea.hollow.Fixtures.consumer;
import static kea.hollow.Fixtures.valuesOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.netflix.hollow.api.consumer.HollowConsumer;
import com.netflix.hollow.api.producer.HollowProducer.ReadState;
import com.netflix.hollow.api.producer.validation.ValidationResult;
import com.netflix.hollow.api.producer.validation.ValidatorListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What stock consumers see of a dataset, whatever happens to its producer. */
final class DatasetTest {
  @TempDir Path temporary;

  private Dataset open(ValidatorListener... listeners) throws IOException {
    return new Dataset(folder(), LIMITS, Clock.systemUTC(), listeners);
  }

  private Path folder() {
    return temporary.resolve("kea");
  }

  @Test
  void aRejectedCycleReachesNoConsumer() throws Exception {
    var validator = new Refusal();
    Dataset dataset = open(validator);
    await(consumer(folder()), dataset.ingest(batch("kea-1", 1, 10, 1)).version());
    HollowConsumer following = consumer(folder());

    validator.refuses = true;
    assertThrows(RuntimeException.class, () -> dataset.ingest(batch("kea-1", 2, 20, 666)));
    assertEquals(Map.of(10L, 1.0), valuesOf(consumer(folder())));
    Thread.sleep(1500);
    assertEquals(Map.of(10L, 1.0), valuesOf(following));

    validator.refuses = false;
    String version = dataset.ingest(batch("kea-1", 3, 30, 3)).version();
    await(following, version);
    assertEquals(Map.of(10L, 1.0, 30L, 3.0), valuesOf(following));
    assertEquals(Map.of(10L, 1.0, 30L, 3.0), valuesOf(consumer(folder())));
    assertEquals(2, dataset.state().records());
  }

  @Test
  void aCrashBetweenPublishAndAnnounceReachesNoConsumer() throws Exception {
    String first = open().ingest(batch("kea-1", 1, 10, 1)).version();
    HollowConsumer following = consumer(folder());

    assertEquals(CrashingProducer.STATUS, crash("2", "20", "666"));
    assertTrue(published("delta-" + first), "it died before it published");
    assertEquals(Map.of(10L, 1.0), valuesOf(consumer(folder())));

    Dataset dataset = open();
    assertEquals(Map.of(10L, 1.0), valuesOf(consumer(folder())));
    String version = dataset.ingest(batch("kea-1", 2, 30, 3)).version();
    await(following, version);
    assertEquals(Map.of(10L, 1.0, 30L, 3.0), valuesOf(following));
    assertEquals(Map.of(10L, 1.0, 30L, 3.0), valuesOf(consumer(folder())));
  }

  @Test
  void anAnnouncementThatFailsReachesNoConsumer() throws Exception {
    Dataset dataset = open();
    String first = dataset.ingest(batch("kea-1", 1, 10, 1)).version();
    HollowConsumer following = consumer(folder());

    // A folder cannot be replaced by a file.
    Path announcement = folder().resolve("announced.version");
    Files.move(announcement, temporary.resolve("kept"));
    Files.createDirectories(announcement.resolve("in the way"));
    assertThrows(RuntimeException.class, () -> dataset.ingest(batch("kea-1", 2, 20, 666)));
    Files.delete(announcement.resolve("in the way"));
    Files.delete(announcement);
    Files.move(temporary.resolve("kept"), announcement);

    assertEquals(Map.of(10L, 1.0), valuesOf(consumer(folder())));
    assertEquals(first, dataset.state().version());
    await(following, dataset.ingest(batch("kea-1", 2, 30, 3)).version());
    assertEquals(Map.of(10L, 1.0, 30L, 3.0), valuesOf(following));
  }

  @Test
  void aBatchCountsOnceAcrossARestart() throws Exception {
    String version = open().ingest(batch("kea-1", 5, 10, 1)).version();
    Dataset dataset = open();
    Dataset.Accepted again = dataset.ingest(batch("kea-1", 5, 10, 1));
    assertTrue(again.duplicate());
    assertEquals(version, again.version());
    Problem stale =
        assertThrows(Problem.class, () -> dataset.ingest(batch("kea-1", 4, 10, 1)));
    assertEquals(409, stale.status);
    assertEquals(5L, stale.members.get("lastSequence"));
  }

  @Test
  void consumersFollowDeltasAcrossARestart() throws Exception {
    open().ingest(batch("kea-1", 1, 10, 1));
    HollowConsumer following = consumer(folder());
    String version = open().ingest(batch("kea-1", 2, 20, 2)).version();
    await(following, version);
    assertEquals(Map.of(10L, 1.0, 20L, 2.0), valuesOf(following));
  }

  @Test
  void eachServerKeepsItsNewestWindows() throws Exception {
    Dataset dataset = open();
    for (int window = 1; window <= 5; window++) {
      dataset.ingest(batch("kea-1", window, window * 10, window));
    }
    dataset.ingest(batch("kea-2", 1, 1, 7));
    assertEquals(Map.of("kea-1", 3, "kea-2", 1), dataset.state().windows());
    assertEquals(
        Map.of(1L, 7.0, 30L, 3.0, 40L, 4.0, 50L, 5.0), valuesOf(consumer(folder())));

    // Older than all that are kept: taken, and forgotten at once.
    assertEquals(1, dataset.ingest(batch("kea-1", 6, 5, 9)).late());
    assertEquals(3, dataset.state().windows().get("kea-1"));
  }

  @Test
  void theFolderDoesNotGrowOnceRetentionIsReached() throws Exception {
    Dataset dataset = open();
    long largest = 0;
    for (int window = 1; window <= 300; window++) {
      dataset.ingest(batch("kea-1", window, window, window));
      if (window < 100) largest = Math.max(largest, files());
      else assertTrue(files() <= largest, files() + " files after " + window + " windows");
    }
  }

  @Test
  void versionsGrowWhenTheClockStepsBack() throws Exception {
    String first = open().ingest(batch("kea-1", 1, 10, 1)).version();
    HollowConsumer following = consumer(folder());
    Clock early = Clock.fixed(Instant.parse("2020-01-01T00:00:00Z"), ZoneOffset.UTC);
    Dataset dataset = new Dataset(folder(), LIMITS, early);
    String second = dataset.ingest(batch("kea-1", 2, 20, 2)).version();
    assertEquals(Long.parseLong(first) + 1, Long.parseLong(second));
    await(following, second);
  }

  @Test
  void aFullDatasetTakesNoMore() throws Exception {
    Dataset dataset = open();
    for (int server = 0; server < LIMITS.records(); server++) {
      dataset.ingest(batch("kea-" + server, 1, 10, 1));
    }
    Problem full = assertThrows(Problem.class, () -> dataset.ingest(batch("kea-x", 1, 10, 1)));
    assertEquals(507, full.status);
    assertEquals(1, dataset.delete("kea-7").deleted());
    dataset.ingest(batch("kea-x", 1, 10, 1));
  }

  @Test
  void theStateShowsTheRecords() throws Exception {
    Dataset dataset = open();
    dataset.ingest(batch("kea-1", 1, 10, 1.5));
    assertEquals(1, dataset.state().sources().get("kea-1").sequence());
    Map<String, Object> record = dataset.records(Map.of("server", "kea-1")).get(0);
    assertEquals(1.5, record.get("value"));
    assertEquals(List.of(), dataset.records(Map.of("server", "kea-2")));
  }

  private int crash(String... args) throws IOException, InterruptedException {
    var command = new java.util.ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(CrashingProducer.class.getName());
    command.add(folder().toString());
    command.addAll(List.of(args));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(temporary.resolve("crash.log").toFile())
        .start()
        .waitFor();
  }

  private boolean published(String beginning) throws IOException {
    try (var files = Files.list(folder().resolve("pending"))) {
      return files.anyMatch(file -> file.getFileName().toString().startsWith(beginning));
    }
  }

  private long files() throws IOException {
    try (var files = Files.walk(folder())) {
      return files.filter(Files::isRegularFile).count();
    }
  }

  /** A validator that refuses on demand. */
  private static final class Refusal implements ValidatorListener {
    private boolean refuses;

    @Override
    public String getName() {
      return "Refusal";
    }

    @Override
    public ValidationResult onValidate(ReadState state) {
      var result = ValidationResult.from(this);
      return refuses ? result.failed("refused") : result.passed();
    }
  }
}

package kea.hollow;

import com.netflix.hollow.api.consumer.fs.HollowFilesystemBlobRetriever;
import com.netflix.hollow.api.producer.HollowProducer;
import com.netflix.hollow.api.producer.HollowProducer.ReadState;
import com.netflix.hollow.api.producer.Status;
import com.netflix.hollow.api.producer.listener.CycleListener;
import com.netflix.hollow.api.producer.listener.HollowProducerEventListener;
import com.netflix.hollow.api.producer.validation.DuplicateDataDetectionValidator;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.write.objectmapper.RecordPrimaryKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import kea.hollow.model.IngestBatch;
import kea.hollow.model.MetricWindow;

/** A Hollow dataset in its own folder: accepts batches, one cycle each, and removes old windows. */
final class Dataset {
  /** A snapshot is published once in this many states; deltas between. */
  private static final int STATES_BETWEEN_SNAPSHOTS = 24;

  private static final DateTimeFormatter VERSION =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmssSSS").withZone(ZoneOffset.UTC);

  private final String name;
  private final Limits limits;
  private final Clock clock;
  private final HollowProducer.Incremental producer;
  private long version;
  private HollowReadStateEngine state;

  /**
   * The result of a batch.
   *
   * @param accepted its records
   * @param late those of them that are older than the kept windows
   * @param expired records of earlier batches that became too old
   * @param duplicate whether it had been accepted before
   */
  record Accepted(String version, int accepted, int late, int expired, boolean duplicate) {}

  /** The result of a deletion. */
  record Deleted(String version, int deleted) {}

  /** The last batch of a source. */
  record LastBatch(long sequence, String batchId, long receivedAt, int records) {}

  /** The state of a dataset; the version is a string, because it is beyond 2^53. */
  record State(
      String dataset,
      String version,
      int records,
      Map<String, Integer> windows,
      Map<String, LastBatch> sources) {}

  /**
   * Opens a dataset in its last announced state.
   *
   * @param listeners get events of cycles, in addition to our own; a validator may reject a cycle
   * @throws IOException when the folder cannot be used
   */
  Dataset(Path folder, Limits limits, Clock clock, HollowProducerEventListener... listeners)
      throws IOException {
    name = folder.getFileName().toString();
    this.limits = limits;
    this.clock = clock;
    Files.createDirectories(folder);
    var store = new AtomicStore(folder);
    version = store.announcedVersion();
    Path staging = folder.resolve("staging");
    clear(staging);
    Files.createDirectory(
        staging,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    producer =
        HollowProducer.withPublisher(store)
            .withAnnouncer(store)
            .withBlobStagingDir(staging.toFile())
            .withNumStatesBetweenSnapshots(STATES_BETWEEN_SNAPSHOTS)
            .withVersionMinter(this::nextVersion)
            .withListener(new NewestState())
            .withListener(new DuplicateDataDetectionValidator(MetricWindow.class.getSimpleName()))
            .withListeners(listeners)
            .buildIncremental();
    producer.initializeDataModel(MetricWindow.class, IngestBatch.class);
    if (version != 0) {
      state =
          producer.restore(version, new HollowFilesystemBlobRetriever(folder)).getStateEngine();
    }
  }

  /**
   * Adds a batch: its records replace those with the same key, and windows that are too old are removed.
   *
   * @throws Problem 409 when the source has sent a later batch, 507 when there is no room
   */
  synchronized Accepted ingest(Batch batch) throws Problem {
    LastBatch last = new Records(state).lastBatches().get(batch.source());
    if (last != null && last.sequence() >= batch.sequence()) {
      boolean same =
          last.sequence() == batch.sequence() && last.batchId().equals(batch.batchId());
      if (same) return new Accepted(versionText(), batch.records().size(), 0, 0, true);
      throw new Problem(
          409,
          "Stale batch",
          "Batch %d of source \"%s\" does not come after batch %d, the last one accepted"
              .formatted(batch.sequence(), batch.source(), last.sequence()),
          Map.of("lastSequence", last.sequence(), "lastBatchId", last.batchId()),
          Map.of());
    }
    var before = new Records(state);
    Map<String, NavigableMap<Long, Integer>> windows = before.windows();
    for (MetricWindow record : batch.records()) {
      windows
          .computeIfAbsent(record.server, server -> new TreeMap<>())
          .putIfAbsent(record.windowStart, 0);
    }
    Map<String, Long> oldest = oldestKept(windows);
    var fresh = new ArrayList<MetricWindow>();
    for (MetricWindow record : batch.records()) {
      if (record.windowStart >= oldest.getOrDefault(record.server, Long.MIN_VALUE)) {
        fresh.add(record);
      }
    }
    List<RecordPrimaryKey> expired =
        before.keys((server, source, start) -> start < oldest.getOrDefault(server, Long.MIN_VALUE));
    if (before.count() - expired.size() + fresh.size() > limits.records()) {
      throw new Problem(
          507,
          "Dataset full",
          "Dataset \"%s\" has %d records, at most %d are allowed"
              .formatted(name, before.count(), limits.records()));
    }
    var ledger = new IngestBatch();
    ledger.source = batch.source();
    ledger.sequence = batch.sequence();
    ledger.batchId = batch.batchId();
    ledger.receivedAt = clock.millis();
    ledger.records = batch.records().size();
    producer.runIncrementalCycle(
        next -> {
          expired.forEach(next::delete);
          fresh.forEach(next::addOrModify);
          next.addOrModify(ledger);
        });
    int late = batch.records().size() - fresh.size();
    return new Accepted(versionText(), batch.records().size(), late, expired.size(), false);
  }

  /** Deletes all records of a source, and its last batch number. */
  synchronized Deleted delete(String source) {
    var records = new Records(state);
    List<RecordPrimaryKey> keys =
        records.keys((server, from, start) -> from.equals(source));
    if (!keys.isEmpty() || records.lastBatches().containsKey(source)) {
      producer.runIncrementalCycle(
          next -> {
            keys.forEach(next::delete);
            next.delete(
                new RecordPrimaryKey(
                    IngestBatch.class.getSimpleName(), new Object[] {source}));
          });
    }
    return new Deleted(versionText(), keys.size());
  }

  synchronized State state() {
    var records = new Records(state);
    var windows = new TreeMap<String, Integer>();
    records.windows().forEach((server, starts) -> windows.put(server, starts.size()));
    return new State(
        name, versionText(), records.count(), windows, new TreeMap<>(records.lastBatches()));
  }

  /**
   * Records as JSON, at most {@link Records#MOST}.
   *
   * @param fields values of fields by their names: server, metric, source, windowStart
   */
  synchronized List<Map<String, Object>> records(Map<String, String> fields) {
    return new Records(state).json(fields);
  }

  /** The start of the oldest window that is kept, of each server that has more. */
  private Map<String, Long> oldestKept(Map<String, NavigableMap<Long, Integer>> windows) {
    var oldest = new HashMap<String, Long>();
    windows.forEach(
        (server, starts) -> {
          if (starts.size() <= limits.windows()) return;
          Set<Long> newest = new TreeSet<>(starts.keySet());
          var iterator = newest.iterator();
          for (int extra = starts.size() - limits.windows(); extra > 0; extra--) iterator.next();
          oldest.put(server, iterator.next());
        });
    return oldest;
  }

  /** Versions have 17 digits, as the stock retriever requires, and increase even if the clock does not. */
  private long nextVersion() {
    return Math.max(version + 1, Long.parseLong(VERSION.format(clock.instant())));
  }

  private String versionText() {
    return Long.toString(version);
  }

  private static void clear(Path folder) throws IOException {
    if (!Files.exists(folder)) return;
    var files = new HashSet<Path>();
    try (var list = Files.list(folder)) {
      list.forEach(files::add);
    }
    for (Path file : files) Files.delete(file);
    Files.delete(folder);
  }

  /** Keeps the state of the newest successful cycle. */
  private final class NewestState implements CycleListener {
    @Override
    public void onCycleComplete(
        Status status, ReadState newest, long cycleVersion, Duration elapsed) {
      if (status.getType() != Status.StatusType.SUCCESS || newest == null) return;
      state = newest.getStateEngine();
      version = newest.getVersion();
    }

    @Override
    public void onCycleStart(long cycleVersion) {}

    @Override
    public void onCycleSkip(CycleSkipReason reason) {}

    @Override
    public void onNewDeltaChain(long firstVersion) {}
  }
}

package kea.hollow;

import com.netflix.hollow.api.consumer.HollowConsumer;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemAnnouncementWatcher;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemBlobRetriever;
import com.netflix.hollow.api.objects.generic.GenericHollowObject;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import kea.hollow.model.MetricWindow;
import kea.hollow.model.Series;

/** Batches, and what a stock consumer reads. */
final class Fixtures {
  static final Limits LIMITS = new Limits(3, 100, 1 << 20);

  private Fixtures() {}

  /** A batch with one record: its value in the window with its start. */
  static Batch batch(String server, long sequence, long windowStart, double value) {
    var window = new MetricWindow();
    window.server = server;
    window.source = server;
    window.metric = "error_rate";
    window.windowStart = windowStart;
    window.windowEnd = windowStart + 1;
    window.value = value;
    window.buckets = List.of();
    window.quantiles = List.of();
    window.series = new Series();
    window.series.kind = "counter";
    window.series.unit = "events";
    window.series.labels = List.of();
    window.series.key = Series.keyOf(null, "events", Map.of());
    return new Batch(server, sequence, "batch-" + sequence, List.of(window));
  }

  /** A consumer that follows the announcements of a folder. */
  static HollowConsumer consumer(Path folder) {
    HollowConsumer consumer =
        HollowConsumer.withBlobRetriever(new HollowFilesystemBlobRetriever(folder))
            .withAnnouncementWatcher(new HollowFilesystemAnnouncementWatcher(folder))
            .build();
    consumer.triggerRefresh();
    return consumer;
  }

  /** The values of a consumer by the starts of their windows. */
  static Map<Long, Double> valuesOf(HollowConsumer consumer) {
    var values = new TreeMap<Long, Double>();
    var state = consumer.getStateEngine();
    state
        .getTypeState("MetricWindow")
        .getPopulatedOrdinals()
        .stream()
        .mapToObj(ordinal -> new GenericHollowObject(state, "MetricWindow", ordinal))
        .forEach(record -> values.put(record.getLong("windowStart"), record.getDouble("value")));
    return values;
  }

  /** Waits until a consumer that follows has a version. */
  static void await(HollowConsumer consumer, String version) throws InterruptedException {
    for (int tries = 0; tries < 100; tries++) {
      if (Long.toString(consumer.getCurrentVersionId()).equals(version)) return;
      Thread.sleep(100);
    }
    throw new AssertionError(
        "The consumer is at " + consumer.getCurrentVersionId() + ", not at " + version);
  }
}

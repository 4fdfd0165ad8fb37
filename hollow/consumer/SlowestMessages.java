import com.netflix.hollow.api.consumer.HollowConsumer;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemAnnouncementWatcher;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemBlobRetriever;
import java.nio.file.Path;
import java.util.Comparator;
import kea.metrics.KeaMetricsAPI;
import kea.metrics.MetricWindow;
import kea.metrics.Quantile;

/**
 * Prints the slowest windows of a dataset by the p99 of packet processing time, with the typed API
 * that {@code GenerateApi.java} writes:
 *
 * <pre>java -cp hollow-7.14.23.jar:CLASSES SlowestMessages.java DIR/DATASET</pre>
 */
public class SlowestMessages {
  public static void main(String[] args) {
    Path folder = Path.of(args[0]);
    HollowConsumer consumer =
        HollowConsumer.withBlobRetriever(new HollowFilesystemBlobRetriever(folder))
            .withAnnouncementWatcher(new HollowFilesystemAnnouncementWatcher(folder))
            .withGeneratedAPIClass(KeaMetricsAPI.class)
            .build();
    consumer.triggerRefresh();
    KeaMetricsAPI api = consumer.getAPI(KeaMetricsAPI.class);
    api.getAllMetricWindow().stream()
        .filter(window -> window.isMetricEqual("packet_processing_time"))
        .sorted(Comparator.comparingDouble(SlowestMessages::p99).reversed())
        .limit(10)
        .forEach(
            window ->
                System.out.printf(
                    "%s %s: p99 %.0f us of %d packets in %s%n",
                    window.getServer(),
                    java.time.Instant.ofEpochMilli(window.getWindowStart()),
                    p99(window) / 1000,
                    window.getCount(),
                    window.getSeries().getKey()));
    System.exit(0);
  }

  private static double p99(MetricWindow window) {
    for (Quantile quantile : window.getQuantiles()) {
      if (quantile.getQ() == 0.99) return quantile.getValue();
    }
    return 0;
  }
}

package kea.hollow;

import com.netflix.hollow.api.producer.HollowProducer.ReadState;
import com.netflix.hollow.api.producer.Status;
import com.netflix.hollow.api.producer.listener.AnnouncementListener;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;

/** A process that takes one batch and dies between publishing and announcing it. */
final class CrashingProducer {
  static final int STATUS = 99;

  private CrashingProducer() {}

  /** @param args the folder, the sequence of the batch, the start of its window, its value */
  public static void main(String[] args) throws Exception {
    var dataset = new Dataset(Path.of(args[0]), Fixtures.LIMITS, Clock.systemUTC(), new Crash());
    dataset.ingest(
        Fixtures.batch(
            "kea-1", Long.parseLong(args[1]), Long.parseLong(args[2]), Double.parseDouble(args[3])));
  }

  private static final class Crash implements AnnouncementListener {
    @Override
    public void onAnnouncementStart(long version) {
      Runtime.getRuntime().halt(STATUS);
    }

    @Override
    public void onAnnouncementComplete(
        Status status, ReadState state, long version, Duration elapsed) {}
  }
}

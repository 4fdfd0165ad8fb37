import com.netflix.hollow.api.consumer.HollowConsumer;
import com.netflix.hollow.api.consumer.HollowConsumer.AbstractRefreshListener;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemAnnouncementWatcher;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemBlobRetriever;
import com.netflix.hollow.api.custom.HollowAPI;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.tools.stringifier.HollowRecordJsonStringifier;
import java.nio.file.Path;

/**
 * Prints the records of a dataset, and again whenever a new version is announced. It uses only Netflix's
 * classes:
 *
 * <pre>java -cp hollow-7.14.23.jar FollowRecords.java DIR/DATASET [once]</pre>
 *
 * Each version is a line {@code VERSION snapshot|delta COUNT}, then one record per line, as JSON, then an
 * empty line.
 */
public class FollowRecords {
  public static void main(String[] args) throws InterruptedException {
    Path folder = Path.of(args[0]);
    boolean once = args.length > 1 && args[1].equals("once");
    HollowConsumer consumer =
        HollowConsumer.withBlobRetriever(new HollowFilesystemBlobRetriever(folder))
            .withAnnouncementWatcher(new HollowFilesystemAnnouncementWatcher(folder))
            .withRefreshListener(new Printer())
            .build();
    consumer.triggerRefresh();
    if (!once) Thread.currentThread().join();
    System.exit(0);
  }

  private static class Printer extends AbstractRefreshListener {
    @Override
    public void snapshotUpdateOccurred(HollowAPI api, HollowReadStateEngine state, long version) {
      print("snapshot", state, version);
    }

    @Override
    public void deltaUpdateOccurred(HollowAPI api, HollowReadStateEngine state, long version) {
      print("delta", state, version);
    }

    private void print(String update, HollowReadStateEngine state, long version) {
      var ordinals = state.getTypeState("MetricWindow").getPopulatedOrdinals();
      var text = new StringBuilder();
      text.append(version + " " + update + " " + ordinals.cardinality() + "\n");
      var stringifier = new HollowRecordJsonStringifier(false, false);
      ordinals.stream()
          .forEach(
              ordinal ->
                  text.append(stringifier.stringify(state, "MetricWindow", ordinal)).append('\n'));
      System.out.println(text);
    }
  }
}

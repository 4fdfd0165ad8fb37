import com.netflix.hollow.api.codegen.HollowAPIGenerator;
import com.netflix.hollow.api.consumer.HollowConsumer;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemAnnouncementWatcher;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemBlobRetriever;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Writes the typed API of a dataset, as Java sources, from the schemas in the dataset itself:
 *
 * <pre>java -cp hollow-7.14.23.jar GenerateApi.java DIR/DATASET SOURCES</pre>
 */
public class GenerateApi {
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    HollowConsumer consumer =
        HollowConsumer.withBlobRetriever(new HollowFilesystemBlobRetriever(folder))
            .withAnnouncementWatcher(new HollowFilesystemAnnouncementWatcher(folder))
            .build();
    consumer.triggerRefresh();
    Path sources = Path.of(args[1], "kea", "metrics");
    sources.toFile().mkdirs();
    new HollowAPIGenerator.Builder()
        .withAPIClassname("KeaMetricsAPI")
        .withPackageName("kea.metrics")
        .withDataModel(consumer.getStateEngine())
        .withErgonomicShortcuts()
        .withDestination(sources)
        .build()
        .generateSourceFiles();
    System.exit(0);
  }
}

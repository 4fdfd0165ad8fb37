package kea.hollow;

import java.util.List;
import kea.hollow.model.MetricWindow;

/**
 * A batch that was checked.
 *
 * @param source the sender
 * @param sequence increases with each batch of a source
 * @param batchId the same when a batch is sent again
 */
record Batch(String source, long sequence, String batchId, List<MetricWindow> records) {}

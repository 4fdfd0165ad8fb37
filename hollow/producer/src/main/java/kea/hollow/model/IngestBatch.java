package kea.hollow.model;

import com.netflix.hollow.core.write.objectmapper.HollowInline;
import com.netflix.hollow.core.write.objectmapper.HollowPrimaryKey;

/**
 * The last batch that was accepted from a source. It is part of the same state as the batch's records,
 * so both exist or neither, even after a crash.
 */
@HollowPrimaryKey(fields = "source")
public final class IngestBatch {
  @HollowInline public String source;
  /** Increases with each batch of a source. */
  public long sequence;
  @HollowInline public String batchId;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  public long receivedAt;
  public int records;
}

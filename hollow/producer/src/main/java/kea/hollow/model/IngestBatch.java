package kea.hollow.model;

import com.netflix.hollow.core.write.objectmapper.HollowInline;
import com.netflix.hollow.core.write.objectmapper.HollowPrimaryKey;

/**
 * The last batch that was taken from a source. It is part of the state that holds the batch's
 * records, so both are there or neither, after a crash too.
 */
@HollowPrimaryKey(fields = "source")
public final class IngestBatch {
  @HollowInline public String source;
  /** Grows from batch to batch of a source. */
  public long sequence;
  @HollowInline public String batchId;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  public long receivedAt;
  public int records;
}

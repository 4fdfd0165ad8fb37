package kea.hollow;

import com.netflix.hollow.api.objects.generic.GenericHollowObject;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.read.engine.object.HollowObjectTypeReadState;
import com.netflix.hollow.core.write.objectmapper.RecordPrimaryKey;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import kea.hollow.model.IngestBatch;
import kea.hollow.model.MetricWindow;

/** The records of a dataset's state. Reads all of them, field by field: 100,000 take some ms. */
final class Records {
  /** Most records that are returned at once. */
  static final int MOST = 1000;

  private static final String TYPE = MetricWindow.class.getSimpleName();

  private final HollowReadStateEngine state;
  private final HollowObjectTypeReadState type;
  private final BitSet ordinals;

  /** @param state null for a dataset that has none yet */
  Records(HollowReadStateEngine state) {
    this.state = state;
    type = state == null ? null : (HollowObjectTypeReadState) state.getTypeState(TYPE);
    ordinals = type == null ? new BitSet() : type.getPopulatedOrdinals();
  }

  /** Chooses records. */
  interface Choice {
    boolean takes(String server, String source, long windowStart);
  }

  int count() {
    return ordinals.cardinality();
  }

  /** How many records each window of each server has. */
  Map<String, NavigableMap<Long, Integer>> windows() {
    var windows = new HashMap<String, NavigableMap<Long, Integer>>();
    for (int ordinal : ordinals.stream().toArray()) {
      windows
          .computeIfAbsent(string(ordinal, "server"), server -> new TreeMap<>())
          .merge(windowStart(ordinal), 1, Integer::sum);
    }
    return windows;
  }

  /** Keys of the records that a choice accepts. */
  List<RecordPrimaryKey> keys(Choice choice) {
    var keys = new ArrayList<RecordPrimaryKey>();
    for (int ordinal : ordinals.stream().toArray()) {
      String server = string(ordinal, "server");
      long start = windowStart(ordinal);
      if (!choice.takes(server, string(ordinal, "source"), start)) continue;
      String series =
          new GenericHollowObject(state, TYPE, ordinal).getObject("series").getString("key");
      keys.add(
          new RecordPrimaryKey(
              TYPE, new Object[] {server, string(ordinal, "metric"), series, start}));
    }
    return keys;
  }

  /** The last batch of each source. */
  Map<String, Dataset.LastBatch> lastBatches() {
    var batches = new HashMap<String, Dataset.LastBatch>();
    String ledger = IngestBatch.class.getSimpleName();
    if (state == null || state.getTypeState(ledger) == null) return batches;
    state.getTypeState(ledger).getPopulatedOrdinals().stream()
        .mapToObj(ordinal -> new GenericHollowObject(state, ledger, ordinal))
        .forEach(
            batch ->
                batches.put(
                    batch.getString("source"),
                    new Dataset.LastBatch(
                        batch.getLong("sequence"),
                        batch.getString("batchId"),
                        batch.getLong("receivedAt"),
                        batch.getInt("records"))));
    return batches;
  }

  /** Records in the shape in which they were pushed. */
  List<Map<String, Object>> json(Map<String, String> fields) {
    var records = new ArrayList<Map<String, Object>>();
    for (int ordinal : ordinals.stream().toArray()) {
      if (records.size() == MOST) break;
      boolean takes =
          fields.entrySet().stream()
              .allMatch(
                  field ->
                      (field.getKey().equals("windowStart")
                              ? Long.toString(windowStart(ordinal))
                              : string(ordinal, field.getKey()))
                          .equals(field.getValue()));
      if (takes) records.add(json(new GenericHollowObject(state, TYPE, ordinal)));
    }
    return records;
  }

  private static Map<String, Object> json(GenericHollowObject record) {
    var series = record.getObject("series");
    var labels = new LinkedHashMap<String, String>();
    for (var label : series.getList("labels").objects()) {
      labels.put(label.getString("name"), label.getString("value"));
    }
    var json = new LinkedHashMap<String, Object>();
    json.put("server", record.getString("server"));
    json.put("metric", record.getString("metric"));
    json.put("family", series.isNull("family") ? null : series.getInt("family"));
    json.put("unit", series.getString("unit"));
    json.put("labels", labels);
    json.put("kind", series.getString("kind"));
    json.put("windowStart", record.getLong("windowStart"));
    json.put("windowEnd", record.getLong("windowEnd"));
    for (String field : List.of("value", "mean", "min", "max", "sum")) {
      if (!record.isNull(field)) json.put(field, record.getDouble(field));
    }
    if (series.getString("kind").equals("histogram")) {
      json.put("exact", record.getBoolean("exact"));
      json.put("count", record.getLong("count"));
      json.put("buckets", list(record, "buckets", List.of("lower", "upper"), true));
      json.put("quantiles", list(record, "quantiles", List.of("q", "value", "lower", "upper"), false));
    }
    return json;
  }

  private static List<Map<String, Object>> list(
      GenericHollowObject record, String field, List<String> doubles, boolean hasCount) {
    var list = new ArrayList<Map<String, Object>>();
    for (var element : record.getList(field).objects()) {
      var json = new LinkedHashMap<String, Object>();
      for (String name : doubles) json.put(name, element.getDouble(name));
      if (hasCount) json.put("count", element.getLong("count"));
      list.add(json);
    }
    return list;
  }

  private String string(int ordinal, String field) {
    return type.readString(ordinal, type.getSchema().getPosition(field));
  }

  private long windowStart(int ordinal) {
    return type.readLong(ordinal, type.getSchema().getPosition("windowStart"));
  }
}

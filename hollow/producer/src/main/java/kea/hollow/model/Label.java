package kea.hollow.model;

import com.netflix.hollow.core.write.objectmapper.HollowInline;

/** A label of a series. */
public final class Label {
  @HollowInline public String name;
  @HollowInline public String value;
}

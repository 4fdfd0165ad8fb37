"""The totals of a capture, the straightforward way: json for each line, a loop over each map.

`deno task bench:convert` compares the converter with it. It makes no windows, which the converter does.
"""
import json, sys
from collections import defaultdict

TIMES = {"@processing", "@before", "@after", "@allocation", "@lease_file_write", "@lease_manager"}
BYTES = {"@received", "@sent"}

times = defaultdict(lambda: defaultdict(lambda: [0, 0, None, None]))
counts = defaultdict(lambda: defaultdict(lambda: [0, 0]))
others = defaultdict(lambda: defaultdict(int))
with open(sys.argv[1]) as lines:
    for line in lines:
        record = json.loads(line)
        if record["type"] != "sample":
            continue
        for name, rows in record["maps"].items():
            for row in rows:
                if name in TIMES:
                    *series, bucket, count, time = row
                    tally = times[name, tuple(series)][bucket]
                    tally[0] += count
                    tally[1] += time
                    if count == 1:
                        tally[2] = time if tally[2] is None else min(tally[2], time)
                        tally[3] = time if tally[3] is None else max(tally[3], time)
                elif name in BYTES:
                    *key, count, size = row
                    tally = counts[name][str(key)]
                    tally[0] += count
                    tally[1] += size
                else:
                    *key, count = row
                    others[name][str(key)] += count
document = {
    "times": {f"{n} {s}": {b: t for b, t in sorted(v.items())} for (n, s), v in times.items()},
    "counts": counts,
    "others": others,
}
json.dump(document, sys.stdout)

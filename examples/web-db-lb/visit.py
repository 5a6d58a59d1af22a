"""Visit the page twenty times; end with 1 unless both replicas answer and the counter grows."""

import json
import os
import sys
import urllib.request

VISITS = 20

url = f"http://127.0.0.1:{os.environ.get('PORT', '8080')}/"
pages = [json.load(urllib.request.urlopen(url, timeout=5)) for _ in range(VISITS)]
counts = [page["visits"] for page in pages]
replicas = sorted({page["replica"] for page in pages})
for page in pages[:4]:
    print(f"{url} answers: visit {page['visits']}, counted by replica {page['replica']}")
print(
    f"... {VISITS} visits, counted from {counts[0]} to {counts[-1]} by {len(replicas)} replicas: {', '.join(replicas)}"
)
if counts != list(range(counts[0], counts[0] + VISITS)):
    sys.exit(f"the counter does not grow by one a visit: {counts}")
if len(replicas) < 2:
    sys.exit("only one replica answers")

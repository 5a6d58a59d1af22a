"""Fetch the page with its script, vote, and read the count; end with 1 unless it grew by one."""

import json
import os
import re
import sys
import urllib.request

url = f"http://127.0.0.1:{os.environ.get('PORT', '8080')}"


def fetch(path: str, method: str = "GET") -> bytes:
    """Return what is at a path."""
    content: bytes = urllib.request.urlopen(urllib.request.Request(url + path, method=method), timeout=10).read()
    return content


script = re.search(r'src="(/assets/[^"]+\.js)"', fetch("/").decode())
if script is None or b"What do you drink?" not in fetch(script[1]):
    sys.exit("the page does not load the script that was built")
before = json.loads(fetch("/api/votes"))["tea"]
after = json.loads(fetch("/api/votes/tea", "POST"))["tea"]
print(f"{url}{script[1]} is there; tea had {before} votes and has {after}")
if after != before + 1:
    sys.exit("the vote was not counted")

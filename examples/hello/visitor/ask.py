"""Ask the other service by its name, every two seconds."""

import signal
import sys
import time
import urllib.request

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    with urllib.request.urlopen("http://web:8000/", timeout=5) as answer:
        print("web answers:", answer.status, answer.reason, flush=True)
    time.sleep(2)

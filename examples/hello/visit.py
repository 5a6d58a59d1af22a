"""Fetch the page of the published port; end with 1 when it is not the right one."""

import os
import sys
import urllib.request

url = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/"
page = urllib.request.urlopen(url, timeout=5).read().decode()
print(f"{url} answers: {page.splitlines()[-1]}")
sys.exit("Hello" not in page)

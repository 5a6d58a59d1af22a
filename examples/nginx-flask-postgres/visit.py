"""Sign the guest book and read it; end with 1 unless the new note is on the page."""

import os
import sys
import urllib.parse
import urllib.request
import uuid

url = f"http://127.0.0.1:{os.environ.get('PORT', '8080')}/"
note = f"visited as {uuid.uuid4().hex[:8]}"
form = urllib.parse.urlencode({"text": note}).encode()
page = urllib.request.urlopen(url, data=form, timeout=10).read().decode()
print(f"{url} after signing with `{note}`: {page.count('<li>')} notes on the page")
if f"<li>{note}</li>" not in page:
    sys.exit("the note is not on the page")

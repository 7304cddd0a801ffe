"""Zips a folder so that the same files give the same zip: `zip.py FOLDER ZIP`. Its entries begin with the folder's name, and
SOURCE_DATE_EPOCH is their time, or the earliest that a zip can hold.
"""

import os
import sys
import time
import zipfile

EARLIEST = 315_532_800  # 1980

folder, target = (os.path.abspath(path) for path in sys.argv[1:])
made = time.gmtime(max(EARLIEST, int(os.environ.get("SOURCE_DATE_EPOCH", "0"))))[:6]
files = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
with zipfile.ZipFile(target, "w") as archive:
    for file in files:
        name = os.path.relpath(file, os.path.dirname(folder)).replace(os.sep, "/")
        entry = zipfile.ZipInfo(name, made)
        entry.create_system = 3  # Unix, whatever this machine is: only then the mode counts
        entry.external_attr = (0o100755 if name.endswith(".exe") else 0o100644) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(file, "rb") as content:
            archive.writestr(entry, content.read(), compresslevel=9)

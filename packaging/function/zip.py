"""Zips a function's executable so that the same bytes give the same zip: `zip.py EXECUTABLE ZIP`.

One entry, `bootstrap`, with the mode that Lambda needs and the earliest time that a zip can hold.
"""

import os
import sys
import zipfile

source, target = sys.argv[1:]
entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
entry.create_system = 3  # Unix, whatever this machine is: only then the mode counts
entry.external_attr = 0o100755 << 16
entry.compress_type = zipfile.ZIP_DEFLATED
partial = f"{target}.{os.getpid()}"
with open(source, "rb") as executable, zipfile.ZipFile(partial, "w") as archive:
    archive.writestr(entry, executable.read(), compresslevel=9)
os.replace(partial, target)

#!/bin/sh
# Parses the scripts for PowerShell: `packaging/develop/powershell.sh [SCRIPT…]`. Safe to run at the same time as another.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- install.ps1
"$(packaging/develop/environment.sh powershell-venv packaging/develop/powershell.txt)/python" packaging/develop/powershell.py "$@"

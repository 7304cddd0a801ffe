#!/bin/sh
# Makes the Python environment of the tests' clients in target/clients-venv and prints where its python is.
set -eu
cd "$(dirname "$0")"
programs="$(./environment.sh clients-venv clients.txt)"
echo "$programs/python"

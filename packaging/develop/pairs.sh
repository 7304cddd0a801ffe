#!/usr/bin/env bash
# What thousands of idle tunnels cost a relay: `packaging/develop/pairs.sh [PAIRS]`, 5000 without a number.
# Memory of each before and after traffic, and the processor at rest. Relay and clients run on this machine, and each of
# them needs two descriptors for a pair.
set -eu
cd "$(dirname "$0")/../.."
pairs="${1:-5000}"
export PATH="$HOME/.cargo/bin:$PATH"
hard="$(ulimit -H -n)"
if [ "$hard" != unlimited ] && [ "$hard" -lt "$((2 * pairs + 100))" ]; then
    echo "$pairs pairs need $((2 * pairs + 100)) descriptors; the system allows $hard: raise it, or take fewer pairs" >&2
    exit 1
fi
ulimit -S -n "$hard"
AWSLAMBDAPROXY_PAIRS="$pairs" cargo test --release --package awslambdaproxy-relay --test it -- --nocapture idle_pairs

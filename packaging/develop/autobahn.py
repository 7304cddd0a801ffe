#!/usr/bin/env python3
"""Runs cases of the Autobahn test suite against the WebSocket echo server at URL: autobahn.py URL CASE…

A case is a name of the suite, like 1.1.1, or a pattern, like "6.*". Prints each that failed, and what came of all.
"""
import asyncio, collections, sys

from kosoku import FailureError, run_fuzzingclient


async def main(url, cases):
    try:
        results, failed = await run_fuzzingclient(url, cases, concurrency=4), []
    except FailureError as error:
        results, failed = error.results, [result for result in error.results if not result.passed]
    for result in failed:
        print(f"{result.case_id}: {result.behavior.value}, close {result.behavior_close.value}: {result.result} {result.result_close}")
        print(f"    expected {result.expected}, received {result.received}, code {result.remote_close_code}")
    counts = collections.Counter(result.behavior.value for result in results)
    print(f"{len(results)} cases: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    return 1 if failed or not results else 0


sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2:])))

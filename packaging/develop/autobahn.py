#!/usr/bin/env python3
"""Runs cases of the Autobahn test suite against the WebSocket echo server at URL: autobahn.py URL CASE…

A case is a name of the suite, like 1.1.1, or a pattern, like "6.*". Prints each that failed, and what came of all.
"""
import asyncio, collections, os, sys

from kosoku import FailureError, run_fuzzingclient


async def run(url, cases, concurrency):
    try:
        return await run_fuzzingclient(url, cases, concurrency=concurrency)
    except FailureError as error:
        return error.results


async def main(url, cases):
    results = await run(url, cases, 4)
    failed = [result for result in results if not result.passed]
    if failed:
        # The suite waits for half a second, which is short on a busy machine: what is wrong is wrong alone, too.
        again = await run(url, [result.case_id for result in failed], 1)
        results = [result for result in results if result.passed] + again
        failed = [result for result in again if not result.passed]
    for result in failed:
        print(f"{result.case_id}: {result.behavior.value}, close {result.behavior_close.value}: {result.result} {result.result_close}")
        print(f"    expected {result.expected}, received {result.received}, code {result.remote_close_code}")
    counts = collections.Counter(result.behavior.value for result in results)
    print(f"{len(results)} cases: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    return 1 if failed or not results else 0


code = asyncio.run(main(sys.argv[1], sys.argv[2:]))
sys.stdout.flush()
# Threads of the suite outlive its work, and crash now and then in an interpreter that is being taken down.
os._exit(code)

"""httpx: many requests at once by one proxy. Arguments: proxy, plain URL, secure URL, certificate."""

import asyncio
import ssl
import sys

import httpx

proxy, plain, secure, certificate = sys.argv[1:]


async def main():
    trusted = ssl.create_default_context(cafile=certificate)
    options = {"proxy": proxy, "verify": trusted, "http2": True, "trust_env": False, "timeout": 60}
    async with httpx.AsyncClient(**options) as client:
        answers = await asyncio.gather(*(client.get(url) for url in (plain, secure) * 50))
        assert all(answer.text == "a real page\n" for answer in answers), answers
        assert {answer.http_version for answer in answers[1::2]} == {"HTTP/2"}, answers
        async with client.stream("GET", secure + "big") as answer:
            size = sum([len(part) async for part in answer.aiter_bytes()])
        assert size == 20_000_000, size
        # A download that is broken off leaves the client usable.
        async with client.stream("GET", plain + "big") as answer:
            async for _ in answer.aiter_bytes():
                break
        assert (await client.get(plain)).status_code == 200


asyncio.run(main())
print("ok")

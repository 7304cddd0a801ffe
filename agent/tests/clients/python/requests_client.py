"""requests: a session by one proxy. Arguments: proxy, plain URL, secure URL, certificate."""

import sys

import requests

proxy, plain, secure, certificate = sys.argv[1:]
with requests.Session() as session:
    session.trust_env = False
    session.proxies = {"http": proxy, "https": proxy}
    session.verify = certificate
    for url in (plain, secure) * 3:
        answer = session.get(url, timeout=30)
        assert answer.status_code == 200 and answer.text == "a real page\n", answer
    # A generator is sent in chunks, which nginx takes apart and stores.
    for base in (plain, secure):
        answer = session.put(base + "up/chunks", data=(b"x" * 10_000 for _ in range(100)), timeout=30)
        assert answer.status_code in (201, 204), answer
        assert len(session.get(base + "up/chunks", timeout=30).content) == 1_000_000
    assert session.head(plain, timeout=30).headers["Content-Length"] == "12"
    assert session.get(plain + "none", timeout=30).status_code == 404
print("ok")

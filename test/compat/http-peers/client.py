"""The clients of the matrix that run in Python: the same arguments, scenarios and answers as client.mjs."""

import hashlib
import json
import sys

import requests
import urllib3

kind, base, resources, body_file, reused = sys.argv[1:]
resources = json.loads(resources)
with open(body_file) as file:
    body = file.read()
FORM = {"content-type": "application/x-www-form-urlencoded"}
THIRD = -(-len(body) // 3)


def pieces():
    for n in range(3):
        yield body[n * THIRD : (n + 1) * THIRD].encode()


session = requests.Session()
session.trust_env = False
pool = urllib3.PoolManager(maxsize=1)


def with_requests(method, path, headers=None, data=None, chunks=None):
    answer = session.request(method, base + path, headers=headers, data=chunks or data, allow_redirects=method == "GET")
    return answer.status_code, answer.headers.items(), answer.content


def with_urllib3(method, path, headers=None, data=None, chunks=None):
    extra = {"chunked": True} if chunks else {}
    answer = pool.urlopen(method, base + path, headers=headers or {}, body=chunks or data, decode_content=False, **extra)
    return answer.status, answer.headers.items(), answer.data


client = {"requests": with_requests, "urllib3": with_urllib3}[kind]
outcomes = []


def play(scenario, method, path, **wanted):
    status, headers, content = client(method, path, **wanted)
    outcomes.append(
        {
            "scenario": scenario,
            "status": status,
            "headers": [[name.lower(), value] for name, value in headers],
            "length": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    )
    return content


play("GET", "GET", resources["get"])
play("POST with a body", "POST", resources["post"], headers=FORM, data=body.encode())
play("chunked upload", "POST", resources["post"], headers=FORM, chunks=pieces())
play("HEAD", "HEAD", resources["head"])
play("404", "GET", "/missing")
play("large download", "GET", resources["large"])
play("redirect", "GET", resources["redirect"])
connections = {play("keep-alive", "GET", resources["connection"] or resources["get"]) for _ in range(int(reused))}
for outcome in outcomes:
    if outcome["scenario"] == "keep-alive":
        kept = [pair for pair in outcome["headers"] if pair[0] not in ("content-length", "etag")]
        outcome.update(sha256="", length=0, headers=kept)
print(json.dumps({"outcomes": outcomes, "connections": len(connections)}))

"""Fixtures for a Squall that runs: each test begins with a mark in the journal, and ends healed."""

import os

import pytest
import requests

ADMIN = os.environ.get("SQUALL_ADMIN", "http://127.0.0.1:8474")


class Squall:
    """The calls of the admin API that tests need."""

    def __init__(self, admin):
        self.admin = admin
        self.http = requests.Session()
        self.begun = 0

    def call(self, method, path, **more):
        response = self.http.request(method, self.admin + path, timeout=10, **more)
        assert response.ok, response.text
        return response.json()

    def use(self, profile, seed=7, **params):
        """A profile in place of all that is on. It ends by itself should the test be killed."""
        self.call("PUT", "/active", json={"profile": profile, "seed": seed, "ttl": "1m", "params": params})

    def inject(self, *faults):
        """Faults without a profile."""
        self.call("PUT", "/active", json={"faults": faults, "ttl": "1m"})

    def heal(self):
        self.call("DELETE", "/active")

    def mark(self, text):
        self.begun = self.call("POST", "/journal/marks", json={"text": text})["seq"]

    def hits(self, **filters):
        """What was done to whom since the test began."""
        asked = {"kind": "fault_hit", "since": self.begun, "limit": 1000, **filters}
        return self.call("GET", "/journal", params=asked)["entries"]

    def address(self, proxy):
        """Where bots dial it."""
        proxies = self.call("GET", "/status")["proxies"]
        return next("http://" + one["listen"] for one in proxies if one["name"] == proxy)


@pytest.fixture(scope="session")
def daemon():
    return Squall(ADMIN)


@pytest.fixture
def squall(daemon, request):
    daemon.heal()
    daemon.mark(request.node.nodeid)
    yield daemon
    daemon.heal()


@pytest.fixture
def jobs(squall):
    """The address of the job server, through Squall."""
    return squall.address("jobs")

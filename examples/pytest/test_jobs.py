"""What a bot meets, and what the journal says of it."""

import pytest
import requests
from requests.adapters import HTTPAdapter, Retry


class Bot:
    """As small as a bot can be: it dials again while nobody listens, and waits at most one second for a response."""

    def __init__(self, server, name):
        self.server = server
        self.http = requests.Session()
        self.http.mount("http://", HTTPAdapter(max_retries=Retry(connect=5, read=0, backoff_factor=0.05)))
        token = self.post("/v1/bots", {"name": name}).json()["token"]
        self.http.headers["authorization"] = f"Bearer {token}"

    def post(self, path, body):
        return self.http.post(self.server + path, json=body, timeout=1)

    def complete(self, lease):
        path = f"/v1/jobs/{lease['job']['id']}/complete"
        return self.post(path, {"lease_id": lease["lease_id"], "result": "done"}).json()


@pytest.fixture
def bot(jobs, request):
    return Bot(jobs, request.node.name)


@pytest.fixture
def lease(bot):
    bot.post("/v1/jobs", {"type": "wash", "payload": {}})
    return bot.post("/v1/lease?wait=1s", {}).json()


def test_a_completion_whose_response_is_lost_can_be_repeated(squall, bot, lease):
    squall.use("lost-ack", every=1)
    with pytest.raises(requests.ConnectionError):
        bot.complete(lease)
    assert [hit["fault"] for hit in squall.hits()] == ["lose-the-ack"]
    squall.heal()
    assert bot.complete(lease)["repeated"] is True


def test_a_bot_gives_up_a_server_that_says_nothing(squall, bot):
    squall.inject({"type": "blackhole", "proxy": "jobs"})
    with pytest.raises(requests.Timeout):
        bot.post("/v1/lease", {})
    assert squall.hits(proxy="jobs", type="blackhole") != []


def test_a_bot_comes_back_to_a_server_that_comes_back(squall, bot, lease):
    squall.use("server-crash")
    with pytest.raises(requests.ConnectionError):
        bot.complete(lease)
    squall.heal()
    assert bot.complete(lease)["state"] == "completed"


def test_nothing_is_done_to_a_test_that_asks_for_nothing(squall, bot, lease):
    assert bot.complete(lease)["state"] == "completed"
    assert squall.hits() == []

// Squall as a generic container, beside the container of the server under test. Runs where there is Docker: node --test
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { GenericContainer, Network, Wait } from "testcontainers";

let network, server, squall, admin, jobs;

before(async () => {
  network = await new Network().start();
  server = await new GenericContainer("squall:local")
    .withCommand(["mock-server", "--host", "0.0.0.0", "--port", "3000"])
    .withNetwork(network)
    .withNetworkAliases("job-server")
    .withExposedPorts(3000)
    .start();
  squall = await new GenericContainer("squall:local")
    .withNetwork(network)
    .withEnvironment({
      SQUALL__ADMIN__LISTEN: "0.0.0.0:8474",
      SQUALL__PROXIES__JOBS__LISTEN: "0.0.0.0:8080",
      SQUALL__PROXIES__JOBS__UPSTREAM: "http://job-server:3000",
    })
    .withExposedPorts(8474, 8080)
    .withWaitStrategy(Wait.forHttp("/readyz", 8474))
    .start();
  admin = `http://${squall.getHost()}:${squall.getMappedPort(8474)}`;
  jobs = `http://${squall.getHost()}:${squall.getMappedPort(8080)}`;
});

after(async () => {
  await squall?.stop();
  await server?.stop();
  await network?.stop();
});

test("a bot is told to come back later", async () => {
  await fetch(`${admin}/active`, { method: "PUT", body: new URLSearchParams("profile=rate-limit&seed=7") });
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${jobs}/v1/jobs`)));
  assert.ok(answers.some(({ status, headers }) => status === 429 && headers.has("retry-after")));
  await fetch(`${admin}/active`, { method: "DELETE" });
  assert.equal((await fetch(`${jobs}/v1/jobs`)).status, 200);
});

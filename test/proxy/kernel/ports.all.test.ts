/** A machine that has no local port left to dial from: told as its own lack, on every plane, and held against no upstream. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cable, missingForNamespaces } from "../../support/netns.js";
import type { Json } from "../../support/process.js";

const missing = missingForNamespaces();
const needs = missing === null ? "" : ` (needs: ${missing})`;

/** How many connections the machine can have open to one address and port; kernels use an even number. */
const PORTS = 4;
const upstreams = { a: "tcp://127.0.0.1:9" };
const eject = { failures: 1, for: "10m" };

/** Clients that stay for as long as they are let, and what became of each. */
const CLIENTS = `
  import { connect } from "node:net";
  const [port, count, hello] = JSON.parse(process.argv[1]);
  const one = () => new Promise((resolve) => {
    const socket = connect(port, "10.77.0.1", () => socket.write(hello));
    socket.on("data", (data) => resolve([...String(data)].slice(0, 12).join("")));
    socket.on("error", ({ code }) => resolve(code)).on("end", () => resolve("closed"));
  });
  const fates = [];
  for (let n = 0; n < count; n++) fates.push(await one());
  console.log(JSON.stringify(fates));
  process.exit(0);
`;

describe.skipIf(missing !== null)(`local ports that are used up${needs}`, () => {
  let cable: Cable;
  beforeEach(() => {
    cable = new Cable();
  });
  afterEach(() => {
    cable.close();
  });

  const open = async (proxies: Json): Promise<void> => {
    const range = `net.ipv4.ip_local_port_range=50000 ${50_000 + PORTS - 1}`;
    await cable.in("a", ["sysctl", "-qw", range]);
    await cable.echo("a", 9);
    await cable.daemon(proxies);
  };
  const clients = async (count: number, hello: string): Promise<string[]> => {
    const words = [
      process.execPath,
      "--input-type=module",
      "-e",
      CLIENTS,
      JSON.stringify([8080, count, hello]),
    ];
    return JSON.parse(await cable.in("b", words)) as string[];
  };
  const metrics = (): Promise<string> => cable.in("a", ["curl", "-sS", "localhost:8474/metrics"]);
  const errors = async (): Promise<string[]> =>
    [...(await metrics()).matchAll(/^squall_connections_errors_total\{.*reason="(\w+)"\} (\d+)$/gmu)].flatMap(
      ([, reason, count]) => (count === "0" ? [] : [`${reason} ${count}`]),
    );
  const told = async (kind: string): Promise<unknown> =>
    (await cable.api("GET", `/journal?kind=${kind}`))["entries"];

  it("eject no upstream, and end the connections that found none", async () => {
    await open({ jobs: { listen: ":8080", upstreams, eject } });
    const fates = await clients(PORTS + 2, "x");
    expect(fates).toEqual(["x", "x", "x", "x", "closed", "closed"]);
    expect(await errors()).toEqual(["port_limit 2"]);
    expect(await told("upstream_changed")).toEqual([]);
  });

  it("are answered with 502 where that can be said", async () => {
    await open({ jobs: { listen: ":8080", upstream: "http://127.0.0.1:9" } });
    // What echoes is no HTTP server, and so each of the first has an answer that cannot be read, and a port in TIME_WAIT.
    const fates = await clients(PORTS + 2, "GET / HTTP/1.1\r\nHost: jobs\r\n\r\n");
    expect(fates).toEqual(Array.from({ length: PORTS + 2 }, () => "HTTP/1.1 502"));
    expect(await errors()).toEqual(["upstream_protocol 4", "port_limit 2"]);
  });

  it("lose datagrams of new flows, and are no failure of where they were to go", async () => {
    await open({ jobs: { listen: ":8080", upstream: "udp://127.0.0.1:9", idle_timeout: "10m" } });
    for (let n = 0; n < PORTS + 2; n++) {
      const send = `echo x | timeout 1 bash -c 'cat > /dev/udp/10.77.0.1/8080'`;
      await cable.in("b", ["bash", "-c", send]);
    }
    while (!(await metrics()).includes(`squall_connections_total{proxy="jobs"} ${PORTS + 2}`)) continue;
    expect((await errors()).join()).toMatch(/port_limit 2/u);
  });
});

/** Faults of questions do the same however long the process has been running. */
import { expect, it } from "vitest";
import { address, dnsProxy, question, UdpClient } from "../support/dns-lab.js";
import { fault, timeLab, turns } from "../support/lab.js";

const UPTIME = 2 ** 32;

it.each([
  ["dns_rcode", { rcode: "nxdomain" }],
  ["dns_drop", {}],
  ["dns_delay", { delay: "20ms", jitter: "15ms" }],
  ["dns_answer", { mode: "loopback" }],
  ["dns_truncate", {}],
  ["dns_garble", { mode: "random" }],
] as const)("%s %j", async (type, params) => {
  const runs: string[][] = [];
  for (const uptime of [0, UPTIME]) {
    const { lab, time } = timeLab();
    try {
      time.advance(uptime);
      const proxy = await dnsProxy(lab, { records: [address("jobs.test", "10.0.0.1", 60)] });
      const udp = await UdpClient.to(lab, proxy);
      lab.use([fault(type, params, { when: { probability: 0.6 } })], { seed: 2 });
      for (let id = 1; id <= 12; id++) {
        udp.send(question("jobs.test", "A", { id }));
        await turns(20);
        time.advance(100);
        await turns(20);
      }
      const hits = lab.facts.of("fault_hit").map(({ fault: name, effect }) => `${name} ${effect}`);
      runs.push([...hits, ...udp.received.map((message) => message.toString("hex"))]);
    } finally {
      await lab.close();
    }
  }
  const [early, late] = runs;
  expect(early?.length).toBeGreaterThan(0);
  expect(late).toEqual(early);
});

/** dns_truncate: the TC bit over UDP, and what follows over TCP. */
import { afterEach, expect, it } from "vitest";
import { question, said } from "../../../support/dns-lab.js";
import { DnsBench } from "../../../support/dns-bench.js";
import { turns } from "../../../support/lab.js";

let bench: DnsBench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

it("says over UDP that the answer does not fit, and gives it over TCP", async () => {
  bench = await DnsBench.with({ type: "dns_truncate" });
  expect(await bench.ask("jobs.test")).toBe("NOERROR TC");
  expect(said(await bench.tcp().ask("jobs.test"))).toBe("NOERROR | A 10.0.0.1 | A 10.0.0.2 | A 10.0.0.3");
});

it("answers nothing over TCP", async () => {
  bench = await DnsBench.with({ type: "dns_truncate", tcp: "drop" });
  const tcp = bench.tcp();
  tcp.send(question("jobs.test", "A"));
  await turns(40);
  expect(tcp.received).toEqual([]);
  expect(bench.hits).toEqual(["dns_truncate dropped 127.0.0.1 A jobs.test tcp"]);
});

it("resets the connection over TCP", async () => {
  bench = await DnsBench.with({ type: "dns_truncate", tcp: "reset" });
  const tcp = bench.tcp();
  tcp.send(question("jobs.test", "A"));
  expect(await tcp.ended).toBe("reset");
});

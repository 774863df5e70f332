/** API users who ask for more and more: each kind of thing has a limit, and what there is goes on beyond it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminLab } from "../admin/admin-lab.js";

let here: AdminLab;
beforeEach(async () => {
  here = await AdminLab.open();
});
afterEach(() => here.close());

const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

describe("the admin port refuses", () => {
  it("more than 1,000 proxies", async () => {
    const proxy = (n: number): object => ({
      name: `p-${n}`,
      listen: "127.0.0.1:0",
      upstream: "127.0.0.1:9",
      enabled: false,
    });
    const there = Object.keys((await here.get("/proxies")).json as object).length;
    const body = JSON.stringify(many(1_000 - there, proxy));
    expect((await here.call("POST", "/populate", { body })).status).toBe(201);
    const one = await here.call("POST", "/proxies", { body: JSON.stringify(proxy(1_000)) });
    expect(one.status).toBe(429);
    expect(Object.keys((await here.get("/proxies")).json as object).length).toBe(1_000);
    expect((await here.call("DELETE", "/proxies/p-0")).status).toBe(204);
    expect((await here.call("POST", "/proxies", { body: JSON.stringify(proxy(1_000)) })).status).toBe(201);
  });

  it("more than 100 activations, and those that are on stay", async () => {
    const activations = (count: number): string =>
      JSON.stringify({ activations: many(count, () => ({ faults: [{ type: "noop" }] })) });
    expect((await here.call("PUT", "/active", { body: activations(100) })).status).toBe(200);
    expect((await here.call("POST", "/active", { body: '{"profile":"slow"}' })).status).toBe(429);
    expect((await here.call("PUT", "/active", { body: activations(101) })).status).toBe(422);
    expect((await here.get("/active")).json.activations).toHaveLength(100);
  });

  it("more than 100 toxics of a proxy", async () => {
    const [name = ""] = Object.keys((await here.get("/proxies")).json as object);
    const toxic = (n: number): string => JSON.stringify({ name: `t-${n}`, type: "latency" });
    for (let n = 0; n < 100; n++)
      expect((await here.call("POST", `/proxies/${name}/toxics`, { body: toxic(n) })).status).toBe(200);
    expect((await here.call("POST", `/proxies/${name}/toxics`, { body: toxic(100) })).status).toBe(429);
    expect((await here.get(`/proxies/${name}/toxics`)).json).toHaveLength(100);
  });
});

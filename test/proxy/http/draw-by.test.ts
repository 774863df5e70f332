/** `draw` over real sockets: two daemons with one plan, and requests that go to either. */
import { afterEach, describe, expect, it } from "vitest";
import { bodyHash, textHash } from "../../../src/plan/draw-by.js";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import type { CompiledFault } from "../../../src/plan/value.js";
import { answersTo, HttpLab, ok, post, type ScriptedServer } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";

const BOT = { identify: [{ by: "header", name: "x-bot-id" }] } as const;
const KEYS = Array.from({ length: 24 }, (_, n) => `order-${n}`);
const BODY = "0123456789".repeat(20);

const request = (key: string, fields: readonly string[] = []): string =>
  post(`/v1/jobs/${key}?again=1`, JSON.stringify({ order: key }), [
    "X-Bot-Id: bot-1",
    `Idempotency-Key: ${key}`,
    ...fields,
  ]);

describe("draw", () => {
  const labs: HttpLab[] = [];
  afterEach(async () => {
    for (const lab of labs.splice(0)) await lab.close();
  });

  async function daemon(
    faults: readonly CompiledFault[],
  ): Promise<{ readonly lab: HttpLab; readonly proxy: HttpProxy; readonly server: ScriptedServer }> {
    const lab = new HttpLab();
    labs.push(lab);
    const server = await lab.scripted(() => ok(BODY));
    const proxy = await lab.http(server.port, BOT);
    lab.use(faults, { seed: 7 });
    return { lab, proxy, server };
  }

  const busy = (by: string): readonly CompiledFault[] => [
    fault("http_status", { status: 503 }, { name: "busy", when: { probability: 0.3 }, draw: { by } }),
  ];

  it.each([
    ["header:idempotency-key", textHash],
    ["path", (key: string) => textHash(`/v1/jobs/${key}`)],
    ["body", (key: string) => bodyHash(Buffer.from(JSON.stringify({ order: key })))],
  ] as const)("by %s hits the same requests on either daemon, and says by which hash", async (by, hash) => {
    const [one, other] = [await daemon(busy(by)), await daemon(busy(by))];
    const alone: string[] = [];
    for (const key of KEYS) alone.push((await one.lab.ask(one.proxy, request(key))).head.slice(9, 12));
    const roaming: string[] = [];
    for (const [n, key] of [...KEYS.entries()].reverse()) {
      const { lab, proxy } = n % 3 === 0 ? one : other;
      roaming.unshift((await lab.ask(proxy, request(key))).head.slice(9, 12));
    }
    expect(roaming).toEqual(alone);
    expect(new Set(alone)).toEqual(new Set(["200", "503"]));
    const hits = one.lab.facts.of("fault_hit");
    const hashes = KEYS.filter((_, n) => alone[n] === "503").map((key) => ({ by, key: hash(key) }));
    expect(hits.slice(0, hashes.length).map(({ draw }) => draw)).toEqual(hashes);
  });

  it("draws by the number where the body comes later than the head, and counts that", async () => {
    const { lab, proxy, server } = await daemon([
      fault("http_headers", { set: { "X-Hit": "1" } }, { draw: { by: "body" } }),
    ]);
    const client = lab.client(proxy);
    const [head = "", body = ""] = request("late").split(/(?<=\r\n\r\n)/u);
    client.write(head);
    await until(() => server.peers[0]?.text.includes("Idempotency-Key") === true);
    client.write(body);
    await answersTo(client, 1);
    client.write(request("second"));
    await answersTo(client, 2);
    expect([...lab.ledger.books()].map(({ keyless, matched }) => [keyless, matched])).toEqual([[1, 2]]);
    expect(lab.facts.of("fault_hit").map(({ draw }) => draw?.key === null)).toEqual([true, false]);
  });

  it("corrupts the same bytes of an answer, whatever went over its connection before", async () => {
    const corrupt = [fault("corrupt", { rate: "4%" }, { draw: { by: "path" } })];
    const { lab, proxy } = await daemon(corrupt);
    const bodies = async (keys: readonly string[]): Promise<Record<string, string>> => {
      const client = lab.client(proxy);
      const met: Record<string, string> = {};
      for (const key of keys) {
        const from = client.text.length;
        client.write(request(key));
        // Heads may be harmed as well: what counts is that as many bytes have come.
        await client.received(from + ok(BODY).length);
        met[key] = client.text.slice(from);
      }
      return met;
    };
    const forth = await bodies(KEYS);
    expect(await bodies(KEYS.toReversed())).toEqual(forth);
    expect(new Set(Object.values(forth)).size).toBe(KEYS.length);
  });
});

/** Faults on bytes with `at: tls`: whom they act on, and whom they do not. */
import { afterEach, describe, expect, it } from "vitest";
import { closing, get, ok } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const FAULTS = [
  fault("reset", {}, { at: "tls" }),
  fault("latency", { delay: "1h" }, { at: "tls" }),
  fault("corrupt", { rate: "100%" }, { at: "tls", directions: "both" }),
  fault("blackhole", {}, { at: "tls" }),
];

describe("a fault on the bytes of TLS", () => {
  it("does nothing to plain clients of a port that takes both", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec({ mode: "detect" }) });
    lab.use(FAULTS);
    expect((await lab.ask(proxy, closing)).raw).toBe(ok("hello"));
    expect(lab.facts.of("fault_hit")).toEqual([]);
    expect(lab.plan.soFar("test").map(({ subjects, of }) => `${subjects} ${of}`)).toEqual(
      FAULTS.map(() => "0 connections"),
    );
  });

  it("has nothing to act on where no TLS is spoken, and takes no part there", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port);
    lab.use(FAULTS);
    expect((await lab.ask(proxy, closing)).raw).toBe(ok("hello"));
    const plain = await lab.proxy(await lab.echo());
    const client = lab.client(plain);
    client.write("hello");
    await until(() => client.text === "hello");
    expect(lab.facts.of("fault_hit")).toEqual([]);
    expect(lab.plan.soFar("test")).toEqual([]);
  });

  it("acts on all bytes where TLS passes through", async () => {
    const server = await lab.answering();
    const inner = await lab.http(server.port, { name: "inner", secure: secureSpec() });
    const outer = await lab.proxy(inner.address.port, { secure: secureSpec({ mode: "passthrough" }) });
    expect(await lab.sees(outer, {}, closing)).toMatchObject({ how: "secure", text: ok("hello") });
    lab.use([fault("truncate", { after: "100B", then: "close" }, { at: "tls", proxies: ["jobs"] })]);
    expect((await lab.sees(outer, {}, closing)).how).toBe("ECONNRESET");
    expect(lab.facts.hits()).toEqual(["truncate truncated 127.0.0.1"]);
  });
});

describe("a fault on the bytes of TLS that is ended here", () => {
  interface Row {
    readonly type: string;
    readonly raw: Readonly<Record<string, unknown>>;
    readonly directions?: "both" | "upstream" | "downstream";
    readonly how: RegExp;
    readonly effect: string;
  }
  const ROWS: readonly Row[] = [
    { type: "latency", raw: { delay: "5ms" }, how: /^secure$/u, effect: "delayed" },
    { type: "bandwidth", raw: { rate: "1MB/s", burst: "0B" }, how: /^secure$/u, effect: "throttled" },
    { type: "slicer", raw: { size: "7B" }, how: /^secure$/u, effect: "sliced" },
    { type: "slicer", raw: { size: "1B" }, directions: "upstream", how: /^secure$/u, effect: "sliced" },
    { type: "corrupt", raw: { rate: "100%" }, how: /^ERR_SSL_|^ECONNRESET$/u, effect: "corrupted" },
    { type: "truncate", raw: { after: "100B", then: "close" }, how: /^ECONNRESET$/u, effect: "truncated" },
    { type: "cut", raw: { after: "100B", then: "reset" }, how: /^ECONNRESET$/u, effect: "cut" },
    { type: "cut", raw: { after: "100B", then: "close" }, how: /^ECONNRESET$/u, effect: "cut" },
    { type: "reset", raw: {}, how: /^ECONNRESET$/u, effect: "reset" },
    { type: "reset", raw: { after: "200B" }, how: /^ECONNRESET$/u, effect: "reset" },
    { type: "timeout", raw: { after: "5ms" }, how: /^ECONNRESET$/u, effect: "closed" },
  ];

  it.each(ROWS)(
    "$type $raw acts on the handshake as well",
    async ({ type, raw, directions, how, effect }) => {
      const server = await lab.answering();
      const proxy = await lab.http(server.port, { secure: secureSpec() });
      lab.use([fault(type, raw, { at: "tls", ...(directions === undefined ? {} : { directions }) })]);
      const seen = await lab.sees(proxy, {}, closing);
      expect(seen.how).toMatch(how);
      expect(seen.text).toBe(seen.how === "secure" ? ok("hello") : "");
      expect(lab.facts.of("fault_hit").map((hit) => hit.effect)).toContain(effect);
      await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
      expect(lab.facts.of("mistake")).toEqual([]);
      expect(lab.plan.soFar("test")[0]).toMatchObject({ subjects: 1, hits: 1, of: "connections" });
    },
  );

  it("keeps a handshake in silence for as long as it is there", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("blackhole", {}, { at: "tls" })]);
    const seen = lab.sees(proxy, {}, closing);
    await until(() => lab.facts.of("fault_hit").length === 1);
    lab.heal();
    expect(await seen).toMatchObject({ how: "secure", text: ok("hello") });
  });

  it("leaves connections alone that had their handshake before it came", async () => {
    const server = await lab.scripted();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    const open = await lab.tls(proxy);
    let text = "";
    open.on("data", (chunk: Buffer) => (text += chunk.toString()));
    open.write(get("/v1/jobs"));
    await until(() => text === ok("hello"));
    lab.use([fault("reset", {}, { at: "tls" })]);
    open.write(get("/v1/jobs"));
    await until(() => text === ok("hello") + ok("hello"));
    expect((await lab.sees(proxy, {}, closing)).how).toBe("ECONNRESET");
  });
});

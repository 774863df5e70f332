/** Faults on bytes with `at: tls`: whom they act on, and whom they do not. */
import { afterEach, describe, expect, it } from "vitest";
import { get, ok } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const closing = get("/v1/jobs", ["Connection: close"]);
const answering = (): ReturnType<SecureLab["scripted"]> =>
  lab.scripted(({ peer }) => {
    peer.write(ok("hello"));
    peer.fin();
    return undefined;
  });
const FAULTS = [
  fault("reset", {}, { at: "tls" }),
  fault("latency", { delay: "1h" }, { at: "tls" }),
  fault("corrupt", { rate: "100%" }, { at: "tls", directions: "both" }),
  fault("blackhole", {}, { at: "tls" }),
];

describe("a fault on the bytes of TLS", () => {
  it("does nothing to plain clients of a port that takes both", async () => {
    const server = await answering();
    const proxy = await lab.http(server.port, { secure: secureSpec({ mode: "detect" }) });
    lab.use(FAULTS);
    expect((await lab.ask(proxy, closing)).raw).toBe(ok("hello"));
    expect(lab.facts.of("fault_hit")).toEqual([]);
    expect(lab.plan.soFar("test").map(({ subjects, of }) => `${subjects} ${of}`)).toEqual(
      FAULTS.map(() => "0 connections"),
    );
  });

  it("has nothing to act on where no TLS is spoken, and takes no part there", async () => {
    const server = await answering();
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
    const server = await answering();
    const inner = await lab.http(server.port, { name: "inner", secure: secureSpec() });
    const outer = await lab.proxy(inner.address.port, { secure: secureSpec({ mode: "passthrough" }) });
    expect(await lab.sees(outer, {}, closing)).toMatchObject({ how: "secure", text: ok("hello") });
    lab.use([fault("truncate", { after: "100B", then: "close" }, { at: "tls", proxies: ["jobs"] })]);
    expect((await lab.sees(outer, {}, closing)).how).toBe("ECONNRESET");
    expect(lab.facts.hits()).toEqual(["truncate truncated 127.0.0.1"]);
  });
});

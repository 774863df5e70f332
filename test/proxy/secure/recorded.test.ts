/** Record mode tells of every handshake, whether a fault acted on it or not. */
import { afterEach, describe, expect, it } from "vitest";
import { closing, get } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

describe("a handshake in record mode", () => {
  it("is told with its name, its version and its time, though no fault acted on it", async () => {
    lab.facts.recording = true;
    const server = await lab.answering();
    const proxy = await lab.http(server.port, {
      secure: secureSpec(),
      identify: [{ by: "header", name: "x-bot-id" }],
    });
    const client = await lab.tls(proxy);
    client.on("error", () => undefined).resume();
    client.write(get("/", ["X-Bot-Id: bot-7"]));
    const { seen, ms, ...told } = await lab.facts.first("tls_over");
    expect(told).toMatchObject({
      bot: "bot-7",
      connection: 1,
      faults: [],
      sni: "jobs.example",
      version: "TLSv1.3",
      problem: null,
      took: "accepted",
    });
    expect((seen?.over ?? 0) - (seen?.at ?? 0)).toBe(ms);
    client.destroy();
    await until(() => lab.context.slots.taken === 0);
    expect(lab.facts.of("tls_over")).toHaveLength(1);
  });

  it("is told when it is over where nothing was said, and where it passes through", async () => {
    lab.facts.recording = true;
    const server = await lab.answering();
    const silent = await lab.sees(await lab.http(server.port, { secure: secureSpec() }));
    expect(silent.how).toBe("secure");
    const through = await lab.proxy(await lab.tlsServer({}, (socket) => socket.end("hello")), {
      secure: secureSpec({ mode: "passthrough" }),
    });
    await lab.sees(through, { rejectUnauthorized: false }, "x");
    await until(() => lab.facts.of("tls_over").length === 2);
    expect(lab.facts.of("tls_over").map(({ took, version }) => [took, version])).toEqual([
      ["closed", "TLSv1.3"],
      ["undecided", null],
    ]);
  });

  it("is none of a client that speaks no TLS, and none where it is off", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec({ mode: "detect" }) });
    await lab.sees(proxy, {}, closing);
    await until(() => lab.context.slots.taken === 0);
    lab.facts.recording = true;
    const plain = lab.client(proxy);
    plain.write(closing);
    await plain.ended;
    await until(() => lab.context.slots.taken === 0);
    expect(lab.facts.of("tls_over")).toEqual([]);
  });

  it("says which faults acted, and is not counted among those on which one did if none", async () => {
    lab.facts.recording = true;
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_end", { how: "without_notify" })]);
    await lab.sees(proxy, {}, closing);
    await until(() => lab.facts.of("tls_over").length === 1);
    expect(lab.facts.of("tls_over")[0]).toMatchObject({ faults: ["tls_end"], took: "accepted" });
    lab.use([]);
    await lab.sees(proxy, {}, closing);
    await until(() => lab.facts.of("tls_over").length === 2);
    expect(proxy.handshakes?.took).toEqual(new Map([["accepted", 1]]));
  });
});

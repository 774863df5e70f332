/** How connections over TLS end: what stands on the wire towards the client, and what the upstream gets of the client's own ends. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { get, ok } from "../../support/http-lab.js";
import { fault, turns, until, type Client } from "../../support/lab.js";
import { carry, probe } from "../../../src/proxy/upstream/reader.js";
import { SecureLab, secureSpec, theDoor } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const secure = secureSpec();

/** A client whose wire can be looked at: of TLS 1.2, where the type of a record is not encrypted. */
async function overheard(
  proxy: Parameters<SecureLab["client"]>[0],
): Promise<{ wire: Client; session: tls.TLSSocket }> {
  const wire = lab.client(proxy);
  await wire.connected;
  const between = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      wire.write(chunk);
      done();
    },
  });
  wire.socket.on("data", (chunk: Buffer) => between.push(chunk));
  const session = tls.connect({
    socket: between,
    servername: "jobs.example",
    ca: await lab.ca(),
    maxVersion: "TLSv1.2",
  });
  session.on("error", () => undefined).resume();
  await once(session, "secureConnect");
  return { wire, session };
}

/** The types of the records that came, in order (RFC 5246, 6.2.1). */
function types({ bytes }: Client): number[] {
  const found: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) found.push(bytes[at] ?? 0);
  return found;
}

const ALERT = 21;
const DATA = 23;

describe("towards the client", () => {
  it("an upstream that ends in order ends with close_notify, and then FIN", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const { wire } = await overheard(proxy);
    const server = await upstream.next();
    server.write("bye");
    server.fin();
    expect(await wire.ended).toBe("fin");
    expect(types(wire).slice(-2)).toEqual([DATA, ALERT]);
  });

  it("an upstream that resets ends with RST, and no close_notify", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const { wire } = await overheard(proxy);
    const server = await upstream.next();
    server.write("bye");
    await until(() => types(wire).at(-1) === DATA);
    server.rst();
    expect(await wire.ended).toBe("reset");
    expect(types(wire).at(-1)).toBe(DATA);
  });

  it("an answer behind which the connection ends has its close_notify, too", async () => {
    const server = await lab.scripted(() => ok("hello", ["Connection: close"]));
    const proxy = await lab.http(server.port, { secure });
    const { wire, session } = await overheard(proxy);
    session.write(get("/", ["Connection: close"]));
    await until(() => server.requests.length === 1);
    server.peers[0]?.fin();
    expect(await wire.ended).toBe("fin");
    expect(types(wire).slice(-2)).toEqual([DATA, ALERT]);
  });
});

describe("of the client's ends", () => {
  it("close_notify and then silence is a half-close: what the upstream still says arrives", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const { wire, session } = await overheard(proxy);
    const server = await upstream.next();
    session.write("last words");
    // Its engine says close_notify; no FIN follows it on the wire.
    session.end();
    expect(await server.ended).toBe("fin");
    expect(server.text).toBe("last words");
    const { length } = wire;
    server.write("answer");
    await until(() => wire.length > length);
    server.fin();
    expect(await wire.ended).toBe("fin");
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("FIN without close_notify, which any attacker may send, is passed on as the end that a plain connection has", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const { wire, session } = await overheard(proxy);
    const server = await upstream.next();
    session.write("cut o");
    await server.received(5);
    wire.fin();
    expect(await server.ended).toBe("fin");
    server.fin();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });

  it("TLS that breaks is passed on as a reset, and told", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const { wire } = await overheard(proxy);
    const server = await upstream.next();
    wire.write(Buffer.concat([Buffer.from([DATA, 3, 3, 0, 40]), Buffer.alloc(40)]));
    expect(await server.ended).toBe("reset");
    expect(types(wire).at(-1)).toBe(ALERT);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["client_tls"]);
    await until(() => lab.context.slots.taken === 0);
  });
});

describe("a client that has closed, and is written to", () => {
  it.each(["plain", "TLSv1.2", "TLSv1.3"] as const)(
    "is found out by a write of nothing, over %s",
    async (leg) => {
      const ours: Socket[] = [];
      const port = await lab.server((socket) => ours.push(socket));
      const client = lab.client(port);
      await until(() => ours.length === 1);
      const [carrier] = ours;
      if (carrier === undefined) throw new Error("nobody was accepted");
      let [socket, theirs] = [carrier, client.socket];
      if (leg !== "plain") {
        const { context } = (await theDoor.open()).minted(["jobs.example"], null);
        socket = new tls.TLSSocket(carrier, { isServer: true, secureContext: context });
        carry(socket, carrier);
        const options = { servername: "jobs.example", ca: await lab.ca(), maxVersion: leg };
        theirs = tls.connect({ socket: client.socket, ...options });
        theirs.resume();
        await once(theirs, "secureConnect");
      }
      const errors: string[] = [];
      socket.on("error", ({ code }: NodeJS.ErrnoException) => errors.push(code ?? ""));
      socket.resume();
      await turns();
      theirs.destroy();
      await once(socket, "end");
      socket.write("are you there?");
      for (let left = 50; left > 0 && errors.length === 0; left--) {
        await turns(2);
        if (!socket.destroyed) probe(socket);
      }
      expect(errors).toHaveLength(1);
      expect(["EPIPE", "ECONNRESET"]).toContain(errors[0]);
      expect(carrier.destroyed || leg === "plain").toBe(true);
    },
  );
});

it.each(["TLSv1.2", "TLSv1.3"] as const)(
  "a fault that resets connections as they come does so behind the handshake, over %s",
  async (maxVersion) => {
    const proxy = await lab.proxy(await lab.echo(), { secure });
    lab.use([fault("down", { refuse: "reset" })]);
    for (let count = 5; count > 0; count--) {
      const client = await lab.tls(proxy, { maxVersion });
      client.on("error", () => undefined).resume();
      // Not once(): it would reject where the client is told of the reset, and not only of an end.
      await new Promise((resolve) => client.once("close", resolve));
    }
    expect(lab.facts.of("fault_hit")).toHaveLength(5);
  },
);

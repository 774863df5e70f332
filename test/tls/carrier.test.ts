/** The stream below a TLS engine: all bytes both ways, back-pressure, and every end in every order. */
import { once } from "node:events";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { straight, type Lane, type LaneParts } from "../../src/tls/lane.js";
import { sample } from "../support/scope.js";
import { randomOf } from "../support/scripted-traffic.js";
import { afterTurns, closed, collect, outcome, serve, type EngineOptions } from "./engine.js";
import { held, SUITES } from "./suites.js";
import { codeOf } from "./alert-codes.js";

/** Bytes that tell their place. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32BE(at, at);
  return bytes;
}

/** Passes bytes on in pieces of random sizes, each in a turn of its own. */
const inPieces =
  (seed: number) =>
  ({ direction, source, sink }: LaneParts): Lane => {
    const random = randomOf(seed, direction);
    let waiting: Buffer = Buffer.alloc(0);
    let ending = false;
    let busy = false;
    const step = (): void => {
      busy = false;
      const piece = waiting.subarray(0, Math.ceil(random.between(0, 1) ** 4 * 40_000));
      waiting = waiting.subarray(piece.length);
      if (piece.length > 0 && !sink.write(piece)) return;
      if (waiting.length > 0) go();
      else if (ending) sink.end();
      else source.resume();
    };
    const go = (): void => {
      if (!busy) setImmediate(step);
      busy = true;
    };
    return {
      data: (chunk) => {
        source.pause();
        waiting = Buffer.concat([waiting, chunk]);
        go();
      },
      end: () => {
        ending = true;
        go();
      },
      drained: go,
      sinkLost: () => undefined,
    };
  };

describe("a connection over a carrier", () => {
  const ways: readonly (readonly [string, EngineOptions])[] = [
    ["straight", {}],
    ["in pieces of any size", { carrier: { lane: inPieces(7) } }],
  ];
  it.each(
    sample(SUITES, 2, ({ version }) => version, "megabytes").flatMap((row) =>
      ways.map(([way, options]) => ({ ...row, way, options })),
    ),
  )("carries megabytes both ways at once, $way, in $version with $suite", async ({ options, ...row }) => {
    const server = await serve(options);
    const { client, engine, carrier } = await server.connect(held(row));
    const [up, down] = [pattern(1_500_000), pattern(1_100_000).reverse()];
    const random = randomOf(3, row.suite);
    const send = async (socket: TLSSocket, bytes: Buffer): Promise<void> => {
      for (let at = 0; at < bytes.length;) {
        const piece = bytes.subarray(at, at + Math.ceil(random.between(0, 1) ** 3 * 90_000));
        at += piece.length;
        if (!socket.write(piece)) await once(socket, "drain");
      }
      socket.end();
    };
    const [atEngine, atClient] = await Promise.all([
      collect(engine),
      collect(client),
      send(client, up),
      send(engine, down),
    ]);
    expect(atEngine.equals(up)).toBe(true);
    expect(atClient.equals(down)).toBe(true);
    expect(carrier.records.toClient).toBeGreaterThan(down.length / 16_400);
    expect(carrier.records.fromClient).toBeGreaterThan(up.length / 16_400);
  });

  it("holds its sender up: neither a client nor an engine that is not read makes it keep more than some records", async () => {
    const server = await serve();
    const { client, engine, carrier, socket } = await server.connect();
    await once(client, "secureConnect");
    client.pause();
    engine.pause();
    const full = async (writer: TLSSocket): Promise<number> => {
      let wrote = 0;
      // A piece whose callback does not come is one that nobody takes: all buffers on the way are full by then.
      for (;;) {
        const taken = new Promise<boolean>((resolve) =>
          writer.write(Buffer.alloc(64 * 1024), () => resolve(true)),
        );
        const quiet = new Promise<boolean>((resolve) => {
          let turns = 0;
          const look = (): void => {
            if (++turns > 300) resolve(false);
            else setImmediate(look);
          };
          look();
        });
        if (!(await Promise.race([taken, quiet]))) return wrote;
        wrote += 64 * 1024;
      }
    };
    await full(engine);
    await full(client);
    expect(carrier.writableLength).toBeLessThan(300_000);
    expect(carrier.readableLength).toBeLessThan(200_000);
    expect(socket.writableLength).toBeLessThan(300_000);
    expect(socket.readableLength).toBeLessThan(200_000);
    // And all of it goes on when it is read.
    const ends = Promise.all([collect(client), collect(engine)]);
    client.end();
    engine.end();
    const [atClient, atEngine] = await ends;
    expect(atClient.length % 65_536).toBe(0);
    expect(atEngine.length % 65_536).toBe(0);
  });

  it("lets either side end first, and the other go on", async () => {
    const server = await serve();
    const first = await server.connect();
    const answered = collect(first.client);
    first.engine.on("end", () => {
      first.engine.end("the answer to all of it");
    });
    const asked = collect(first.engine);
    first.client.end("a question");
    expect((await asked).toString()).toBe("a question");
    expect((await answered).toString()).toBe("the answer to all of it");

    const second = await server.connect();
    const heard = collect(second.engine);
    second.engine.end("we are through");
    expect((await collect(second.client)).toString()).toBe("we are through");
    second.client.end("but I was not");
    expect((await heard).toString()).toBe("but I was not");
  });
});

describe("a lane with faults", () => {
  /** Changes one bit of the ciphertext, so many bytes into it. */
  const corrupting =
    (wanted: LaneParts["direction"], place: number) =>
    (parts: LaneParts): Lane => {
      let at = 0;
      const lane = straight(parts);
      return {
        ...lane,
        data: (chunk) => {
          const changed = Buffer.from(chunk);
          const index = place - at;
          at += chunk.length;
          if (parts.direction === wanted && index >= 0 && index < chunk.length)
            changed[index] = (chunk[index] ?? 0) ^ 1;
          lane.data(changed);
        },
      };
    };

  it("that changes the handshake or the data is answered by the client's own alert or ours", async () => {
    for (const place of [60, 3_000]) {
      const server = await serve({ carrier: { lane: corrupting("to_client", place) } });
      const { client, engine } = await server.connect();
      engine.write(Buffer.alloc(5_000));
      expect(await outcome(client)).toMatch(/^ERR_SSL_/u);
    }
    const server = await serve({ carrier: { lane: corrupting("from_client", 2_000) } });
    const { client } = await server.connect();
    client.write(Buffer.alloc(5_000));
    expect(await outcome(client)).toBe(codeOf("bad_record_mac"));
  });

  it("that holds all bytes back holds its sender up and the RST of its peer too, until it lets go", async () => {
    let letGo: () => void = () => undefined;
    const holding = ({ direction, source, sink, reset }: LaneParts): Lane => {
      if (direction === "to_client") return straight({ direction, source, sink, reset });
      const waiting: (() => void)[] = [];
      let open = true;
      const later = (act: () => void): void => {
        if (open) act();
        else waiting.push(act);
      };
      letGo = () => {
        open = true;
        for (const act of waiting.splice(0)) act();
      };
      const hold = (): boolean => (open = false);
      holds = hold;
      return {
        data: (chunk) => {
          later(() => sink.write(chunk));
          if (!open) source.pause();
        },
        end: (how) => {
          later(() => (how === "reset" ? reset() : sink.end()));
        },
        drained: () => undefined,
        sinkLost: () => undefined,
      };
    };
    let holds: () => boolean = () => false;
    const server = await serve({ carrier: { lane: holding } });
    const { client, engine, carrier, socket } = await server.connect();
    await once(client, "secureConnect");
    engine.resume();
    holds();
    client.write("held");
    await once(socket, "data");
    (client as unknown as { _parent: Socket })._parent.resetAndDestroy();
    socket.resume();
    await closed(socket);
    await afterTurns(20);
    expect([engine.destroyed, carrier.destroyed]).toEqual([false, false]);
    const failed = once(engine, "error");
    letGo();
    expect(((await failed) as [NodeJS.ErrnoException])[0].code).toBe("ECONNRESET");
    await closed(engine, carrier);
    client.destroy();
  });
});

describe("an end", () => {
  it("by an RST of the client is an error of the engine", async () => {
    const server = await serve();
    const { client, engine, carrier, socket } = await server.connect();
    await once(client, "secureConnect");
    engine.resume();
    const failed = once(engine, "error");
    (client as unknown as { _parent: Socket })._parent.resetAndDestroy();
    const [error] = (await failed) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    await closed(engine, carrier, socket);
    client.destroy();
  });

  const victims = ["engine", "carrier", "socket", "client"] as const;
  const times = ["in the hello", "established", "with bytes under way"] as const;
  it.each(victims.flatMap((victim) => times.map((time) => ({ victim, time }))))(
    "by the destruction of the $victim $time leaves nothing open",
    async ({ victim, time }) => {
      const server = await serve();
      const connection = await server.connect();
      const { client, engine, carrier, socket } = connection;
      engine.on("end", () => engine.end());
      client.on("end", () => client.end());
      client.on("error", () => undefined);
      carrier.on("error", () => undefined);
      if (time !== "in the hello") await once(client, "secureConnect");
      if (time === "with bytes under way") {
        client.pause();
        for (let turn = 0; turn < 40; turn++) engine.write(Buffer.alloc(100_000));
        for (let turn = 0; turn < 40; turn++) client.write(Buffer.alloc(100_000));
        await once(socket, "data");
      }
      const all = closed(engine, carrier, socket, client);
      connection[victim].destroy();
      client.resume();
      engine.resume();
      await all;
      expect([engine.destroyed, carrier.destroyed, socket.destroyed]).toEqual([true, true, true]);
    },
  );

  it.each(sample(SUITES, 2, ({ version }) => version, "ends"))(
    "without close_notify is a bare FIN behind all data, in $version with $suite",
    async (row) => {
      const server = await serve();
      for (const data of ["", "ok", "a".repeat(40_000)]) {
        const { client, engine, carrier, socket } = await server.connect(held(row));
        await once(client, "secureConnect");
        const got = collect(client);
        if (data !== "") engine.write(data);
        await afterTurns(20);
        const { bytesWritten } = socket;
        carrier.endsWith("without_notify");
        engine.end();
        expect((await got).toString()).toBe(data);
        expect(socket.bytesWritten).toBe(bytesWritten);
        client.end();
        await closed(socket);
      }
    },
  );

  it.each(sample(SUITES, 2, ({ version }) => version, "ends"))(
    "with close_notify and no FIN leaves the connection open, in $version with $suite",
    async (row) => {
      const server = await serve();
      const { client, engine, carrier, socket } = await server.connect({ ...held(row) });
      await once(client, "secureConnect");
      const got = collect(client);
      const heard = collect(engine);
      engine.write("some data");
      carrier.endsWith("notify_and_stay");
      engine.end();
      // The client has seen an end in order; the socket below it has not.
      expect((await got).toString()).toBe("some data");
      expect(socket.writableEnded).toBe(false);
      client.end("a last word");
      expect((await heard).toString()).toBe("a last word");
      // It has left: there is nobody to stay for.
      await closed(socket);
    },
  );
});

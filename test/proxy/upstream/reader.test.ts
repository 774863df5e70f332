/** Buffers that are read into again must never be read into while somebody still needs their bytes. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lab, fault } from "../../support/lab.js";
import type { CompiledFault } from "../../../src/plan/value.js";
import { connectReading } from "../../../src/proxy/upstream/reader.js";

let lab: Lab;

beforeEach(() => {
  lab = new Lab();
});

afterEach(() => lab.close());

const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Writes of all sizes around the limits of the reader: tiny, small, large, and larger than a buffer. */
function answers(streams: number): Buffer[][] {
  const sizes = [1, 700, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000];
  return Array.from({ length: streams }, (_, stream) =>
    Array.from({ length: 40 }, (_unused, n) => randomBytes(sizes[(n * 7 + stream) % sizes.length] ?? 1)),
  );
}

/** Streams side by side, so that they read into the shared buffer in turns; some clients pause between reads. */
async function relayed(faults: readonly CompiledFault[]): Promise<void> {
  const streams = answers(12);
  let next = 0;
  const port = await lab.server((socket) => {
    const chunks = streams[next++ % streams.length] ?? [];
    socket.write(Buffer.from([next - 1]));
    let n = 0;
    const more = (): void => {
      while (n < chunks.length) if (!socket.write(chunks[n++] ?? "")) return;
      socket.end();
    };
    socket.on("drain", more);
    more();
  });
  const proxy = await lab.proxy(port);
  if (faults.length > 0) lab.use(faults);
  const clients = streams.map(() => lab.client(proxy));
  for (const [n, client] of clients.entries()) {
    if (n % 3 !== 0) continue;
    // Stops reading after each chunk for a turn: writes to it do not complete at once.
    client.socket.on("data", () => {
      client.socket.pause();
      setImmediate(() => client.socket.resume());
    });
  }
  for (const client of clients) {
    expect(await client.ended).toBe("fin");
    const stream = streams[client.bytes[0] ?? -1] ?? [];
    expect(sha(client.bytes.subarray(1))).toBe(sha(Buffer.concat(stream)));
  }
}

describe("reading from upstreams", () => {
  it("mixes up no bytes of streams that share a buffer", () => relayed([]));

  it("mixes up no bytes that a stage holds back", () =>
    relayed([fault("latency", { delay: "3ms", jitter: "2ms" })]));

  it("mixes up no bytes that are cut into slices", () =>
    relayed([fault("slicer", { size: "9kB", variation: "4kB" })]));

  it("mixes up no bytes that wait for their turn", () => relayed([fault("bandwidth", { rate: "40MB/s" })]));

  it("mixes up no bytes under several faults at once", () =>
    relayed([
      fault("latency", { delay: "0ms" }),
      fault("bandwidth", { rate: "60MB/s" }),
      fault("slow_close", { delay: "1ms" }),
    ]));

  /** What a taker sees of exchanges one after the other on one connection, each answered by `answer` in one write. */
  async function taken(exchanges: number, answer: Buffer, keep: boolean): Promise<Buffer[]> {
    const port = await lab.server((socket) => {
      socket.on("data", () => socket.write(answer));
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = connectReading({ host: "127.0.0.1", port }, null, (from, chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes === exchanges * answer.length) from.destroy();
      else if (bytes % answer.length === 0) from.write("next");
      return !keep;
    });
    socket.write("first");
    await once(socket, "close");
    return chunks;
  }

  const large = (chunks: Buffer[]): Buffer[] => chunks.filter(({ length }) => length >= 16_384);

  it("takes the same buffers again for answers that come one after the other", async () => {
    const chunks = large(await taken(200, randomBytes(70_000), false));
    expect(chunks.length).toBeGreaterThanOrEqual(200);
    expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBeLessThanOrEqual(2);
  });

  it("leaves every buffer that is still needed as it was", async () => {
    const answer = randomBytes(70_000);
    const chunks = await taken(200, answer, true);
    expect(sha(Buffer.concat(chunks))).toBe(sha(Buffer.concat(Array<Buffer>(200).fill(answer))));
  });
});

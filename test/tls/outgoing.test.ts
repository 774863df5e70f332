/** Records on their way out, byte by byte and without an engine: where an alert may stand, and what becomes of the rest. */
import { describe, expect, it } from "vitest";
import { plainAlert } from "../../src/tls/alert.js";
import { Outgoing } from "../../src/tls/outgoing.js";
import { Secrets } from "../../src/tls/secrets.js";
import { number, vector } from "./client-hello.js";

const record = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 3]), vector(2, payload)]);

/** Of TLS 1.2, with a suite of AES-GCM. */
const serverHello = record(
  22,
  Buffer.concat([
    Buffer.from([2]),
    vector(3, number(0x0303, 2), Buffer.alloc(32, 9), vector(1), number(0xc02b, 2), Buffer.from([0])),
  ]),
);
const rest = record(22, Buffer.alloc(40));
const changeCipherSpec = record(20, Buffer.from([1]));

function lane() {
  const out: Buffer[] = [];
  const told: (string | null)[] = [];
  let parted = 0;
  const outgoing = new Outgoing(
    { secrets: new Secrets(), suite: () => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
    { out: (chunk) => out.push(chunk), parted: () => parted++ },
  );
  return {
    outgoing,
    told,
    send: () => {
      outgoing.sendAlert("internal_error", (problem) => told.push(problem));
    },
    out: () => Buffer.concat(out),
    parted: () => parted,
  };
}

describe("an alert", () => {
  it("stands at once between two records, and nothing follows it", () => {
    const { outgoing, send, told, out, parted } = lane();
    outgoing.fromEngine(serverHello);
    send();
    outgoing.fromEngine(rest);
    expect([told, parted()]).toEqual([[null], 1]);
    expect(out().equals(Buffer.concat([serverHello, plainAlert("internal_error")]))).toBe(true);
  });

  it("waits for the end of the record that is under way, wherever that is cut", () => {
    for (let cut = 1; cut < serverHello.length; cut++)
      for (const size of [1, 3, 1_000]) {
        const { outgoing, send, told, out, parted } = lane();
        outgoing.fromEngine(serverHello.subarray(0, cut));
        send();
        expect([told, parted()]).toEqual([[], 0]);
        const more = Buffer.concat([serverHello.subarray(cut), rest]);
        for (let at = 0; at < more.length; at += size) outgoing.fromEngine(more.subarray(at, at + size));
        expect([told, parted()]).toEqual([[null], 1]);
        expect(out().equals(Buffer.concat([serverHello, plainAlert("internal_error")]))).toBe(true);
      }
  });

  it("that cannot be made costs the engine not a byte, wherever its records are cut", () => {
    const all = Buffer.concat([serverHello, changeCipherSpec, rest, rest]);
    for (let cut = 1; cut <= all.length; cut++) {
      const { outgoing, send, told, out, parted } = lane();
      outgoing.fromEngine(all.subarray(0, cut));
      if (cut < serverHello.length + changeCipherSpec.length) continue;
      send();
      outgoing.fromEngine(all.subarray(cut));
      outgoing.close();
      expect([told, parted()]).toEqual([[expect.stringMatching(/keylog event/u)], 0]);
      expect(out().equals(all)).toBe(true);
    }
  });

  it("that still waits when all is over is told of", () => {
    const { outgoing, send, told } = lane();
    outgoing.fromEngine(serverHello.subarray(0, 9));
    send();
    outgoing.close();
    send();
    expect(told[0]).toMatch(/ended already/u);
  });
});

describe("a stall", () => {
  it("gives out the rest of a record before an alert, and drops what is behind it", () => {
    for (let bytes = 0; bytes < serverHello.length * 2; bytes++) {
      const { outgoing, send, told, out } = lane();
      let stalled = 0;
      outgoing.stallAt({ at: "our_flight", bytes }, () => stalled++);
      outgoing.fromEngine(Buffer.concat([serverHello, rest, rest]));
      expect([stalled, out().length, outgoing.isHeld]).toEqual([1, bytes, true]);
      send();
      expect(told).toEqual([null]);
      const ends = [
        0,
        serverHello.length,
        serverHello.length + rest.length,
        serverHello.length + 2 * rest.length,
      ];
      const whole = ends.find((end) => end >= bytes) ?? 0;
      expect(out().length).toBe(whole + 7);
      expect(out().subarray(whole).equals(plainAlert("internal_error"))).toBe(true);
    }
  });
});

/** When the server's part of a handshake stops, record by record of the client's. */
import { describe, expect, it } from "vitest";
import { RECORD } from "../../src/tls/records.js";
import { StallGate } from "../../src/tls/stall-gate.js";

const {
  change_cipher_spec: CHANGE_CIPHER_SPEC,
  alert: ALERT,
  handshake: HANDSHAKE,
  application_data: DATA,
} = RECORD;
const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;

function gate(stall: ConstructorParameters<typeof StallGate>[0], version: number | null, answered = true) {
  let stalls = 0;
  const stalling = new StallGate(stall, { version, answered }, () => stalls++);
  return {
    client: (...records: readonly (readonly [type: number, length: number])[]) => {
      for (const [type, length] of records) stalling.fromClient({ type, version: 0x0303, length });
    },
    /** How many of so many bytes come out. */
    server: (bytes: number) => stalling.toClient(Buffer.alloc(bytes)).length,
    open: () => stalling.open().length,
    stalls: () => stalls,
  };
}

describe("a stall behind the client's Finished", () => {
  it("comes in TLS 1.2 with what follows its ChangeCipherSpec", () => {
    const { client, server, stalls, open } = gate({ at: "finished" }, TLS_1_2);
    client([HANDSHAKE, 70], [CHANGE_CIPHER_SPEC, 1]);
    expect([server(10), stalls()]).toEqual([10, 0]);
    client([HANDSHAKE, 40]);
    expect([server(10), stalls()]).toEqual([0, 1]);
    client([DATA, 40], [DATA, 40]);
    expect([server(10), stalls(), open(), server(10)]).toEqual([0, 1, 20, 10]);
    client([DATA, 40]);
    expect([server(10), stalls()]).toEqual([10, 1]);
  });

  it("comes in TLS 1.3 with the first encrypted record that is no alert, once ours have gone out", () => {
    const refusing = gate({ at: "finished" }, TLS_1_3);
    refusing.client([CHANGE_CIPHER_SPEC, 1], [DATA, 19]);
    expect([refusing.server(10), refusing.stalls()]).toEqual([10, 0]);
    for (const length of [53, 69, 700]) {
      const { client, server, stalls } = gate({ at: "finished" }, TLS_1_3);
      client([CHANGE_CIPHER_SPEC, 1], [DATA, length]);
      expect([server(10), stalls()]).toEqual([0, 1]);
    }
    const early = gate({ at: "finished" }, TLS_1_3, false);
    early.client([DATA, 500]);
    expect([early.server(10), early.stalls()]).toEqual([10, 0]);
  });

  it("does not come before there is a ServerHello", () => {
    const { client, server, stalls } = gate({ at: "finished" }, null, false);
    client([CHANGE_CIPHER_SPEC, 1], [HANDSHAKE, 300], [ALERT, 2]);
    expect([server(10), stalls()]).toEqual([10, 0]);
  });
});

describe("a stall of our flight", () => {
  it("counts on through a second hello, and through the ChangeCipherSpec that TLS 1.3 sends for looks", () => {
    const first = gate({ at: "our_flight", bytes: 15 }, null, false);
    expect(first.server(10)).toBe(10);
    first.client([CHANGE_CIPHER_SPEC, 1], [HANDSHAKE, 500]);
    expect([first.server(10), first.stalls()]).toEqual([5, 1]);

    const second = gate({ at: "our_flight", bytes: 15 }, TLS_1_3);
    expect(second.server(10)).toBe(10);
    second.client([CHANGE_CIPHER_SPEC, 1]);
    expect([second.server(10), second.stalls()]).toEqual([5, 1]);
  });

  it("is over when the client has answered the flight", () => {
    for (const [version, type] of [
      [TLS_1_2, HANDSHAKE],
      [TLS_1_2, CHANGE_CIPHER_SPEC],
      [TLS_1_3, DATA],
    ] as const) {
      const { client, server, stalls } = gate({ at: "our_flight", bytes: 15 }, version);
      expect(server(10)).toBe(10);
      client([type, 100]);
      expect([server(100), stalls()]).toEqual([100, 0]);
    }
  });
});

import { describe, expect, it } from "vitest";
import { SYN_GIVES_UP, handshake } from "../../../src/faults/segments/handshake.js";

const never = { lost: () => false };
const first = (times: number): { lost: () => boolean } => {
  let asked = 0;
  return { lost: () => ++asked <= times };
};

describe("the handshake", () => {
  it("costs nothing extra when nothing is lost", () => {
    expect(handshake(never, never, 0)).toEqual({ late: 0, lost: 0, connected: true });
  });

  it.each([1, 2, 3, 4, 5, 7, 11, 19, 35, 67].map((seconds, i) => [i + 1, seconds] as const))(
    "sends SYN again as Linux 6.5 does: after %d losses at %d s",
    (losses, seconds) => {
      expect(handshake(first(losses), never, 0)).toEqual({
        late: seconds * 1000,
        lost: losses,
        connected: true,
      });
      expect(handshake(never, first(losses), 0)).toEqual({
        late: seconds * 1000,
        lost: losses,
        connected: true,
      });
    },
  );

  it("gives up after 131 s", () => {
    expect(handshake(first(11), never, 0)).toEqual({ late: SYN_GIVES_UP, lost: 11, connected: false });
  });

  it("asks about the moment that each is sent at, so that a bad time of the link is over when it is over", () => {
    expect(handshake({ lost: (at) => at < 102_500 }, never, 100_000).late).toBe(3000);
  });
});

/** The line that repeats an activation: all that makes it what it is, as a shell takes it. */
import { expect, it } from "vitest";
import { runAgain } from "../../src/plan/run_again.js";
import { profile } from "../support/lab.js";

const PLAIN = { seed: 7, mode: "inject", proxies: null, written: null, ttl: null } as const;
const lostAck = { ...PLAIN, profile: "lost-ack", compiled: profile([], [], { profile: "lost-ack" }) };

it("needs no more than the profile and the seed", () => {
  expect(runAgain(lostAck, "1.2.3")).toBe("squall use lost-ack --seed 7  # squall 1.2.3");
});

it("says for how long, where, and whether it only looks on", () => {
  const value = { ...lostAck, ttl: 90_000, proxies: ["jobs", "broker"], mode: "observe" } as const;
  expect(runAgain(value, "1.2.3")).toBe(
    "squall use lost-ack --seed 7 --ttl 1m30s --proxy jobs broker --observe  # squall 1.2.3",
  );
});

it("sends faults without a profile the way they came, with all the rest", () => {
  const written = [{ type: "latency", delay: "5ms" }];
  const inline = { ...PLAIN, profile: "inline", compiled: profile([], [], { profile: "inline" }), written };
  expect(runAgain({ ...inline, ttl: 90_000, proxies: ["jobs"], mode: "observe" }, "1.2.3")).toBe(
    `curl -X PUT localhost:8474/active -d '{"faults":[{"type":"latency","delay":"5ms"}],"seed":7,"ttl":"1m30s","proxies":["jobs"],"mode":"observe"}'  # squall 1.2.3`,
  );
});

it("quotes what a shell would read as something else", () => {
  const params = { plain: "a/b.c=d", two: "a b", none: "", quote: "it's", run: "$(id)" };
  const value = { ...lostAck, compiled: profile([], [], { profile: "lost-ack", params }) };
  expect(runAgain(value, "1.2.3")).toBe(
    String.raw`squall use lost-ack --seed 7 --param plain=a/b.c=d --param 'two=a b' --param none= --param 'quote=it'\''s' --param 'run=$(id)'  # squall 1.2.3`,
  );
});

/** The line that repeats an activation: all that makes it what it is, as a shell takes it. */
import { expect, it } from "vitest";
import { runAgain, type Repeater } from "../../src/plan/run-again.js";
import { profile } from "../support/lab.js";

const HERE = { version: "1.2.3", admin: "http://127.0.0.1:8474", guarded: false, ca: null };

const PLAIN = { seed: 7, mode: "inject", proxies: null, written: null, ttl: null } as const;
const lostAck = { ...PLAIN, profile: "lost-ack", compiled: profile([], [], { profile: "lost-ack" }) };

it("needs no more than the profile and the seed", () => {
  expect(runAgain(lostAck, HERE)).toBe("squall use lost-ack --seed 7  # squall 1.2.3");
});

it("says for how long, where, and whether it only looks on", () => {
  const value = { ...lostAck, ttl: 90_000, proxies: ["jobs", "broker"], mode: "observe" } as const;
  expect(runAgain(value, HERE)).toBe(
    "squall use lost-ack --seed 7 --ttl 1m30s --proxy jobs broker --observe  # squall 1.2.3",
  );
});

it("sends faults without a profile the way they came, with all the rest", () => {
  const written = [{ type: "latency", delay: "5ms" }];
  const inline = { ...PLAIN, profile: "inline", compiled: profile([], [], { profile: "inline" }), written };
  expect(runAgain({ ...inline, ttl: 90_000, proxies: ["jobs"], mode: "observe" }, HERE)).toBe(
    `curl -X PUT localhost:8474/active -d '{"faults":[{"type":"latency","delay":"5ms"}],"seed":7,"ttl":"1m30s","proxies":["jobs"],"mode":"observe"}'  # squall 1.2.3`,
  );
});

it("quotes what a shell would read as something else", () => {
  const params = { plain: "a/b.c=d", two: "a b", none: "", quote: "it's", run: "$(id)" };
  const value = { ...lostAck, compiled: profile([], [], { profile: "lost-ack", params }) };
  expect(runAgain(value, HERE)).toBe(
    String.raw`squall use lost-ack --seed 7 --param plain=a/b.c=d --param 'two=a b' --param none= --param 'quote=it'\''s' --param 'run=$(id)'  # squall 1.2.3`,
  );
});

it("goes to the daemon that it was told by, wherever that answers, and leaves the token to the shell", () => {
  const elsewhere = { version: "1.2.3", admin: "http://10.1.2.3:9000", guarded: true, ca: null };
  expect(runAgain(lostAck, elsewhere)).toBe(
    "squall use lost-ack --seed 7 --admin http://10.1.2.3:9000  # squall 1.2.3",
  );
  const compiled = profile([], [], { profile: "inline" });
  const inline = { ...PLAIN, profile: "inline", compiled, written: [{ type: "noop" }] };
  expect(runAgain(inline, elsewhere)).toBe(
    `curl -X PUT http://10.1.2.3:9000/active -H "Authorization: Bearer $SQUALL_ADMIN_TOKEN" -d '{"faults":[{"type":"noop"}],"seed":7}'  # squall 1.2.3`,
  );
});

it("trusts what the admin port's certificate comes from, where it speaks TLS", () => {
  const secure = { version: "1.2.3", admin: "https://127.0.0.1:8474", guarded: true };
  const compiled = profile([], [], { profile: "inline" });
  const inline = { ...PLAIN, profile: "inline", compiled, written: [{ type: "noop" }] };
  const told = (ca: Repeater["ca"]): string[] => [
    runAgain(lostAck, { ...secure, ca }),
    runAgain(inline, { ...secure, ca }),
  ];
  const use = "squall use lost-ack --seed 7 --admin https://127.0.0.1:8474";
  const sent = `-H "Authorization: Bearer $SQUALL_ADMIN_TOKEN" -d '{"faults":[{"type":"noop"}],"seed":7}'  # squall 1.2.3`;
  const put = "curl -X PUT https://127.0.0.1:8474/active";
  expect(told({ file: "/srv/my ca/ca.pem" })).toEqual([
    `${use} --admin-ca '/srv/my ca/ca.pem'  # squall 1.2.3`,
    `${put} --cacert '/srv/my ca/ca.pem' ${sent}`,
  ]);
  // The CA is in the daemon's memory: whoever asks has fetched it somewhere.
  expect(told("variable")).toEqual([`${use}  # squall 1.2.3`, `${put} --cacert "$SQUALL_ADMIN_CA" ${sent}`]);
  expect(told(null)).toEqual([`${use}  # squall 1.2.3`, `${put} ${sent}`]);
});

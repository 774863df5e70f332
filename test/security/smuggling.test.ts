/**
 * Request smuggling against servers that people use: whatever is sent, Squall and the server behind it agree on where each
 * request ends, or Squall refuses it. Each server says what it has read; each answer says what it is an answer to.
 */
import { afterEach, describe, expect, it } from "vitest";
import { turns, until } from "../support/lab.js";
import { HttpLab } from "../support/http-lab.js";
import { attacks, type Attack } from "./smuggling-corpus.js";
import { KINDS, type Reader } from "./smuggling-pairs.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Outcome {
  readonly attack: Attack;
  /** What the server read. */
  readonly read: readonly string[];
  /** What the client was answered about. */
  readonly answered: readonly string[];
  readonly refused: boolean;
}

async function run(lab: HttpLab, port: number, reader: Reader, attack: Attack): Promise<Outcome> {
  const client = lab.client(port);
  let over = false;
  void client.ended.then(() => (over = true));
  client.write(Buffer.from(attack.bytes, "latin1"));
  client.fin();
  await until(() => over);
  const answered = [...client.text.matchAll(/\[([A-Z]+ [^\]]*)\]/gu)].map(([, said]) => said ?? "");
  const read: string[] = [];
  const look = (): void => {
    for (const line of reader.taken()) {
      const [, said, status = "200"] = /^(.*?)(?: (\d{3}))?$/u.exec(line) ?? [];
      if (said !== undefined && status === "200") read.push(said);
    }
  };
  // Some write down what they have read after they have answered it. What comes even later falls to the next attack, and is
  // found there.
  await until(() => {
    look();
    return read.length >= answered.length;
  });
  await turns(3);
  look();
  return { attack, read, answered, refused: /^HTTP\/1\.1 (?:400|413|431|501|505)/mu.test(client.text) };
}

describe.each(KINDS)("Squall and $name", ({ missing, start }) => {
  it.skipIf(missing !== null)(
    `agree on where each request ends${missing === null ? "" : ` (needs: ${missing})`}`,
    async () => {
      const lab = new HttpLab();
      ends.push(() => lab.close());
      const reader = await start();
      ends.push(() => reader.close());
      const proxy = await lab.http(reader.port);
      const outcomes: Outcome[] = [];
      for (const attack of attacks()) outcomes.push(await run(lab, proxy.address.port, reader, attack));
      // HEAD is answered without a body, so that nothing says what it was.
      const seen = (said: readonly string[]): string[] => said.filter((line) => !line.startsWith("HEAD "));
      const split = outcomes.filter(({ read, answered }) => seen(read).join() !== seen(answered).join());
      expect(split.map(({ attack, read, answered }) => ({ what: attack.what, read, answered }))).toEqual([]);
      const count = (holds: (outcome: Outcome) => boolean): number => outcomes.filter(holds).length;
      const all = outcomes.length;
      const nothing = count(({ read, refused }) => refused && read.length === 0);
      expect(all).toBeGreaterThan(500);
      expect(nothing).toBeGreaterThan(all / 2);
      console.log(
        `${all} attacks: ${nothing} refused with nothing read by the server, ${count(({ refused }) => !refused)} legitimate`,
      );
    },
  );
});

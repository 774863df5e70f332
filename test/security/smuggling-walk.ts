/** The walk through the attacks before one server that says which requests it read to their ends; Node's own is such a server. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { turns, until } from "../support/lab.js";
import { HttpLab } from "../support/http-lab.js";
import type { Attack } from "./smuggling-corpus.js";

export interface Reader {
  readonly port: number;
  /** `METHOD /target` of all that it has read since it was last asked. */
  taken(): string[];
  close(): Promise<void>;
}

export interface Kind {
  readonly name: string;
  /** What this machine lacks for it; null for nothing. */
  readonly missing: string | null;
  start(): Promise<Reader>;
}

async function startNode(): Promise<Reader> {
  let seen: string[] = [];
  const server = createServer((request, response) => {
    request.on("error", () => undefined);
    request.resume().on("end", () => {
      if (!request.complete) return;
      seen.push(`${request.method ?? ""} ${request.url ?? ""}`);
      response.end(`[${request.method ?? ""} ${request.url ?? ""}]`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => {
      const all = seen;
      seen = [];
      return all;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
      return Promise.resolve();
    },
  };
}

export const NODE: Kind = { name: "Node's http", missing: null, start: startNode };

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

/** All attacks, one after the other; at least half of them must be refused with nothing read. */
export async function agree(kind: Kind, attacks: readonly Attack[]): Promise<void> {
  const lab = new HttpLab();
  let reader: Reader | undefined;
  try {
    reader = await kind.start();
    await walk(lab, reader, attacks);
  } finally {
    await lab.close();
    await reader?.close();
  }
}

async function walk(lab: HttpLab, reader: Reader, attacks: readonly Attack[]): Promise<void> {
  const proxy = await lab.http(reader.port);
  const outcomes: Outcome[] = [];
  for (const attack of attacks) outcomes.push(await run(lab, proxy.address.port, reader, attack));
  // HEAD is answered without a body, so that nothing says what it was.
  const seen = (said: readonly string[]): string[] => said.filter((line) => !line.startsWith("HEAD "));
  const split = outcomes.filter(({ read, answered }) => seen(read).join() !== seen(answered).join());
  expect(split.map(({ attack, read, answered }) => ({ what: attack.what, read, answered }))).toEqual([]);
  const count = (holds: (outcome: Outcome) => boolean): number => outcomes.filter(holds).length;
  const all = outcomes.length;
  const nothing = count(({ read, refused }) => refused && read.length === 0);
  expect(nothing).toBeGreaterThan(all / 2);
  console.log(
    `${all} attacks: ${nothing} refused with nothing read by the server, ${count(({ refused }) => !refused)} legitimate`,
  );
}

/** Bots that each stay at one daemon of a fleet meet the same faults as at a daemon alone, bot by bot: over real sockets. */
import { afterEach, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { libraryOf, textOfProfile } from "../../src/fleet/text-format.js";
import { compileProfile } from "../../src/plan/compile.js";
import { answersTo, get, HttpLab } from "../support/http-lab.js";
import { TYPES } from "../support/lab.js";
import { scaled } from "../support/scope.js";

const BOTS = Array.from({ length: 8 }, (_, index) => `bot-${index}`);
const CALLS = scaled(12, 200);

const YAML = `profile: mixed
faults:
  - { name: refuse, type: http_status, status: 503, when: { probability: 20% } }
  - { name: rewrite, type: http_headers, direction: downstream, set: { x-hit: "1" }, when: { probability: 30%, per: bot } }
  - { name: third, type: http_headers, direction: downstream, set: { x-third: "1" }, when: { every: 3, per: bot } }
`;

const labs: HttpLab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.close();
});

/** What each bot met: its hits in their order, with the call that each was, and what it was answered. */
async function met(daemons: number, at: (bot: number) => number): Promise<Readonly<Record<string, unknown>>> {
  const library = new Library(TYPES);
  library.replaceFiles([{ file: "mixed.yaml", text: YAML }]);
  const text = textOfProfile("mixed", library);
  const proxies = await Promise.all(
    Array.from({ length: daemons }, async () => {
      const lab = new HttpLab();
      labs.push(lab);
      const server = await lab.scripted();
      const proxy = await lab.http(server.port, { identify: [{ by: "header", name: "x-bot" }] });
      const now = lab.clock.now();
      const compiled = compileProfile("mixed", libraryOf(text, TYPES), {}, TYPES);
      lab.plan.fleet([
        {
          id: "mixed",
          request: {
            profile: "mixed",
            compiled,
            written: null,
            given: {},
            seed: 7,
            seeded: true,
            proxies: null,
            mode: "inject",
          },
          mark: { identity: "mixed", lasts: 600_000, words: ["--fleet"] },
          // Each has joined at another time.
          startsAt: now - 1_000 * labs.length,
          endsAt: now + 600_000,
        },
      ]);
      return { lab, proxy };
    }),
  );
  const answers = await Promise.all(
    BOTS.map(async (bot, index) => {
      const { lab, proxy } = proxies[at(index)] ?? { lab: undefined, proxy: undefined };
      if (lab === undefined) throw new Error("there is no such daemon");
      const client = lab.client(proxy);
      const heads: string[] = [];
      for (let call = 0; call < CALLS; call++) {
        client.write(get(`/calls/${call}`, [`X-Bot: ${bot}`]));
        const answer = (await answersTo(client, call + 1))[call];
        heads.push(
          `${answer?.head.split(" ")[1] ?? ""}${answer?.head.includes("x-hit") === true ? " hit" : ""}`,
        );
      }
      client.fin();
      return heads;
    }),
  );
  const hits = proxies.flatMap(({ lab }) => lab.facts.of("fault_hit"));
  return Object.fromEntries(
    BOTS.map((bot, index) => [
      bot,
      {
        answers: answers[index],
        hits: hits
          .filter((one) => one.bot === bot)
          .map(({ fault, effect, exchange }) => `${fault} ${effect} ${exchange?.path ?? ""}`),
      },
    ]),
  );
}

it("has the same journal of each bot, whichever daemon it stays at", async () => {
  const alone = await met(1, () => 0);
  const sticky = await met(4, (bot) => bot % 4);
  const others = await met(4, (bot) => (bot * 7 + 3) % 3);
  expect(sticky).toEqual(alone);
  expect(others).toEqual(alone);
  // Bots differ from each other, or all of this would say nothing.
  expect(new Set(Object.values(alone).map((one) => JSON.stringify(one))).size).toBe(BOTS.length);
});

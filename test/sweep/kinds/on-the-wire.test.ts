/** Each kind between real sockets: it hits the call of the bot and route that it is aimed at, and no other. */
import { afterEach, describe, expect, it } from "vitest";
import { locate } from "../../../src/config/located.js";
import { compileFaults } from "../../../src/plan/compile.js";
import type { Ordinal } from "../../../src/sweep/contract/case.js";
import type { Site } from "../../../src/sweep/contract/site.js";
import { KINDS } from "../../../src/sweep/kinds/kinds.js";
import type { AnyKind } from "../../../src/sweep/kinds/kind.js";
import { messageAt, httpTimeLab, type HttpLab } from "../../support/http-lab.js";
import { TYPES, until, type Client } from "../../support/lab.js";
import { httpSite } from "../../support/made-up-sites.js";

let lab: HttpLab;

afterEach(async () => {
  await lab.close();
});

function switchOn(kind: AnyKind, site: Site, ordinal: Ordinal): void {
  lab.use(compileFaults(locate([...kind.faults(site, ordinal)]), TYPES).compiled.faults);
}

const HTTP = KINDS.filter(({ protocol }) => protocol === "http");
/** Kinds about what clients send: their requests have a body. */
const SENT = /^(?:upload|request)-cut$/u;

describe("a kind of HTTP", () => {
  const traits = { authorized: true, keepAlive: true, reusedAt: 2, answers: 3, leastSent: 20_000 };
  const COMPLETE = httpSite("POST /v1/jobs/:n/complete", { traits });
  const STATE = httpSite("GET /v1/jobs/:n", { except: ["/v1/jobs/next"], traits });

  it.each(HTTP.map((kind) => [kind.name, kind] as const))(
    "%s hits its call, and no other",
    async (_name, kind) => {
      const { lab: own, time } = httpTimeLab();
      lab = own;
      const body = JSON.stringify({ state: "done", more: "0123456789" });
      let answers = 0;
      const server = await lab.scripted(() => {
        const text = kind.name === "stale" ? body.replace("done", `done ${String(answers++)}`) : body;
        return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
      });
      const proxy = await lab.http(server.port, { identify: [{ by: "header", name: "x-bot-id" }] });
      const site = kind.applies(COMPLETE) ? COMPLETE : STATE;
      switchOn(kind, site, { word: "second", nth: 2 });
      const isStale = kind.to === "all";
      const sent = SENT.test(kind.name) ? "0123456789" : "";

      const clients = new Map<string, Client>();
      const hits = (): number => lab.facts.of("fault_hit").length;
      const path = (round: number): string =>
        site === STATE ? `/v1/jobs/${isStale ? 7 : round}` : `/v1/jobs/${round}/complete`;
      for (let round = 1; round <= 3; round++)
        for (const bot of ["bot-1", "bot-2"])
          for (const call of [`GET /v1/jobs/next`, `${site.method} ${path(round)}`]) {
            const before = clients.get(bot);
            const client =
              before === undefined || before.end !== null || before.socket.destroyed
                ? lab.client(proxy)
                : before;
            clients.set(bot, client);
            const from = client.length;
            const hitsBefore = hits();
            client.write(
              `${call} HTTP/1.1\r\nHost: a\r\nX-Bot-Id: ${bot}\r\nAuthorization: Bearer t\r\nContent-Length: ${sent.length}\r\n\r\n${sent}`,
            );
            await until(
              () => messageAt(client.text, from) !== null || client.end !== null || hits() > hitsBefore,
            );
            // What is sent again is sent after a while, and what is stale is older than the call.
            time.advance(60);
            if (hits() > hitsBefore) {
              // What becomes of it is another test's business; the bot goes on with another connection, but not where one must be used.
              if (kind.name !== "stale") {
                client.rst();
                clients.delete(bot);
              }
            }
          }

      const told = lab.facts
        .of("fault_hit")
        .map(({ bot, exchange }) => `${bot} ${exchange?.method ?? ""} ${exchange?.path ?? ""}`);
      const expected = kind
        .faults(site, { word: "second", nth: 2 })
        .flatMap(({ when }) => (when as { readonly only?: readonly number[] } | undefined)?.only ?? [])
        .filter((nth) => nth <= 3)
        .map((nth) => `bot-1 ${site.method} ${path(nth)}`);
      // From the second call on, whoever makes it.
      if (kind.name === "outage")
        expect(told).toStrictEqual(
          ["bot-1 2", "bot-2 2", "bot-1 3", "bot-2 3"].map((one) => {
            const [bot = "", round = ""] = one.split(" ");
            return `${bot} ${site.method} ${path(Number(round))}`;
          }),
        );
      else if (isStale) expect(told).toStrictEqual(["bot-1 GET /v1/jobs/7", "bot-1 GET /v1/jobs/7"]);
      else expect([...new Set(told)]).toStrictEqual(expected);
    },
  );
});

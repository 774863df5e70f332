/** What somebody most likely meant, said once and by its option, with all that they print. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENTRY_KINDS } from "../../src/admin/entry-answers.js";
import { entryKind } from "../../src/cli/entry-kind.js";
import { command } from "../support/command-here.js";
import { Workshop, type Said } from "../support/process.js";

let shop: Workshop;
let upstream: Server;
let admin: string;

beforeAll(async () => {
  shop = new Workshop();
  upstream = createServer((_request, response) => response.end("ok"));
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  const to = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  ({ admin } = await shop.daemon({
    proxies: {
      jobs: { listen: "127.0.0.1:0", upstream: `http://${to}` },
      raw: { listen: "127.0.0.1:0", upstream: `tcp://${to}` },
    },
  }));
  shop.file(
    "slow.yaml",
    'profile: slow\nparams: { delay: }\nfaults: [{ type: latency, delay: "${delay}" }]\n',
  );
  shop.file("heir.yaml", "profile: heir\nextends: [latency]\n");
  shop.file(
    "short.yaml",
    "admin: { listen: 127.0.0.1:0 }\nproxies:\n  a: { lsten: ':1', upstrem: tcp://b:1 }\n",
  );
});

afterAll(async () => {
  upstream.close();
  await shop.close();
});

async function run(...words: string[]): Promise<Said> {
  const { code, out, err } = await command(words, { cwd: shop.folder, env: { SQUALL_ADMIN: admin } });
  const plain = (text: string): string => text.replaceAll(admin, "ADMIN").replace(/seed \d+/gu, "seed S");
  return { code, out: plain(out), err: plain(err) };
}

const refused = (code: number, err: string): Said => ({ code, out: "", err: `squall: ${err}\n` });

describe("a misspelt name", () => {
  it.concurrent.each<[string, number, string]>([
    [
      "add jobs latency --delai 200ms",
      3,
      '--delai: latency has no parameter "delai" (did you mean "delay"?)',
    ],
    ["use ./slow.yaml --param dellay=5ms", 3, '--param dellay: unknown param (did you mean "delay"?)'],
    ["explain ./slow.yaml --param dellay=5ms", 3, '--param dellay: unknown param (did you mean "delay"?)'],
    ["load --serve http://127.0.0.1:1", 2, "unknown option '--serve' (did you mean --server?)"],
    ["bot --srver=http://127.0.0.1:1", 2, "unknown option '--srver' (did you mean --server?)"],
    ["draws --seed 1 --activaton x", 2, "unknown option '--activaton' (did you mean --activation?)"],
    ["load", 2, "--server: is required (--server <url>)"],
    [
      "serve -c short.yaml",
      3,
      "2 mistakes", // Each of the two names is wrong, and nothing is missing besides.
    ],
    ["serve --seed x", 2, '--seed: expected a whole number, got "x"'],
    ["-seed=x", 2, '-seed: expected a whole number, got "x"'],
    ["serve --port x", 2, '--port: expected a port, got "x"'],
    ["serve --seed", 2, "--seed: a value is missing"],
    ["serve --admin", 2, "--admin: a value is missing (--admin <address>)"],
    ["serve -c", 2, "--config: a value is missing (--config <file>)"],
  ])("is the one mistake of %j", async (line, code, text) => {
    const said = await run(...line.split(" "));
    expect({ ...said, err: said.err.split("\n").at(-2) }).toEqual({ code, out: "", err: `squall: ${text}` });
  });
});

describe("a proxy that there is not", () => {
  it("is told with those that there are, or with the nearest", async () => {
    const [far, near, only] = await Promise.all([
      run("add", "server", "latency", "--delay=1s"),
      run("add", "jobz", "latency", "--delay=1s"),
      run("use", "high-latency", "--proxy", "server"),
    ]);
    expect(far).toEqual(refused(3, 'no proxy is called "server" (known: jobs, raw)'));
    expect(near).toEqual(refused(3, 'no proxy is called "jobz" (did you mean "jobs"?)'));
    expect(only).toEqual(refused(3, '--proxy: no proxy is called "server" (known: jobs, raw)'));
    expect(await run("heal", "server")).toEqual(
      refused(1, 'no activation has the id "server" (nothing is on)'),
    );
  });
});

describe("a fault type where a profile is asked for", () => {
  it("is told as one, with how it is used; and a profile where a type is asked for", async () => {
    const command = "squall add PROXY latency --delay 200ms --jitter 50ms";
    const [use, explain, timed, param, heir, add] = await Promise.all([
      run("use", "latency"),
      run("explain", "latency"),
      run("explain", "dns_answer"),
      run("explain", "latency", "--param", "delay=1s"),
      run("use", "./heir.yaml"),
      run("add", "jobs", "high-latency"),
    ]);
    expect(use).toEqual(refused(1, `no profile is called "latency" (it is a fault type: ${command})`));
    expect(explain).toMatchObject({ code: 0, err: "" });
    expect(explain.out).toMatch(
      /^latency: a fault type\. Delays every byte .*\n {2}--delay +how long .*\(required\)\n/u,
    );
    expect(explain.out.endsWith(`\n  To add one: ${command}\n`)).toBe(true);
    // The command has an option of that name for itself.
    expect(timed.out).toMatch(/\n {2}-- --ttl +the time to live of the answers/u);
    expect(param).toEqual(refused(2, "--param: latency is a fault type, and these are for profiles"));
    expect(heir).toEqual(
      refused(
        3,
        './heir.yaml:2:11 extends[0]: no profile is called "latency" (it is a fault type, and stands under faults)',
      ),
    );
    expect(add).toEqual(
      refused(
        3,
        'no fault type is called "high-latency"\n  it is a profile: squall use high-latency --add --proxy jobs --admin ADMIN',
      ),
    );
  });

  it("may be added with a parameter that is named like an option, behind two dashes", async () => {
    const words = ["add", "raw", "latency", "--observe", "--ttl", "1m"];
    // The command's own option ends the activation; the fault has no such parameter.
    expect(await run(...words, "--", "--ttl", "1s", "--delay=1s")).toEqual(
      refused(
        3,
        '--ttl: latency has no parameter "ttl" (it is an option of the command, and stands before the two dashes)',
      ),
    );
    const on = await run(...words, "--", "--delay", "5ms");
    expect(on).toMatchObject({ code: 0, err: "" });
    // As long as was asked, and not a thousandth of a minute less.
    expect(on.out).toMatch(/^inline is on: seed S, ends in 1m, only observing\n/u);
    expect((await run("heal")).out).toBe("healed\n");
  });
});

describe("--kind", () => {
  it("takes a part of a kind's name, if it is of one kind only", async () => {
    const [hit, fault, unknown] = await Promise.all([
      run("journal", "--kind", "hit"),
      run("journal", "--kind", "fault"),
      run("journal", "--kind", "opaqe"),
    ]);
    expect(hit).toMatchObject({ code: 0, out: "" });
    expect(hit.err).toMatch(/^squall: no entry matches --kind fault_hit: there are \d+ entries/u);
    expect(fault).toEqual(
      refused(
        2,
        '--kind: "fault" is not one kind: expected fault_hit, fault_total, fault_spared, fault_set, fault_changed or fault_removed',
      ),
    );
    expect(unknown).toMatchObject({ code: 3, out: "" });
  });

  it("knows each kind by its name, and by every word that no other has", () => {
    for (const kind of ENTRY_KINDS) {
      expect(entryKind(kind)).toBe(kind);
      for (const word of kind.split("_")) {
        const others = ENTRY_KINDS.filter((other) => other.split("_").includes(word));
        if (others.length === 1) expect(entryKind(word)).toBe(kind);
      }
    }
  });
});

/** The commands that talk to a daemon, with all that they print: what is taken, what is refused and in which words. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../support/command-here.js";
import { Workshop, type Said } from "../support/process.js";

let shop: Workshop;
let upstream: Server;
let admin: string;
let proxies: Readonly<Record<string, string>>;

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
  const { proxies: views } = (await (await fetch(`${admin}/status`)).json()) as {
    proxies: { name: string; listen: string }[];
  };
  proxies = Object.fromEntries(views.map(({ name, listen }) => [name, listen]));
});

afterAll(async () => {
  upstream.closeAllConnections();
  upstream.close();
  await shop.close();
});

/** With addresses, seeds, times and versions left out, which differ from run to run. */
async function run(...words: string[]): Promise<Said> {
  const { code, out, err } = await command(words, { cwd: shop.folder, env: { SQUALL_ADMIN: admin } });
  const plain = (text: string): string =>
    text
      .replaceAll(admin, "ADMIN")
      .replaceAll(proxies["jobs"] ?? "", "JOBS")
      .replaceAll(proxies["raw"] ?? "", "RAW")
      .replace(/seed("?:? ?)\d+/gu, "seed$1S")
      .replace(/ {2}# squall \S+/gu, "")
      .replace(/\d\d:\d\d:\d\d\.\d{3}/gu, "TIME");
  return { code, out: plain(out), err: plain(err) };
}

const refused = (code: number, err: string): Said => ({ code, out: "", err });
const ask = async (path: string): Promise<void> => {
  await (await fetch(`http://${proxies["jobs"] ?? ""}${path}`)).text();
};

describe("add", () => {
  it.concurrent.each<[string, string[], number, string]>([
    [
      "a duration that is none",
      ["jobs", "latency", "--delay", "-5s"],
      3,
      '--delay: expected a duration such as 50ms, got "-5s"',
    ],
    [
      "an option of the command",
      ["jobs", "latency", "--delay=5ms", "--ttl", "x"],
      3,
      '--ttl: expected a duration such as 50ms, got "x"',
    ],
    [
      "a parameter that there is not",
      ["jobs", "latency", "--dela", "5ms"],
      3,
      '--dela: latency has no parameter "dela" (did you mean "delay"?)',
    ],
    [
      "a mistyped option of the command",
      ["jobs", "latency", "--delay=5ms", "--tttl", "5s"],
      3,
      '--tttl: latency has no parameter "tttl" (did you mean "--ttl"?)',
    ],
    [
      "a key within a value",
      ["jobs", "latency", "--delay=5ms", "--match", "{ pth: /x }"],
      3,
      '--match: pth: unknown key (did you mean "path"?)',
    ],
    [
      "YAML that is none",
      ["jobs", "latency", "--match", "{ path: /x"],
      2,
      `--match: is not valid YAML: flow map must end with a }, got "{ path: /x" (to say text, put quotes around it: --match '"{ path: /x"')`,
    ],
    [
      "a value that is missing",
      ["jobs", "latency", "--delay", "--reorder", "true"],
      2,
      "--delay: a value is missing",
    ],
    [
      "a value given twice",
      ["jobs", "latency", "--delay=1s", "--delay=2s"],
      2,
      "--delay: is given twice (a list is one value: --delay '[a, b]')",
    ],
    ["a word that is no option", ["jobs", "latency", "200ms"], 2, 'expected --parameter value, got "200ms"'],
    [
      "a type that there is not",
      ["jobs", "latnecy", "--delay=1s"],
      3,
      'no fault type is called "latnecy" (did you mean "latency"?)',
    ],
    [
      "a proxy that there is not",
      ["jobz", "latency", "--delay=1s"],
      3,
      'no proxy is called "jobz" (did you mean "jobs"?)',
    ],
  ])("says once, by its option, what is wrong with %s", async (_what, words, code, text) => {
    expect(await run("add", ...words)).toEqual(refused(code, `squall: ${text}\n`));
  });
});

describe("one life", () => {
  it("is added to, read, followed and healed, with every line as it stands", async () => {
    // Values are YAML: lists and mappings among them. What stands beside is left on by the line that repeats it.
    const fault =
      '{"type":"http_status","status":503,"match":{"path":"/x"},"when":{"every":2},"proxy":"jobs"}';
    const first = await run(
      ...[
        "add",
        "jobs",
        "http_status",
        "--status",
        "503",
        "--match",
        "{ path: /x }",
        "--when",
        "{ every: 2 }",
      ],
    );
    expect(first).toEqual({
      code: 0,
      out: `inline is on: seed S\n  the same again: curl -X PUT ADMIN/active -d '{"faults":[${fault}],"seed":S}'\n`,
      err: "",
    });
    const second = await run("add", "raw", "flap", "--pattern", "[up 1h, down 300ms]");
    expect(second.out).toContain(
      `inline-2 is on: seed S\n  the same again: curl -X POST ADMIN/active -d '{"faults":[{"type":"flap","pattern":["up 1h","down 300ms"],"proxy":"raw"}],"seed":S}'\n`,
    );
    await fetch(`${admin}/proxies/raw/toxics`, {
      method: "POST",
      body: JSON.stringify({ name: "slow", type: "latency", attributes: { latency: 5 } }),
    });

    for (let n = 0; n < 3; n++) await ask("/nope");
    const status = await run("status");
    expect(status.out).toMatch(/^squall \S+ at ADMIN, up \S+\n {2}jobs {2}JOBS -> http:/u);
    expect(status.out).toContain("  raw  RAW -> tcp://");
    expect(status.out).toContain(
      `inline is on: seed S\n  jobs/http_status: 0 of 3 exchanges so far: no path matches\n  the same again: `,
    );
    expect(status.out).toContain("inline-2 is on: seed S\n  raw/flap: ");
    expect(status.out).toMatch(/\nslow \(latency\) is set on raw itself: no connections so far\n$/u);
    await ask("/x");
    await ask("/x");
    expect((await run("status")).out).toContain(
      "\n  jobs/http_status: 1 of 5 exchanges so far, of which 2 match\n",
    );

    const [hits, nothing, later, badKind, badPath, badSince] = await Promise.all([
      run("journal", "--kind", "fault_hit", "--path", "/x", "--profile", "inline"),
      run("journal", "--path", "/y", "--bot", "nobody"),
      run("journal", "--since", "99999"),
      run("journal", "--kind", "fault_hi"),
      run("journal", "--path", "x"),
      run("journal", "--since", "x"),
    ]);
    expect(hits.out).toMatch(/^ +\d+ {2}TIME {2}fault {4}jobs\/http_status {2}bot 127\.0\.0\.1 {2}.*\n$/u);
    expect(nothing).toEqual({
      code: 0,
      out: "",
      err: expect.stringMatching(
        /^squall: no entry matches --bot nobody --path \/y: there are \d+ entries, up to number \d+\n$/u,
      ) as string,
    });
    expect(later.err).toMatch(/^squall: no entry matches --since 99999: there are /u);
    expect(badKind).toMatchObject({ code: 3, out: "" });
    expect(badKind.err).toMatch(
      /^squall: --kind: expected .*, got "fault_hi" \(did you mean "fault_hit"\?\)\n$/u,
    );
    expect(badPath).toEqual(refused(3, 'squall: --path: expected a path that begins with "/"\n'));
    expect(badSince).toEqual(refused(2, 'squall: --since: expected a whole number, got "x"\n'));

    const again = (words: string): string => `${words} --admin ADMIN`;
    expect(await run("heal", "inline")).toEqual({
      code: 0,
      out:
        `healed\n  inline-2 is still on; to end it: ${again("squall heal inline-2")}\n` +
        `  slow (latency) is still set on raw itself\n  to take it away: ${again("squall heal --own")}\n`,
      err: "",
    });
    expect((await run("heal")).out).toBe(
      `healed\n  slow (latency) is still set on raw itself\n  to take it away: ${again("squall heal --own")}\n`,
    );
    expect((await run("heal", "--own")).out).toBe("healed, and 1 of the proxies' own faults taken away\n");
    expect((await run("heal")).out).toBe("nothing was on\n");
  });
});

describe("use", () => {
  it("lends the daemon the profile of a file, says where names collide, and leaves nothing behind if it fails", async () => {
    const mine = [
      "profile: mine",
      "extends: [high-latency]",
      "params: { d: { default: 5ms, summary: s } }",
      'faults: [{ type: latency, name: z, delay: "${d}" }]',
      "",
    ].join("\n");
    shop.file("mine.yaml", mine);
    shop.file("two.yaml", `${mine}---\n${mine.replace("mine", "yours")}`);
    shop.file("server-crash.yaml", "profile: server-crash\nfaults: [{ type: latency, delay: 5ms }]\n");
    shop.file("broken.yaml", "profile: broken\nfaults: [{ type: latency, delay: 5 }, { type: nope }]\n");
    const [name, none, folder, two, broken, proxy] = await Promise.all([
      run("use", "mine"),
      run("use", "./nope.yaml"),
      run("use", "./"),
      run("use", "two.yaml"),
      run("use", "./broken.yaml"),
      run("use", "server-crash", "--proxy", "jobz"),
    ]);
    expect(name).toEqual(
      refused(
        1,
        'squall: no profile is called "mine"\n  a file of that name is here: squall use ./mine.yaml\n',
      ),
    );
    expect(none).toEqual(refused(3, "squall: cannot read the profile ./nope.yaml: there is no such file\n"));
    expect(folder).toEqual(refused(3, "squall: cannot read the profile ./: it is a folder\n"));
    expect(two).toEqual(refused(3, "squall: two.yaml: expected one profile, got 2\n"));
    expect(broken).toEqual(
      refused(
        3,
        "squall: 2 mistakes\n  ./broken.yaml:2:34 faults[0].delay: expected a duration such as 50ms, got 5\n" +
          '  ./broken.yaml:2:47 faults[1].type: no fault type is called "nope"\n',
      ),
    );
    expect(await run("use", "mine.yaml", "--param", "d=banana")).toEqual(
      refused(
        3,
        'squall: mine.yaml:4:43 faults[0].delay: expected a duration such as 50ms, got "banana" (the value of param "d")\n',
      ),
    );
    expect(proxy).toEqual(refused(3, 'squall: --proxy: no proxy is called "jobz" (did you mean "jobs"?)\n'));
    expect((await fetch(`${admin}/profiles/mine`)).status).toBe(404);

    const on = await run("use", "mine.yaml", "--param", "d=7ms");
    expect(on.out).toMatch(
      /^mine is on: seed S\n {2}the same again: squall use mine --seed S .*--param d=7ms --admin ADMIN\n$/u,
    );
    expect(on).toMatchObject({ code: 0, err: "" });
    // The name is the daemon's from now on, and the file is what it is already.
    expect(await run("use", "mine.yaml")).toMatchObject({ code: 0, err: "" });
    const crash = await run("use", "./server-crash.yaml", "--add");
    expect(crash.out).toMatch(
      /^mine is on: .*--add --admin ADMIN\nserver-crash is on: .*--add --admin ADMIN\n$/su,
    );
    expect(crash.err).toMatch(
      /^squall: note: the daemon has a profile "server-crash" of the library too; that of \.\/server-crash\.yaml counts until DELETE \/profiles\/server-crash\n$/u,
    );
  });
});

describe("whoever is no Squall", () => {
  it("is told apart, in one sentence", async () => {
    const { port } = upstream.address() as AddressInfo;
    const there = `http://127.0.0.1:${port}`;
    const [stranger, nobody, nonsense] = await Promise.all([
      run("status", "--admin", there),
      run("heal", "--admin", "127.0.0.1:9"),
      run("heal", "--admin", "http://["),
    ]);
    expect(stranger).toEqual(refused(1, `squall: ${there} does not answer like Squall: ok\n`));
    expect(nobody).toMatchObject({ code: 4, out: "" });
    expect(nobody.err).toMatch(
      /^squall: no Squall answers at http:\/\/127\.0\.0\.1:9 \(.*\)\. Is it running\? .*\n$/u,
    );
    expect(nonsense).toEqual(
      refused(2, 'squall: --admin: expected an address such as 127.0.0.1:8474 or a URL, got "http://["\n'),
    );
  });
});

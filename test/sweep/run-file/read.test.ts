/** squall.run.yaml and flags: what they become, and where each mistake is told. */
import { describe, expect, it } from "vitest";
import { SquallError, formatProblem } from "../../../src/core/errors.js";
import { directoryIn, readRun, type RunSources } from "../../../src/sweep/run-file/read.js";

const PROXIES = "proxies: { jobs: { upstream: http://127.0.0.1:3000 } }\n";

function sources(text: string | null, more: Partial<RunSources> = {}): RunSources {
  const file = text === null ? null : { file: "squall.run.yaml", text };
  return { file, flags: [], proxies: [], config: null, env: {}, cwd: "/srv/app", ...more };
}

function mistakes(text: string | null, more: Partial<RunSources> = {}): string[] {
  try {
    readRun(sources(text, more));
    return [];
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    return (error.details ?? []).map((problem) => formatProblem(problem).split("\n")[0] ?? "");
  }
}

describe("a run file", () => {
  it("has defaults for all but what is run, and against what", () => {
    const read = readRun(sources(`command: npm test\n${PROXIES}`));
    expect(read).toMatchObject({
      command: { kind: "line", line: "npm test" },
      setup: null,
      upstream: null,
      ready: [],
      audit: null,
      settle: 2_000,
      timeout: null,
      tolerance: 0,
      outage: null,
      outageIgnore: [],
      jobs: 1,
      baselines: 3,
      seed: 1,
      service: null,
      directory: "/srv/app/.squall",
      folder: "/srv/app",
      disk: 256 * 2 ** 20,
      proxyNames: ["jobs"],
      ports: [],
    });
  });

  it("says how long an outage lasts, and what may be otherwise after one", () => {
    const read = readRun(sources(`command: x\noutage: 8s\noutage_ignore: [/totals/expired]\n${PROXIES}`));
    expect(read).toMatchObject({ outage: 8_000, outageIgnore: ["/totals/expired"] });
    const flags = [
      { key: "outage", value: "1m", flag: "--outage" },
      { key: "outage_ignore", value: ["/a", "/b"], flag: "--outage-ignore" },
    ] as const;
    const flagged = readRun(sources(`command: x\noutage: 8s\n${PROXIES}`, { flags }));
    expect(flagged).toMatchObject({ outage: 60_000, outageIgnore: ["/a", "/b"] });
  });

  it("takes a line for the shell and words without one", () => {
    const read = readRun(sources(`command: [node, -e, 0]\nsetup: ./reset.sh --all\n${PROXIES}`));
    expect(read.command).toEqual({ kind: "words", words: ["node", "-e", "0"] });
    expect(read.setup).toEqual({ kind: "line", line: "./reset.sh --all" });
  });

  it("leaves ${…} of commands to the shell, and reads the environment everywhere else", () => {
    const text = 'command: echo ${HOME}\nenv: { A: "${B}" }\naudit: "http://${HOST}/audit"\n' + PROXIES;
    const read = readRun(sources(text, { env: { B: "b", HOST: "h:1" } }));
    expect(read.command).toEqual({ kind: "line", line: "echo ${HOME}" });
    expect(read.env).toEqual({ A: "b" });
    expect(read.audit).toBe("http://h:1/audit");
  });

  it("lies on top of squall.yaml, whose proxies it may replace", () => {
    const config = {
      file: "squall.yaml",
      text: "proxies:\n  jobs: { listen: 127.0.0.1:8080, upstream: http://127.0.0.1:3000 }\n  redis: { listen: :6380, upstream: tcp://127.0.0.1:6379 }\n",
    };
    const text =
      'command: [x]\nupstream: x --port {port:server}\nproxies: { jobs: { upstream: "http://127.0.0.1:{port:server}" } }\n';
    const read = readRun(sources(text, { config }));
    expect(read.checked.map(({ name, listen }) => [name, listen.port])).toEqual([
      ["jobs", 0],
      ["redis", 6380],
    ]);
    expect(read.ports).toEqual(["server"]);
  });

  it("may name kinds that YAML takes for numbers", () => {
    expect(readRun(sources(`command: x\nkinds: [lost, 503]\n${PROXIES}`)).kinds).toEqual(["lost", "503"]);
  });

  it("runs in its own folder", () => {
    const read = readRun({
      ...sources(`command: [x]\n${PROXIES}`),
      file: { file: "e2e/run.yaml", text: `command: [x]\n${PROXIES}` },
    });
    expect([read.folder, read.directory]).toEqual(["/srv/app/e2e", "/srv/app/.squall"]);
  });

  it("may be flags alone", () => {
    const read = readRun(
      sources(null, {
        flags: [
          { key: "command", value: ["npm", "test"], flag: "--command" },
          { key: "settle", value: "100ms", flag: "--settle" },
          { key: "env", value: { URL: "{url:jobs}" }, flag: "--env" },
        ],
        proxies: [{ name: "jobs", upstream: "http://127.0.0.1:3000" }],
      }),
    );
    expect(read).toMatchObject({ settle: 100, env: { URL: "{url:jobs}" }, proxyNames: ["jobs"] });
  });

  it("may be told by a flag with which proxies clients speak TLS", () => {
    const proxies = [{ name: "jobs", upstream: "https://127.0.0.1:3000" }];
    const text = `command: npm test\nproxies: { two: { upstream: tcp://127.0.0.1:2, secure: detect } }\n`;
    const read = readRun(sources(text, { proxies, secure: ["jobs"] }));
    expect(read.checked.map(({ name, secure }) => [name, secure?.mode])).toEqual([
      ["two", "detect"],
      ["jobs", "terminate"],
    ]);
    expect(mistakes(text, { proxies, secure: ["jbos"] })).toEqual([
      expect.stringContaining('no proxy of the run file or of --proxy is called "jbos"'),
    ]);
  });

  it("is laid under flags: variables one by one, everything else as a whole", () => {
    const text = `command: npm test\nsettle: 1s\nenv: { A: a, B: b }\nproxies: { jobs: { upstream: http://127.0.0.1:1 }, two: { upstream: tcp://127.0.0.1:2 } }\n`;
    const read = readRun(
      sources(text, {
        flags: [
          { key: "settle", value: "5s", flag: "--settle" },
          { key: "env", value: { B: "c" }, flag: "--env" },
        ],
        proxies: [{ name: "jobs", upstream: "http://127.0.0.1:3" }],
      }),
    );
    expect([read.settle, read.env]).toEqual([5_000, { A: "a", B: "c" }]);
    expect(read.checked.map(({ name, upstream }) => [name, upstream.port])).toEqual([
      ["jobs", 3],
      ["two", 2],
    ]);
  });
});

describe("the fingerprint, by which an interrupted sweep knows its own", () => {
  const of = (text: string, more: Partial<RunSources> = {}): string =>
    readRun(sources(`${text}\n${PROXIES}`, more)).fingerprint;

  it.each([
    ["another command", "command: npm run e2e"],
    ["another seed", "command: npm test\nseed: 2"],
    ["other kinds", "command: npm test\nkinds: [lost]"],
  ])("changes with %s", (_name, text) => {
    expect(of(text)).not.toBe(of("command: npm test"));
  });

  it.each([
    [
      "another number of workers",
      "command: npm test\nupstream: x {port:a}\njobs: 2",
      "command: npm test\nupstream: x {port:a}",
    ],
    ["another budget", "command: npm test\nbudget: 5m", "command: npm test"],
    ["a comment", "# why\ncommand: npm test", "command: npm test"],
  ])("stays with %s", (_name, text, other) => {
    expect(of(text)).toBe(of(other));
  });
});

describe("a mistake", () => {
  const rows: readonly (readonly [string, string, string])[] = [
    [
      "no command",
      PROXIES,
      "squall.run.yaml:1:1 there is no command to judge (squall sweep -- npm test, or command: in the run file)",
    ],
    [
      "no proxy",
      "command: npm test\n",
      "squall.run.yaml:1:1 there is no proxy to inject faults at (--proxy jobs=http://127.0.0.1:3000, or proxies in squall.yaml or in the run file)",
    ],
    [
      "an unknown key",
      `command: x\ncomand: y\n${PROXIES}`,
      'squall.run.yaml:2:1 comand: unknown key (did you mean "command"?)',
    ],
    [
      "a kind that there is not",
      `command: x\nkinds: [lost, 503, lots]\n${PROXIES}`,
      'squall.run.yaml:2:20 kinds[2]: no kind is called "lots"; did you mean "lost"?',
    ],
    [
      "a preset that there is not",
      `command: x\nkinds: quik\n${PROXIES}`,
      'squall.run.yaml:2:8 kinds: no kind is called "quik"; did you mean "quick"?',
    ],
    [
      "a bare number for a time",
      `command: x\nsettle: 5\n${PROXIES}`,
      "squall.run.yaml:2:9 settle: expected a duration such as 50ms, got 5",
    ],
    [
      "a time-out of another word",
      `command: x\ntimeout: never\n${PROXIES}`,
      'squall.run.yaml:2:10 timeout: expected auto, or a duration such as 2m, got "never"',
    ],
    [
      "a signal that there is not",
      `command: x\ndump: SIGFOO\n${PROXIES}`,
      'squall.run.yaml:2:7 dump: expected the name of a signal such as SIGQUIT, got "SIGFOO"',
    ],
    [
      "an audit without a scheme",
      `command: x\naudit: localhost:1/a\n${PROXIES}`,
      'squall.run.yaml:2:8 audit: expected a URL such as http://127.0.0.1:{port:jobs}/v1/audit, got "localhost:1/a"',
    ],
    [
      "a pointer without its slash",
      `command: x\nignore: [time]\n${PROXIES}`,
      'squall.run.yaml:2:10 ignore[0]: expected a JSON pointer such as /jobs/*/worker, got "time"',
    ],
    [
      "words of a command of which the first is empty",
      `command: ["", x]\n${PROXIES}`,
      "squall.run.yaml:1:10 command: expected what is judged, got words of which the first is empty",
    ],
    [
      "a command that no system can start",
      `command: "a\\0b"\n${PROXIES}`,
      "squall.run.yaml:1:10 command: expected text without a NUL character, which no program can be given",
    ],
    [
      "a variable that no program can be given",
      `command: x\nenv: { A: "b\\0" }\n${PROXIES}`,
      "squall.run.yaml:2:11 env.A: expected text without a NUL character, which no program can be given",
    ],
    [
      "an empty command",
      `command: []\n${PROXIES}`,
      "squall.run.yaml:1:10 command: expected what is judged as a line for the shell, or as a list of words, got a list",
    ],
    [
      "workers without a server each",
      `command: x\njobs: 2\n${PROXIES}`,
      "squall.run.yaml:2:7 jobs: runs at the same time need an upstream of their own each, and there is none that Squall starts (upstream: a command for the server, with {port:NAME} for its port)",
    ],
    [
      "workers of one service",
      `command: x\njobs: 2\nservice: true\nupstream: x\n${PROXIES}`,
      "squall.run.yaml:2:7 jobs: with service there is one system, and one run at a time",
    ],
    [
      "a proxy that nobody has",
      `command: x\nenv: { A: "{url:job}" }\n${PROXIES}`,
      'squall.run.yaml:2:11 env.A: {url:job}: no proxy is called "job" (did you mean "jobs"?)',
    ],
    [
      "a port that nobody takes",
      `command: x\nready: tcp://127.0.0.1:{port:server}\n${PROXIES}`,
      'squall.run.yaml:2:8 ready: {port:server}: no proxy is called "server", and upstream takes no free port of that name (known: jobs)',
    ],
    [
      "a proxy before it listens",
      `command: x\nupstream: x {url:jobs}\n${PROXIES}`,
      "squall.run.yaml:2:11 upstream: {url:jobs} belongs to the proxy, and is not known before it listens",
    ],
    [
      "a server on the port of its proxy",
      `command: x\nupstream: x {port:jobs}\n${PROXIES}`,
      "squall.run.yaml:2:11 upstream: {port:jobs} belongs to the proxy, and is not known before it listens (the server's own port needs another name, such as {port:jobs-server})",
    ],
    [
      "a placeholder without a name",
      `command: x {port:}\n${PROXIES}`,
      "squall.run.yaml:1:10 command: {port} names nothing: expected {port:NAME}",
    ],
    [
      "an upstream without a scheme",
      "command: x\nproxies:\n  jobs:\n    upstream: 127.0.0.1:3000\n",
      "squall.run.yaml:4:15 proxies.jobs.upstream: expected an upstream with its protocol: http://127.0.0.1:3000 or tcp://127.0.0.1:3000",
    ],
    [
      "an unknown key of a proxy",
      "command: x\nproxies:\n  jobs: { upstream: tcp://127.0.0.1:1, persona: nginx }\n",
      'squall.run.yaml:3:40 proxies.jobs.persona: "persona" is about HTTP exchanges, and a tcp proxy sees only bytes',
    ],
    [
      "a variable that is not set",
      `command: x\nenv: { A: "\${NOPE}" }\n${PROXIES}`,
      "squall.run.yaml:2:11 env.A: the environment has no variable NOPE (${NOPE:-default} gives it a default)",
    ],
    ["a list instead of settings", "- a\n", "squall.run.yaml:1:1 expected settings (a mapping)"],
  ];
  it.each(rows)("%s is told with its place", (_name, text, expected) => {
    expect(mistakes(text)).toContain(expected);
  });

  it("of a preset where kinds are left out is told with the kinds that there are", () => {
    expect(mistakes(`command: x\nskip_kinds: quick\n${PROXIES}`)).toEqual([
      expect.stringMatching(
        /^squall\.run\.yaml:2:13 skip_kinds: no kind is called "quick"; there are lost, lost-silent, /u,
      ),
    ]);
  });

  it("of a flag is told as that flag's", () => {
    const flags = [{ key: "settle", value: "5", flag: "--settle" }] as const;
    expect(mistakes(`command: x\n${PROXIES}`, { flags })).toEqual([
      '--settle:1:1 settle: expected a duration such as 50ms, got "5"',
    ]);
    expect(mistakes("command: x\n", { proxies: [{ name: "jobs", upstream: "nowhere" }] })).toEqual([
      '--proxy:1:1 proxies.jobs.upstream: expected an upstream such as http://server:3000 or tcp://server:3000, got "nowhere"',
    ]);
  });

  it("of somebody who gives a proxy twice is told, for one of them would be dropped", () => {
    const upstreams = ["http://127.0.0.1:3000", "http://127.0.0.1:3001"];
    const proxies = upstreams.map((upstream) => ({ name: "jobs", upstream }));
    expect(mistakes("command: x\n", { proxies })).toEqual(['--proxy:1:1 the proxy "jobs" is given twice']);
  });

  it("of somebody who says too little on the command line is told as that", () => {
    const flags = [{ key: "jobs", value: 2, flag: "--jobs" }] as const;
    expect(mistakes(null, { flags }).map((line) => line.replace(/ \(.*/u, ""))).toEqual([
      "--proxy:1:1 there is no proxy to inject faults at",
      "the command line:1:1 there is no command to judge",
      "--jobs:1:1 runs at the same time need an upstream of their own each, and there is none that Squall starts",
    ]);
  });

  it("of squall.yaml is told as its own", () => {
    const config = { file: "squall.yaml", text: "proxies:\n  jobs: { listen: :1 }\n" };
    expect(mistakes("command: x\n", { config })[0]).toMatch(
      /^squall\.yaml:2:3 proxies\.jobs\.upstream: is required/u,
    );
  });
});

describe("where all is written", () => {
  it.each([
    ["what the run file says", "directory: out/${WHERE}\n", "out/here"],
    ["the usual folder where it says nothing", "command: x\n", ".squall"],
    ["the usual folder where it cannot be told", "directory: [out]\n", ".squall"],
  ])("is %s", (_why, text, folder) => {
    expect(directoryIn({ file: "squall.run.yaml", text }, { WHERE: "here" })).toBe(folder);
  });

  it("is the usual folder without a run file", () => {
    expect(directoryIn(null, {})).toBe(".squall");
  });
});

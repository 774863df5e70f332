/** Commands that cannot do their work: a port that is taken, a server that is not what they expect. One sentence, by the option, and no trace. */
import { mkdirSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../support/command-here.js";
import { squall, Workshop } from "../support/process.js";

let shop: Workshop;
const servers: Server[] = [];

beforeAll(() => {
  shop = new Workshop();
});
afterAll(async () => {
  for (const server of servers) server.close();
  await shop.close();
});

async function on(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering = (status: number, body: string): Promise<string> =>
  on(
    createHttp((_request, response) => {
      response.writeHead(status, { connection: "close" }).end(body);
    }),
  );

const banner = (): Promise<string> =>
  on(
    createServer((socket) => {
      socket.on("error", () => undefined).end("SSH-2.0-nobody\r\n");
    }),
  );

async function said(...words: string[]): Promise<string> {
  // The demo starts the command itself again, for each of those who take part.
  const run = words[0] === "demo" ? squall : command;
  const { code, out, err } = await run(words, { cwd: shop.folder });
  expect(out.replace(/^squall {2}job server on .*\n/u, "")).toBe("");
  return `${code}: ${err}`;
}

describe("squall load", () => {
  it.concurrent.each<[string, () => Promise<string>, string]>([
    [
      "refuses what it asks for",
      () => answering(404, "no such thing"),
      "is no job server that takes this: it answers GET v1/audit?PREFIX with 404 no such thing",
    ],
    [
      "answers JSON of something else",
      () => answering(200, "{}"),
      "is no job server that takes this: it answers {}",
    ],
    [
      "answers no JSON",
      () => answering(200, "<html>"),
      "does not answer like a job server: it answers something else than JSON",
    ],
    ["always fails", () => answering(503, "x"), "is no job server that takes this: it answers 503 each time"],
    [
      "speaks another protocol",
      banner,
      "does not answer like a job server: Response does not match the HTTP/1.1 protocol (Expected HTTP/)",
    ],
  ])("says so of a server that %s", async (_what, start, text) => {
    const at = `http://${await start()}`;
    const told = await said("load", "--server", at, "--jobs", "1");
    // A later llhttp names what else it would have taken.
    expect(told.replace(/prefix=\S*/u, "PREFIX").replace("HTTP/, RTSP/ or ICE/", "HTTP/")).toBe(
      `1: squall: --server: ${at} ${text}\n`,
    );
  });
});

describe("a port that is taken", () => {
  it("is told by the option, and with the proxy, by every command that listens", async () => {
    const taken = await answering(200, "{}");
    const port = taken.split(":")[1] ?? "";
    // Who has it is told as far as the system tells it in time.
    const whose = String.raw`(?: \([^;\n]* listens there\))?`;
    const [mock, host, listen, admin, serve] = await Promise.all([
      said("mock-server", "--port", port),
      said("mock-server", "--host", "203.0.113.9"),
      said("demo", "--admin", "127.0.0.1:0", "--listen", taken),
      said("demo", "--admin", taken, "--listen", "127.0.0.1:0"),
      said(
        ...["serve", "--admin", "127.0.0.1:0", "--config"],
        shop.file("taken.yaml", `proxies: { jobs: { listen: "${taken}", upstream: "tcp://127.0.0.1:9" } }\n`),
      ),
    ]);
    expect(mock).toMatch(new RegExp(`^1: squall: --port: ${taken} is in use${whose}\n$`, "u"));
    expect(host).toBe("1: squall: --host: 203.0.113.9 is no address of this machine (EADDRNOTAVAIL)\n");
    expect(listen).toMatch(
      new RegExp(`^1: squall: --listen: listen tcp ${taken}: address already in use${whose}\n$`, "u"),
    );
    expect(admin).toMatch(
      new RegExp(
        `^1: squall: the admin port ${taken} is in use: .*, or choose another port with --admin\\)\n$`,
        "u",
      ),
    );
    expect(serve).toMatch(
      new RegExp(
        `^1: squall: proxy jobs: listen tcp ${taken}: address already in use \\((?:[^;\n]* listens there; )?proxies.jobs.listen says where\\)\n$`,
        "u",
      ),
    );
  });
});

describe("the command line itself", () => {
  it("is told what is wrong with it once, with what was probably meant", async () => {
    const [bare, word, option, values, folder] = await Promise.all([
      command([], { cwd: shop.folder }),
      said("statsu"),
      said("status", "--jsn"),
      said("serve", "--admin", "banana", "--log-level", "loud"),
      said("mock-server", "--data", shop.file("a-file", "")),
    ]);
    expect([bare.code, bare.out]).toEqual([2, ""]);
    expect(bare.err).toMatch(
      /^Usage: squall .*\n {2}serve .*\n\nsquall: there is no command \(the daemon is started with "squall serve"\)\n$/su,
    );
    expect(word).toBe('2: squall: there is no command "statsu" (did you mean "status"?)\n');
    expect(option).toBe("2: squall: unknown option '--jsn' (did you mean --json?)\n");
    expect(values).toBe(
      '3: --admin: expected an address to listen on such as 127.0.0.1:8474 or :8080, got "banana"\n' +
        '--log-level: expected error, warn, info or debug, got "loud"\nsquall: 2 mistakes\n',
    );
    expect(folder).toMatch(/^1: squall: --data: jobs cannot be kept in \S+: EEXIST: .*\n$/u);
  });
});

describe("squall validate", () => {
  it("warns of names of proxies that no configuration has, and finds whatever else serve would refuse", async () => {
    mkdirSync(join(shop.folder, "own"));
    shop.file("own/a.yaml", "profile: stray\nfaults: [{ type: latency, delay: 5ms, proxy: job }]\n");
    const proxies = 'proxies: { jobs: { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:9" } }\n';
    const [warned, name, folder] = await Promise.all(
      [
        shop.file("squall-a.yaml", `profiles: [own]\n${proxies}`),
        shop.file("squall-b.yaml", `profiles: [own]\nactivate: [{ profile: strya }]\n${proxies}`),
        shop.file("squall-c.yaml", `profiles: [nowhere]\n${proxies}`),
      ].map((file) => command(["validate", "--config", file], { cwd: shop.folder })),
    );
    expect(warned).toMatchObject({ code: 0 });
    expect(warned?.err).toMatch(
      /^warning \S*own\/a\.yaml:2:46 faults\[0\]\.proxy: no proxy of \S+squall-a\.yaml is called "job" \(did you mean "jobs"\?\)\n/u,
    );
    expect(name?.code).toBe(3);
    expect(name?.err).toContain(
      ':2:23 activate[0].profile: no profile is called "strya" (did you mean "stray"?)\n',
    );
    expect(folder?.code).toBe(3);
    expect(folder?.err).toContain("nowhere:1:1 no such file or folder\n");
  });
});

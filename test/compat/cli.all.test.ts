/** `toxiproxy-cli` as scripts use it: ours, and where TOXIPROXY_CLI names one, a real one of 2.12 as the control. */
import { spawn } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MAIN, Workshop } from "../support/process.js";
import { CompatLab } from "./compat-lab.js";
import { sample } from "../support/scope.js";

const control = process.env["TOXIPROXY_CLI"] ?? "";
const programs = ["squall", ...(control === "" ? [] : ["toxiproxy-cli"])];

describe.each(programs)("toxiproxy-cli, of %s", (which) => {
  let here: CompatLab;
  let shop: Workshop;
  let program: string;

  beforeAll(async () => {
    here = await CompatLab.open();
    shop = new Workshop();
    program = control;
    if (which !== "squall") return;
    program = join(shop.folder, "toxiproxy-cli");
    symlinkSync(MAIN, program);
  });

  beforeEach(() => here.clear());

  afterAll(async () => {
    await here.close();
    await shop.close();
  });

  const run = async (
    words: readonly string[],
    env: Record<string, string> = { TOXIPROXY_URL: here.url.origin },
  ): Promise<{ code: number | null; out: string; err: string }> => {
    const child = spawn(program, words, { env: { PATH: process.env["PATH"] ?? "", ...env } });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, out: out.replaceAll(/\u001b\[\d*m/gu, ""), err };
  };

  const said = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await run(words);
    expect([code, err]).toEqual([0, ""]);
    return out;
  };

  it("makes, shows, switches and deletes proxies", async () => {
    expect(await said("list")).toBe("");
    expect(await said("create", "-l", "localhost:0", "--upstream", "localhost:6379", "redis")).toBe(
      "Created new proxy redis\n",
    );
    expect(await said("new", "--listen=127.0.0.1:0", "-u=x:1", "b c")).toBe("Created new proxy b c\n");
    expect(await said("ls")).toMatch(
      /^b c\t127\.0\.0\.1:\d+\tx:1\tenabled\t0\nredis\t127\.0\.0\.1:\d+\tlocalhost:6379\tenabled\t0\n$/u,
    );
    expect(await said("toggle", "redis")).toBe("Proxy redis is now disabled\n");
    expect((await here.json("GET", "/proxies/redis")).enabled).toBe(false);
    expect(await said("tog", "redis")).toBe("Proxy redis is now enabled\n");
    expect(await said("delete", "redis")).toBe("Deleted proxy redis\n");
    expect((await here.ask("GET", "/proxies/redis")).status).toBe(404);
  });

  it("adds, changes, shows and removes toxics", async () => {
    await here.proxy("p", "x:1");
    expect(
      await said("toxic", "add", "-t", "latency", "-n", "slow", "-a", "latency=100", "-a", "jitter=50", "p"),
    ).toBe("Added downstream latency toxic 'slow' on proxy 'p'\n");
    expect(await said("t", "a", "--type", "bandwidth", "-tox", "0.5", "-a", "rate=7", "-u", "p")).toBe(
      "Added upstream bandwidth toxic 'bandwidth_upstream' on proxy 'p'\n",
    );
    expect(await said("inspect", "p")).toBe(
      "bandwidth_upstream\ttype=bandwidth\tstream=upstream\ttoxicity=0.50\tattributes=[\trate=7\t]\n" +
        "slow\ttype=latency\tstream=downstream\ttoxicity=1.00\tattributes=[\tjitter=50\tlatency=100\t]\n",
    );
    expect(await said("toxic", "update", "-n", "slow", "-a", "jitter=25", "p")).toBe(
      "Updated toxic 'slow' on proxy 'p'\n",
    );
    expect(await here.json<object>("GET", "/proxies/p/toxics/slow")).toMatchObject({
      attributes: { latency: 100, jitter: 25 },
      toxicity: 1,
    });
    expect(await said("toxic", "delete", "-n", "slow", "p")).toBe("Removed toxic 'slow' on proxy 'p'\n");
    expect(await here.json<object[]>("GET", "/proxies/p/toxics")).toHaveLength(1);
  });

  it("is told where the server is by a flag before all else, with or without http://", async () => {
    await here.proxy("p", "x:1");
    for (const flags of [["-h", here.url.host], ["--host", here.url.origin], [`-host=${here.url.host}`]]) {
      const { code, out } = await run([...flags, "list"], { TOXIPROXY_URL: "http://127.0.0.1:1" });
      expect([code, out]).toEqual([0, expect.stringMatching(/^p\t/u)]);
    }
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["create", "p"], /'listen' was empty/u],
    [["create", "-l", "localhost:0", "-u", "x:1", "taken"], /HTTP 409: proxy already exists/u],
    [["inspect", "nobody"], /Failed to retrieve proxy nobody: .*HTTP 404: proxy not found/u],
    [["delete", "nobody"], /HTTP 404: proxy not found/u],
    [["toxic", "add", "taken"], /'type' was empty/u],
    [["toxic", "add", "-t", "nonsense", "taken"], /Failed to add toxic: .*HTTP 400: invalid toxic type/u],
    [["toxic", "add", "-t", "noop", "-u", "-d", "taken"], /only one should be specified/iu],
    [
      ["toxic", "add", "-t", "noop", "--toxicity", "2", "taken"],
      /toxicity should be a float between 0 and 1/u,
    ],
    [["toxic", "remove", "-n", "none", "taken"], /Failed to remove toxic: .*HTTP 404: toxic not found/u],
  ];
  it.each(sample(wrong, 3))("%j ends with 1 and the reason", async (words, reason) => {
    await here.proxy("taken", "x:1");
    const { code, err } = await run(words);
    expect(err).toMatch(reason);
    expect(code).toBe(1);
  });

  it("ends with 1 where nobody answers", async () => {
    const port = await here.lab.deadPort();
    const { code, err } = await run(["list"], { TOXIPROXY_URL: `http://127.0.0.1:${port}` });
    expect([code, err]).toEqual([1, expect.stringContaining("Failed to retrieve proxies")]);
  });

  it("says what it can", async () => {
    expect(await said("--help")).toMatch(/inspect[\s\S]*toxic/u);
    expect(await said("-v")).toMatch(/^toxiproxy-cli version \S+\n$/u);
  });
});

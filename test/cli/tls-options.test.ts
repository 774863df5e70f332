/** What the commands of the job world say of options for TLS that do not fit, and of files that cannot be used. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { EXIT } from "../../src/cli/io.js";
import { commandHere } from "../support/command-here.js";
import { Workshop } from "../support/process.js";

const shop = new Workshop();
afterAll(() => shop.close());
const nothing = join(shop.folder, "nothing.pem");
const text = join(shop.folder, "text.pem");
writeFileSync(text, "no certificate");

async function refused(words: readonly string[]): Promise<[number | null, string]> {
  const { code, out, err } = await commandHere(words, { cwd: shop.folder });
  return [code, (out + err).trim()];
}

const BOT = ["bot", "--server", "https://127.0.0.1:1"];
const LOAD = ["load", "--server", "https://127.0.0.1:1"];
const MOCK = ["mock-server", "--port", "0"];

it.each([
  [["bot", "--server", "http://127.0.0.1:1", "--ca", text], "--ca: http://127.0.0.1:1 speaks no TLS"],
  [["load", "--server", "http://127.0.0.1:1", "--sni", "a"], "--sni: http://127.0.0.1:1 speaks no TLS"],
  [[...MOCK, "--tls-cert", text], "--tls-cert: it needs --tls-key"],
  [[...MOCK, "--tls-key", text], "--tls-key: it needs --tls-cert"],
  [[...MOCK, "--tls-cert", text, "--tls-key", text, "--tls-ca", "x"], "--tls-ca: no CA is needed"],
  [[...MOCK, "--tls-cert", text, "--tls-key", text, "--tls-ca-out", "x"], "--tls-ca-out: no CA is needed"],
])("%j is a wrong command line", async (words, why) => {
  const [code, said] = await refused(words);
  expect([code, said]).toEqual([EXIT.usage, expect.stringContaining(why)]);
});

it.each([
  [[...BOT, "--ca", nothing], `--ca: ${nothing} cannot be read: there is no such file`],
  [[...BOT, "--ca", shop.folder], `--ca: ${shop.folder} cannot be read: it is a folder`],
  [[...BOT, "--ca", text], `--ca: ${text} has no certificate in PEM`],
  [[...BOT, "--cert", text], "--cert: a certificate needs its key"],
  [[...LOAD, "--key", text], "--key: a key needs its certificate"],
  [[...LOAD, "--ca", nothing], `--ca: ${nothing} cannot be read: there is no such file`],
  [
    [...MOCK, "--tls-cert", nothing, "--tls-key", text],
    `--tls-cert: ${nothing} cannot be read: there is no such file`,
  ],
  [[...MOCK, "--tls-cert", text, "--tls-key", text], `--tls-cert: ${text} has no certificate in PEM`],
  [[...MOCK, "--tls-client-ca", text], `--tls-client-ca: ${text} has no certificate in PEM`],
  [[...MOCK, "--tls-ca-out", join(nothing, "x")], "--tls-ca-out: "],
])("%j names a file that cannot be used", async (words, why) => {
  const [code, said] = await refused(words);
  expect([code, said]).toEqual([EXIT.failed, expect.stringContaining(`squall: ${why}`)]);
});

it("says of a CA that is none what every command says of one", async () => {
  const [code, said] = await refused([...MOCK, "--tls-ca", text]);
  expect(code).not.toBe(EXIT.ok);
  expect(said).toContain("CA");
});

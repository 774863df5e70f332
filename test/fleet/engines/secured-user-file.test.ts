/** Files of NATS credentials and seeds: what is taken, and that nothing of a file is in what is said of it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { afterAll, expect, it } from "vitest";
import { readCredentials, readSeed } from "../../../src/fleet/engines/nats/user-file.js";
import { credsText, NatsOperator, nkeyUser } from "../../support/fleet/nats-jwt.js";
import { asNobody, clear, WRONG_FILES } from "../../support/wrong-files.js";

const folder = mkdtempSync(join(tmpdir(), "squall-user-file-"));
chmodSync(folder, 0o755);
const file = join(folder, "named");
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const publicKeyOf = (seed: string): string => nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
const operator = new NatsOperator();
const user = operator.user({ exp: 4_000_000_000 });

it.each([
  ["as nsc writes it", credsText(user)],
  ["with ends of lines of Windows", credsText(user).replaceAll("\n", "\r\n")],
  ["with the mark that editors of Windows write", `\uFEFF${credsText(user)}`],
  ["with its two lines and nothing else", `${user.jwt}\n${user.seed}`],
])("a file of credentials is taken %s", (_, text) => {
  writeFileSync(file, text);
  expect(readCredentials(file, publicKeyOf)).toEqual({ ...user, expires: 4_000_000_000_000 });
});

it("a JWT without an end has none, and neither has one whose end is 0", () => {
  for (const claims of [{}, { exp: 0 }]) {
    writeFileSync(file, credsText(operator.user(claims)));
    expect(readCredentials(file, publicKeyOf).expires).toBeNull();
  }
});

it("a seed is taken alone, and beside what nk prints with it", () => {
  const { publicKey, seed } = nkeyUser();
  for (const text of [seed, `${seed}\n${publicKey}\n`, `-----BEGIN USER NKEY SEED-----\r\n${seed}\r\n`]) {
    writeFileSync(file, text);
    expect(readSeed(file, publicKeyOf)).toBe(seed);
  }
});

it("without the client of NATS only what needs it is left open", () => {
  writeFileSync(file, credsText({ ...user, seed: nkeyUser().seed }));
  expect(() => readCredentials(file, publicKeyOf)).toThrow(`the seed in ${file} is not that of its JWT`);
  expect(() => readCredentials(file, null)).not.toThrow();
});

it.each(WRONG_FILES)(
  "a file that $what is refused in words that have nothing of it but its name",
  async ({ make, unread }) => {
    clear(file);
    make(file);
    const messages = await asNobody(() =>
      Promise.resolve(
        [readCredentials, readSeed].map((read) => {
          try {
            return String(read(file, publicKeyOf));
          } catch (error) {
            return error instanceof Error ? error.message : "";
          }
        }),
      ),
    );
    clear(file);
    expect(messages).toEqual(
      unread === null
        ? [`there is no JWT of a NATS user in ${file}`, `there is no seed of a NATS user (SU…) in ${file}`]
        : [`cannot read the credentials in ${file}: ${unread}`, `cannot read the seed in ${file}: ${unread}`],
    );
  },
);

/** Files of certificates and keys that somebody named: what is taken, and in which words the others are refused. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readCertificates, readPair } from "../../src/tls/pem-files.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";

const folder = mkdtempSync(join(tmpdir(), "squall-pem-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const put = (text: string | Buffer): string => {
  const path = join(folder, "named.pem");
  writeFileSync(path, text);
  return path;
};

describe("certificates that are trusted", () => {
  it.each([
    ["ends of lines of Windows", CERTIFICATE.replaceAll("\n", "\r\n")],
    ["the mark that editors of Windows write", `\uFEFF${CERTIFICATE}`],
    ["text before, between and behind", `one\n${CERTIFICATE}two\n${CERTIFICATE}three`],
  ])("may have %s", (_, text) => {
    expect(readCertificates(put(text))).toBe(text);
  });

  it.each([
    ["empty", ""],
    ["binary", Buffer.from([0, 255, 48, 130, 1])],
    ["a key", KEY],
  ])("are none in a file that is %s", (_, text) => {
    const path = put(text);
    expect(() => readCertificates(path)).toThrow(`there is no certificate (PEM) in ${path}`);
  });

  it.each([
    ["breaks off", CERTIFICATE + CERTIFICATE.slice(0, 90)],
    ["has a second one that is none", CERTIFICATE + CERTIFICATE.replace("MIIB", "AAAA")],
  ])("are refused in a bundle that %s, of which OpenSSL takes the first without a word", (_, text) => {
    const path = put(text);
    expect(() => readCertificates(path)).toThrow(`a certificate in ${path} is damaged`);
  });

  it("are refused in words that name the file once", () => {
    const [none, folderName] = [join(folder, "none.pem"), join(folder, "folder.pem")];
    mkdirSync(folderName);
    for (const [path, why] of [
      [none, "there is no such file"],
      [folderName, "it is a folder"],
    ] as const)
      expect(() => readCertificates(path)).toThrow(
        expect.objectContaining({ message: `cannot read the certificates in ${path}: ${why}` }) as Error,
      );
  });
});

it("a pair is taken with the mark that editors of Windows write", () => {
  const key = join(folder, "named.key");
  writeFileSync(key, `\uFEFF${KEY}`);
  const cert = put(`\uFEFF${CERTIFICATE}`);
  expect(readPair({ cert, key }).leaf.subject).toBe("CN=jobs.test");
});

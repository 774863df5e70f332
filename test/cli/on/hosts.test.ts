/** `--on`: which daemons it names. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostsOf, type Resolve } from "../../../src/cli/on/hosts.js";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  one: ["10.0.0.9"],
  squalls: ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
  dual: ["10.0.0.4", "fd00::4"],
  six: ["fd00::5", "fd00::6"],
};

const resolveName: Resolve = (name) => {
  const addresses = NAMES[name];
  if (addresses === undefined) return Promise.reject(new Error(`getaddrinfo ENOTFOUND ${name}`));
  return Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
};

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "squall-on-"));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});

const admins = async (...given: string[]): Promise<string[]> =>
  (await hostsOf(given, { cwd }, resolveName)).map(({ admin }) => admin);

describe("names daemons", () => {
  it.each<[string, string[], string[]]>([
    ["an address", ["10.0.0.1"], ["http://10.0.0.1:8474"]],
    ["an address and a port", ["10.0.0.1:9000"], ["http://10.0.0.1:9000"]],
    ["the port of plain HTTP", ["10.0.0.1:80"], ["http://10.0.0.1"]],
    ["a port of this machine", [":9000"], ["http://127.0.0.1:9000"]],
    ["an IPv6 address", ["fd00::1"], ["http://[fd00::1]:8474"]],
    ["an IPv6 address and a port", ["[fd00::1]:9000"], ["http://[fd00::1]:9000"]],
    ["a URL", ["https://10.0.0.1:9000/"], ["https://10.0.0.1:9000"]],
    ["a name with one address, which stays a name", ["one:9000"], ["http://one:9000"]],
    [
      "a name with several addresses",
      ["squalls"],
      ["http://10.0.0.1:8474", "http://10.0.0.2:8474", "http://10.0.0.3:8474"],
    ],
    ["a name with both kinds, which is one machine", ["dual"], ["http://dual:8474"]],
    ["a name with IPv6 addresses only", ["six"], ["http://[fd00::5]:8474", "http://[fd00::6]:8474"]],
    [
      "several, in their order",
      ["10.0.0.2,10.0.0.1", "one"],
      ["http://10.0.0.2:8474", "http://10.0.0.1:8474", "http://one:8474"],
    ],
    ["one that is named twice", ["10.0.0.1, 10.0.0.1:8474"], ["http://10.0.0.1:8474"]],
  ])("%s", async (_, given, expected) => {
    expect(await admins(...given)).toEqual(expected);
  });

  it("in a file, with comments and blank lines", async () => {
    writeFileSync(
      join(cwd, "hosts.txt"),
      "# of rack 1\r\n10.0.0.1\r\n\r\n  10.0.0.2:9000   # second\n10.0.0.3, 10.0.0.4\n",
    );
    expect(await admins("@hosts.txt,10.0.0.5")).toEqual([
      "http://10.0.0.1:8474",
      "http://10.0.0.2:9000",
      "http://10.0.0.3:8474",
      "http://10.0.0.4:8474",
      "http://10.0.0.5:8474",
    ]);
  });

  it("by address where the certificate has a name", async () => {
    expect(await hostsOf(["https://squalls:9000"], { cwd }, resolveName)).toEqual(
      ["1", "2", "3"].map((last) => ({
        name: `https://10.0.0.${last}:9000`,
        admin: `https://10.0.0.${last}:9000`,
        servername: "squalls",
      })),
    );
  });
});

describe("refuses", () => {
  const what = "expected an address such as 10.0.0.1:8474, a name or a URL, got";
  it.each<[string, string, string]>([
    ["nothing", "", "--on: expected at least one daemon, got none"],
    ["a list of nothing", " , ,", "--on: expected at least one daemon, got none"],
    ["a space", "a b", `--on: ${what} "a b"`],
    ["another scheme", "ftp://10.0.0.1", `--on: ${what} "ftp://10.0.0.1"`],
    ["a path", "10.0.0.1/active", `--on: ${what} "10.0.0.1/active"`],
    ["credentials", "http://me:pass@10.0.0.1", `--on: ${what} "http://me:pass@10.0.0.1"`],
    ["a port that is none", "10.0.0.1:99999", `--on: ${what} "10.0.0.1:99999"`],
    ["a name that nobody knows", "nobody", "--on: cannot resolve nobody: getaddrinfo ENOTFOUND nobody"],
    [
      "a file without its @",
      "hosts.txt",
      "--on: cannot resolve hosts.txt: getaddrinfo ENOTFOUND hosts.txt (a file is written @hosts.txt)",
    ],
    [
      "a file that is not there",
      "@hosts.txt",
      "--on: cannot read the list of daemons hosts.txt: there is no such file",
    ],
  ])("%s", async (_, given, message) => {
    await expect(admins(given)).rejects.toThrow(expect.objectContaining({ message, exitCode: 2 }));
  });

  it("a line of a file, with its number", async () => {
    writeFileSync(join(cwd, "hosts.txt"), "10.0.0.1\nftp://x\n");
    await expect(admins("@hosts.txt")).rejects.toThrow(`hosts.txt:2: ${what} "ftp://x"`);
  });

  it("more than a thousand", async () => {
    writeFileSync(
      join(cwd, "hosts.txt"),
      Array.from({ length: 1_001 }, (_, i) => `10.0.0.1:${i + 1}`).join("\n"),
    );
    await expect(admins("@hosts.txt")).rejects.toThrow("--on: expected at most 1000 daemons, got 1001");
  });
});

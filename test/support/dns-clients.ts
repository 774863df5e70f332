/** Names that a dns proxy fails, each in a way of its own, so that clients can ask for all of them side by side. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import type { CompiledFault } from "../../src/plan/value.js";
import type { DnsRecord } from "../../src/faults/contract/index.js";
import { address } from "./dns-lab.js";
import { fault } from "./lab.js";

/** Each name is failed by the fault beside it. */
const FAILURES: readonly (readonly [
  name: string,
  type: string,
  params: Record<string, unknown>,
  rest?: Partial<CompiledFault>,
])[] = [
  ["nxdomain.test", "dns_rcode", { rcode: "nxdomain" }],
  ["empty.test", "dns_answer", { mode: "empty" }],
  ["servfail.test", "dns_rcode", { rcode: "servfail" }],
  ["refused.test", "dns_rcode", { rcode: "refused" }],
  ["formerr.test", "dns_rcode", { rcode: "formerr" }],
  ["notimp.test", "dns_rcode", { rcode: "notimp" }],
  ["silent.test", "dns_drop", {}],
  ["first-lost.test", "dns_drop", {}, { when: { count: 2 } }],
  ["no-aaaa.test", "dns_drop", {}, { match: [{ qname: ["no-aaaa.test"], qtype: ["AAAA"] }] }],
  ["truncated.test", "dns_truncate", {}],
  ["tcp-silent.test", "dns_truncate", { tcp: "drop" }],
  ["tcp-reset.test", "dns_truncate", { tcp: "reset" }],
  ["wrong-id.test", "dns_garble", { mode: "wrong_id" }],
  ["wrong-question.test", "dns_garble", { mode: "wrong_question" }],
  ["random.test", "dns_garble", { mode: "random" }],
  ["cut.test", "dns_garble", { mode: "cut" }],
  ["fixed.test", "dns_answer", { mode: "fixed", ips: ["10.9.9.9"] }],
  ["loopback.test", "dns_answer", { mode: "loopback" }],
  ["circle.test", "dns_answer", { mode: "cname_loop" }],
  ["late.test", "dns_delay", { delay: "300ms" }],
  ["fine.test", "noop", {}],
];

export const NAMES: readonly string[] = FAILURES.map(([name]) => name);

export const ADDRESS = "10.0.0.7";

export const records: readonly DnsRecord[] = NAMES.map((name) => address(name, ADDRESS));

export function failures(): CompiledFault[] {
  return FAILURES.map(([name, type, params, rest]) =>
    fault(type, params, {
      name: name.replace(".", "-"),
      ...(type === "noop" ? {} : { match: [{ qname: [name] }] }),
      ...rest,
    }),
  );
}

export function has(command: string): boolean {
  try {
    execFileSync("which", [command], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A network namespace that asks this machine and nobody else; null where there may be none. */
export class Namespace {
  readonly host: string;
  readonly #name: string;

  private constructor(name: string, host: string) {
    this.#name = name;
    this.host = host;
  }

  /** `nets` of one process must differ. */
  static make(net: number, options: string): Namespace {
    const name = `squall-dns-${process.pid}-${net}`;
    const prefix = `10.${200 + net}.${process.pid % 250}`;
    const host = `${prefix}.1`;
    const ip = (...words: string[]): void => {
      execFileSync("ip", words, { stdio: "pipe" });
    };
    ip("netns", "add", name);
    try {
      const link = `sq${process.pid}d${net}`;
      ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
      ip("addr", "add", `${host}/30`, "dev", link);
      ip("link", "set", link, "up");
      for (const words of [`addr add ${prefix}.2/30 dev eth0`, "link set eth0 up", "link set lo up"])
        ip("-n", name, ...words.split(" "));
      mkdirSync(`/etc/netns/${name}`, { recursive: true });
      writeFileSync(`/etc/netns/${name}/resolv.conf`, `nameserver ${host}\n${options}\n`);
    } catch (error) {
      execFileSync("ip", ["netns", "del", name]);
      throw error;
    }
    return new Namespace(name, host);
  }

  static get possible(): boolean {
    try {
      const name = `squall-try-${process.pid}`;
      execFileSync("ip", ["netns", "add", name], { stdio: "ignore" });
      execFileSync("ip", ["netns", "del", name], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }

  run(...words: string[]): Promise<Ran> {
    return run("ip", ["netns", "exec", this.#name, ...words]);
  }

  /** What getaddrinfo says: addresses, or the name of its error. */
  async getaddrinfo(name: string): Promise<{ readonly said: string; readonly millis: number }> {
    const { out } = await this.run("python3", "-c", GETADDRINFO, name);
    const [said = "", millis = ""] = out.trim().split("|");
    return { said, millis: Number(millis) };
  }

  /** `getent ahosts`: its addresses, or its exit code. */
  async getent(name: string): Promise<string> {
    const { out, code } = await this.run("getent", "ahosts", name);
    if (code !== 0) return `exit ${code}`;
    return [
      ...new Set(
        out
          .trim()
          .split("\n")
          .map((row) => row.split(/\s+/u)[0]),
      ),
    ].join(" ");
  }

  remove(): void {
    execFileSync("ip", ["netns", "del", this.#name]);
    rmSync(`/etc/netns/${this.#name}`, { recursive: true, force: true });
  }
}

const GETADDRINFO = `
import socket, sys, time
began = time.monotonic()
try:
    said = " ".join(sorted({a[4][0] for a in socket.getaddrinfo(sys.argv[1], None)}))
except socket.gaierror as error:
    said = {getattr(socket, n): n for n in dir(socket) if n.startswith("EAI_")}.get(error.errno, str(error.errno))
print(said + "|" + str(round((time.monotonic() - began) * 1000)))
`;

export interface Ran {
  readonly out: string;
  readonly code: number;
}

export function run(command: string, words: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(command, [...words], { timeout: 180_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ out: stdout + stderr, code });
    });
  });
}

/**
 * How long clients wait for an answer, in seconds. Where one comes, it comes at once, but on a busy machine a second may pass
 * before a client has even begun; only names of which nothing is to be heard need not be waited for.
 */
const PATIENCE = 5;

function patienceFor(name: string): number {
  return name === "silent.test" || name === "first-lost.test" ? 1 : PATIENCE;
}

/** What dig makes of it: the status and the records, or why there is none. */
export async function dig(port: number, name: string): Promise<string> {
  const { out } = await run("dig", [
    "@127.0.0.1",
    "-p",
    String(port),
    name,
    "A",
    "+tries=1",
    `+time=${patienceFor(name)}`,
    "+nocookie",
  ]);
  const status = /status: (\w+)/u.exec(out)?.[1];
  const records = [...out.matchAll(/^[^;\s]\S*\s+\d+\s+IN\s+(\S+)\s+(\S+)$/gmu)].map(
    ([, type, data]) => `${type} ${data}`,
  );
  const notes = [
    [/ID mismatch/u, "id mismatch"],
    [/Question section mismatch/iu, "question mismatch"],
    [/Truncated, retrying in TCP/u, "over TCP"],
    [/timed out/u, "timed out"],
    [/no servers could be reached/u, "nobody"],
    [/connection reset/u, "reset"],
    [/end of file|EOF/u, "end of file"],
    [/malformed|unexpected end|FORMERR|bad (?:label|packet|compression)/iu, "malformed"],
  ] as const;
  return [status ?? "", ...notes.filter(([test]) => test.test(out)).map(([, note]) => note), ...records]
    .filter(Boolean)
    .join(" | ");
}

/** What c-ares makes of it, asking once. */
export async function cares(port: number, name: string): Promise<string> {
  const resolver = new Resolver({ timeout: patienceFor(name) * 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  try {
    return (await resolver.resolve4(name)).join(" ");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** `--on host1,host2,@file`: the daemons that a command is for, each by its admin address. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { CommandError, EXIT, type Io } from "../io.js";
import { readText } from "../read-text.js";
import { reasonOf } from "../reason.js";
import { whyUnread } from "../../core/why-unread.js";

/** One daemon. */
export interface Host {
  /** As tables show it: without the scheme of plain HTTP. */
  readonly name: string;
  /** URL of its admin port. */
  readonly admin: string;
  /** The name that its certificate must have, where the URL has an address in place of it. */
  readonly servername?: string;
}

/** The addresses of a name, as the system knows them; rejects where it has none. */
export type Resolve = (
  name: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

const PORT_DEFAULT = 8474;
const HOSTS_MAX = 1_000;
const FILE_MAX = 2 ** 20;

const system: Resolve = (name) => lookup(name, { all: true });

/**
 * Every daemon once, in the order in which they were given. A name that has several addresses stands for a daemon at each of them: its IPv4
 * addresses, or if it has none its IPv6 ones, since a machine with both has most often one of each. Throws a CommandError for what is no
 * address, and for a name that nobody knows.
 */
export async function hostsOf(
  given: readonly string[],
  io: Pick<Io, "cwd">,
  resolveName: Resolve = system,
): Promise<readonly Host[]> {
  const words = given.flatMap((text) => wordsOf(text, io));
  const found = new Map<string, Host>();
  for (const hosts of await Promise.all(words.map((word) => daemonsAt(word, resolveName))))
    for (const host of hosts) if (!found.has(host.admin)) found.set(host.admin, host);
  if (found.size === 0) throw new CommandError(EXIT.usage, "--on: expected at least one daemon, got none");
  if (found.size > HOSTS_MAX)
    throw new CommandError(EXIT.usage, `--on: expected at most ${HOSTS_MAX} daemons, got ${found.size}`);
  return [...found.values()];
}

interface Word {
  readonly text: string;
  /** Where it was read: `--on`, or the file and line. */
  readonly place: string;
}

function wordsOf(text: string, io: Pick<Io, "cwd">): Word[] {
  return text.split(",").flatMap((part) => {
    const word = part.trim();
    if (word.startsWith("@")) return wordsIn(word.slice(1), io);
    return word === "" ? [] : [{ text: word, place: "--on" }];
  });
}

/** One daemon a line, or several with commas between; what follows a `#` is a comment. */
function wordsIn(file: string, { cwd }: Pick<Io, "cwd">): Word[] {
  let text: string;
  try {
    text = readText(resolve(cwd, file), FILE_MAX);
  } catch (error) {
    throw new CommandError(EXIT.usage, `--on: cannot read the list of daemons ${file}: ${whyUnread(error)}`);
  }
  return text.split(/\r?\n/u).flatMap((line, index) =>
    line
      .replace(/(?:^|\s)#.*$/u, "")
      .split(/[\s,]+/u)
      .filter((word) => word !== "")
      .map((word) => ({ text: word, place: `${file}:${index + 1}` })),
  );
}

async function daemonsAt({ text, place }: Word, resolveName: Resolve): Promise<Host[]> {
  const url = urlOf(text);
  if (url === null)
    throw new CommandError(
      EXIT.usage,
      `${place}: expected an address such as 10.0.0.1:8474, a name or a URL, got ${JSON.stringify(text)}`,
    );
  const { hostname } = url;
  if (isIP(hostname.replace(/^\[|\]$/gu, "")) !== 0) return [hostAt(url)];
  const addresses = await resolveName(hostname).catch((error: unknown) => {
    const hint = /\.(?:txt|list|hosts|ya?ml)$/u.test(text) ? ` (a file is written @${text})` : "";
    throw new CommandError(EXIT.usage, `${place}: cannot resolve ${hostname}: ${reasonOf(error)}${hint}`);
  });
  const fours = addresses.filter(({ family }) => family === 4);
  const taken = fours.length > 0 ? fours : addresses;
  if (taken.length <= 1) return [hostAt(url)];
  return taken.map(({ address, family }) => {
    const one = new URL(url);
    one.hostname = family === 6 ? `[${address}]` : address;
    return hostAt(one, url.protocol === "https:" ? hostname : undefined);
  });
}

/** Null for what is no address of a daemon. */
function urlOf(text: string): URL | null {
  const schemed = text.includes("://");
  const host = isIP(text) === 6 ? `[${text}]` : text;
  const whole = schemed ? text : `http://${host.startsWith(":") ? `127.0.0.1${host}` : host}`;
  if (!URL.canParse(whole)) return null;
  const url = new URL(whole);
  const plain =
    url.pathname === "/" &&
    url.search === "" &&
    url.hash === "" &&
    url.username === "" &&
    url.password === "";
  if (!plain || !/^https?:$/u.test(url.protocol) || url.hostname === "") return null;
  // The parser leaves the scheme's own port away, so whether one was given is seen in the text only.
  if (!schemed && !/:\d+$/u.test(host)) url.port = String(PORT_DEFAULT);
  return url;
}

function hostAt(url: URL, servername?: string): Host {
  const admin = url.href.replace(/\/$/u, "");
  const name = url.protocol === "http:" ? admin.slice("http://".length) : admin;
  return { name, admin, ...(servername === undefined ? {} : { servername }) };
}

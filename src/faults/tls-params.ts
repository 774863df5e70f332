/** The words of TLS that parameters are made of: versions, alerts, protocols, ciphers. */
import { createRequire } from "node:module";
import type * as Tls from "node:tls";
import { z } from "zod";
import { ALERT_NAMES, TLS_VERSIONS, type AlertName, type TlsVersion } from "./contract/index.js";
import { choice, shown } from "./params.js";

/** YAML reads 1.2 as a number. */
export function tlsVersion(): z.ZodType<TlsVersion, string | number> {
  const expected = `expected a version of TLS: ${TLS_VERSIONS.join(", ")}`;
  return z
    .union([z.string(), z.number()], { error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((value, context): TlsVersion => {
      const word = typeof value === "number" ? value.toFixed(1) : value;
      const version = TLS_VERSIONS.find((one) => one === word && Number(one) === Number(value));
      if (version !== undefined) return version;
      context.issues.push({ code: "custom", message: `${expected}, got ${shown(value)}`, input: value });
      return z.NEVER;
    })
    .meta({ title: "version of TLS" });
}

/** A protocol of ALPN (RFC 7301, 3.1), as the wire has it. */
export function protocolName(): z.ZodString {
  const expected = "expected a protocol such as h2 or http/1.1";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(/^[\x21-\x7e]{1,255}$/u, { error: (issue) => `${expected}, got ${shown(issue.input)}` });
}

export type EndingAlert = Exclude<AlertName, "close_notify">;
const [first, ...others] = ALERT_NAMES.filter((name): name is EndingAlert => name !== "close_notify");

/** An alert that says that something is wrong: all but close_notify, which says that nothing is. */
export function alertName(): z.ZodEnum<{ [Name in EndingAlert]: Name }> {
  return choice<[EndingAlert, ...EndingAlert[]]>([first ?? "internal_error", ...others]);
}

/** OpenSSL's own words for lists are about as long; with names of suites, what nobody writes by hand. */
const CIPHERS_MAX = 4_096;

/** A list as OpenSSL takes it: names of suites, `HIGH:!aNULL`. What it does not know is refused, word by word. */
export function cipherList(): z.ZodString {
  const expected = "expected ciphers as OpenSSL lists them, such as ECDHE-RSA-AES128-SHA:AES128-SHA";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(/^[!-~]+$/u, { abort: true, error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .max(CIPHERS_MAX, { abort: true, error: () => `expected at most ${CIPHERS_MAX} characters of ciphers` })
    .refine((list) => unknownCipher(list) === null, {
      abort: true,
      error: ({ input }) =>
        `${expected}; the OpenSSL of this Node.js knows no ${shown(unknownCipher(String(input)))}`,
    });
}

/** The first word that OpenSSL knows nothing by, or the whole list if nothing is left of it; null if all is well. */
function unknownCipher(list: string): string | null {
  const words = list.split(/[:,;]/u).filter((word) => word !== "");
  const names = words.filter((word) => !/^[!@+-]/u.test(word));
  return names.find((name) => !isKnown(name)) ?? (names.length > 0 && isKnown(list) ? null : list);
}

const KNOWN = new Map<string, boolean>();
const REMEMBERED = 1_000;

function isKnown(list: string): boolean {
  const known = KNOWN.get(list);
  if (known !== undefined) return known;
  if (KNOWN.size >= REMEMBERED) KNOWN.clear();
  const answer = isTaken(list);
  KNOWN.set(list, answer);
  return answer;
}

/** Loaded when a list is there to be judged: most plans have none. */
let tls: typeof Tls | null = null;

function isTaken(ciphers: string): boolean {
  tls ??= createRequire(import.meta.url)("node:tls") as typeof Tls;
  try {
    tls.createSecureContext({ ciphers });
    return true;
  } catch {
    return false;
  }
}

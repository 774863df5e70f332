/** What real clients make of each DNS fault: dig, c-ares (Node), and getaddrinfo of this machine's C library. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DnsProxy } from "../../../src/proxy/dns/proxy.js";
import { ADDRESS, cares, dig, failures, has, NAMES, Namespace, records } from "../../support/dns-clients.js";
import { dnsProxy } from "../../support/dns-lab.js";
import { Lab } from "../../support/lab.js";

const DIG: Readonly<Record<string, string>> = {
  "nxdomain.test": "NXDOMAIN",
  "empty.test": "NOERROR",
  "servfail.test": "SERVFAIL",
  "refused.test": "REFUSED",
  "formerr.test": "FORMERR | malformed",
  "notimp.test": "NOTIMP",
  "silent.test": "timed out | nobody",
  "first-lost.test": "timed out | nobody",
  "no-aaaa.test": `NOERROR | A ${ADDRESS}`,
  "truncated.test": `NOERROR | over TCP | A ${ADDRESS}`,
  "tcp-silent.test": "over TCP | timed out | nobody",
  "tcp-reset.test": "over TCP | nobody | reset",
  "wrong-id.test": "id mismatch | timed out | nobody",
  "wrong-question.test": "question mismatch | timed out | nobody",
  "random.test": "malformed",
  "cut.test": "NOERROR | malformed",
  "fixed.test": "NOERROR | A 10.9.9.9",
  "loopback.test": "NOERROR | A 127.0.0.1",
  "circle.test": "NOERROR | CNAME loop.circle.test. | CNAME circle.test.",
  "late.test": `NOERROR | A ${ADDRESS}`,
  "fine.test": `NOERROR | A ${ADDRESS}`,
};

const C_ARES: Readonly<Record<string, string>> = {
  "nxdomain.test": "ENOTFOUND",
  "empty.test": "ENODATA",
  "servfail.test": "ESERVFAIL",
  "refused.test": "EREFUSED",
  "formerr.test": "EFORMERR",
  "notimp.test": "ENOTIMP",
  "silent.test": "ETIMEOUT",
  "first-lost.test": "ETIMEOUT",
  "no-aaaa.test": ADDRESS,
  "truncated.test": ADDRESS,
  "tcp-silent.test": "ETIMEOUT",
  "tcp-reset.test": "ECONNREFUSED",
  "wrong-id.test": "ETIMEOUT",
  "wrong-question.test": "ETIMEOUT",
  "random.test": "EBADRESP",
  "cut.test": "EBADRESP",
  "fixed.test": "10.9.9.9",
  "loopback.test": "127.0.0.1",
  "circle.test": "",
  "late.test": ADDRESS,
  "fine.test": ADDRESS,
};

/** The column of glibc. `tcp-silent` is not asked here: glibc waits for it without end. */
const GLIBC: Readonly<Record<string, string>> = {
  "nxdomain.test": "EAI_NONAME",
  "empty.test": "EAI_NODATA",
  "servfail.test": "EAI_AGAIN",
  "refused.test": "EAI_AGAIN",
  "formerr.test": "EAI_NONAME",
  "notimp.test": "EAI_AGAIN",
  "silent.test": "EAI_AGAIN",
  "first-lost.test": ADDRESS,
  "no-aaaa.test": ADDRESS,
  "truncated.test": ADDRESS,
  "tcp-reset.test": "EAI_AGAIN",
  "wrong-id.test": "EAI_AGAIN",
  "wrong-question.test": "EAI_AGAIN",
  "cut.test": "EAI_NONAME",
  "fixed.test": "10.9.9.9",
  "loopback.test": "127.0.0.1 ::1",
  "circle.test": "EAI_NONAME",
  "late.test": ADDRESS,
  "fine.test": ADDRESS,
};

async function sideBySide(
  names: readonly string[],
  ask: (name: string) => Promise<string>,
): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await ask(name)] as const)));
}

/** Each starts a process for each name, and those that hear nothing wait for their patience to end. */
const LIMIT_MS = 180_000;

let lab = new Lab();
let proxy: DnsProxy;

async function begin(host: string, port: number): Promise<void> {
  lab = new Lab();
  proxy = await dnsProxy(lab, { records, listen: { host, port } });
  lab.use(failures());
}

describe("on loopback", () => {
  beforeAll(() => begin("127.0.0.1", 0));
  afterAll(() => lab.close());

  const noDig = !has("dig");
  it.skipIf(noDig)(
    `every fault is seen by dig${noDig ? " (needs: dig)" : ""}`,
    async () => {
      lab.use(failures());
      expect(await sideBySide(NAMES, (name) => dig(proxy.address.port, name))).toEqual(DIG);
    },
    LIMIT_MS,
  );

  it(
    "every fault is seen by c-ares",
    async () => {
      lab.use(failures());
      expect(await sideBySide(NAMES, (name) => cares(proxy.address.port, name))).toEqual(C_ARES);
    },
    LIMIT_MS,
  );
});

const missing = !Namespace.possible ? "network namespaces" : has("python3") ? null : "python3";
const needs = missing === null ? "" : ` (needs: ${missing})`;

describe.skipIf(missing !== null)("in a network namespace with a resolv.conf of its own", () => {
  let namespace: Namespace;
  beforeAll(async () => {
    namespace = Namespace.make(1, "options timeout:2");
    await begin(namespace.host, 53);
  });
  afterAll(async () => {
    await lab.close();
    namespace.remove();
  });

  it(
    `every fault is seen by getaddrinfo as glibc makes it look${needs}`,
    async () => {
      const seen = await sideBySide(
        Object.keys(GLIBC),
        async (name) => (await namespace.getaddrinfo(name)).said,
      );
      expect(seen).toEqual(GLIBC);
    },
    LIMIT_MS,
  );

  it(
    `getent finds the same addresses, or none${needs}`,
    async () => {
      lab.use(failures());
      const seen = await sideBySide(Object.keys(GLIBC), (name) => namespace.getent(name));
      const expected = Object.fromEntries(
        Object.entries(GLIBC).map(([name, said]) => [name, said.startsWith("EAI_") ? "exit 2" : said]),
      );
      expect({ ...seen, "loopback.test": expected["loopback.test"] }).toEqual(expected);
      expect(seen["loopback.test"]?.split(" ").sort()).toEqual(["127.0.0.1", "::1"]);
    },
    LIMIT_MS,
  );
});

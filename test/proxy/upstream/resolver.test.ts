import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock, type Millis } from "../../../src/core/clock.js";
import { parseHosts } from "../../../src/proxy/upstream/hosts.js";
import { parseResolvConf, searchNames } from "../../../src/proxy/upstream/resolv-conf.js";
import {
  ResolveError,
  Resolver,
  type AddressRecord,
  type LookupSettings,
  type ResolverOptions,
} from "../../../src/proxy/upstream/resolver.js";
import { startTinyDns, type TinyAnswer, type TinyDns } from "../../support/tiny-dns.js";

interface Pending {
  readonly question: string;
  readonly answer: (reply: readonly AddressRecord[] | string) => void;
}

type Reply = readonly AddressRecord[] | string | "pending";

/** Time that is set. */
class SetClock extends VirtualClock {
  get time(): Millis {
    return this.now();
  }

  set time(when: Millis) {
    this.advance(when - this.now());
  }
}

/** A resolver whose clock, files and DNS are in the hands of the test, and the transcript of what it did. */
function stage(options: Partial<ResolverOptions> = {}) {
  const clock = new SetClock();
  const texts = new Map<string, string>();
  const reads: string[] = [];
  const checks: string[] = [];
  const asked: string[] = [];
  const settings: LookupSettings[] = [];
  const replies = new Map<string, Reply>();
  const touches = { count: 0 };
  const pending: Pending[] = [];

  const ask = async (question: string, own: Pending[]): Promise<readonly AddressRecord[]> => {
    asked.push(question);
    let reply: Reply = replies.get(question) ?? "ENOTFOUND";
    if (reply === "pending") {
      reply = await new Promise<readonly AddressRecord[] | string>((answer) => {
        pending.push({ question, answer });
        own.push({ question, answer });
      });
    }
    if (typeof reply === "string") throw Object.assign(new Error(reply), { code: reply });
    return reply;
  };
  const resolver = new Resolver({
    clock,
    files: {
      version: async (path) => {
        checks.push(path);
        const text = texts.get(path);
        return text === undefined ? null : `${touches.count} ${text}`;
      },
      read: async (path) => {
        reads.push(path);
        return texts.get(path) ?? "";
      },
    },
    createLookup: (given) => {
      settings.push(given);
      const own: Pending[] = [];
      return {
        resolve4: (name) => ask(`A ${name}`, own),
        resolve6: (name) => ask(`AAAA ${name}`, own),
        cancel: () => {
          for (const { answer } of own) answer("ECANCELLED");
        },
      };
    },
    ...options,
  });
  return { resolver, clock, texts, touches, reads, checks, asked, settings, replies, pending };
}

/** Long enough for every promise that waits for nothing outside; no time passes. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function failure(promise: Promise<unknown>): Promise<ResolveError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ResolveError)) throw new Error(`expected a ResolveError, got ${String(error)}`);
  return error;
}

const four = (address: string, ttl = 60): AddressRecord => ({ address, ttl });
const v4 = (address: string) => ({ address, family: 4 });
const v6 = (address: string) => ({ address, family: 6 });

describe("an address literal", () => {
  it.each([
    ["10.0.0.1", v4("10.0.0.1")],
    ["::1", v6("::1")],
    ["[2001:db8::1]", v6("2001:db8::1")],
    ["::ffff:10.0.0.1", v6("::ffff:10.0.0.1")],
  ])("%s answers itself without asking anybody", async (name, address) => {
    const { resolver, asked, checks } = stage();
    expect(await resolver.resolve(name)).toEqual([address]);
    expect([...asked, ...checks]).toEqual([]);
  });

  it("in brackets must be IPv6", async () => {
    const { resolver } = stage();
    expect((await failure(resolver.resolve("[10.0.0.1]"))).code).toBe("not_found");
  });
});

describe("the hosts file", () => {
  it("goes before DNS, in any case and with a dot at the end, and puts IPv4 first", async () => {
    const { resolver, texts, asked } = stage();
    texts.set("/etc/hosts", "fd00::5 Jobs.Internal\n10.0.0.5 jobs.internal jobs # the job server\n");
    expect(await resolver.resolve("jobs.internal")).toEqual([v4("10.0.0.5"), v6("fd00::5")]);
    expect(await resolver.resolve("JOBS.internal.")).toEqual([v4("10.0.0.5"), v6("fd00::5")]);
    expect(await resolver.resolve("jobs")).toEqual([v4("10.0.0.5")]);
    expect(asked).toEqual([]);
  });

  it("is looked at once a second at most and read only when it has changed", async () => {
    const { resolver, texts, clock, reads, checks } = stage({ hostsPath: "/hosts" });
    texts.set("/hosts", "10.0.0.1 jobs");
    await Promise.all([resolver.resolve("jobs"), resolver.resolve("jobs")]);
    texts.set("/hosts", "10.0.0.2 jobs");
    clock.time = 999;
    expect(await resolver.resolve("jobs")).toEqual([v4("10.0.0.1")]);
    expect(checks).toEqual(["/hosts"]);
    clock.time = 1_000;
    expect(await resolver.resolve("jobs")).toEqual([v4("10.0.0.2")]);
    clock.time = 2_000;
    expect(await resolver.resolve("jobs")).toEqual([v4("10.0.0.2")]);
    expect(checks).toEqual(["/hosts", "/hosts", "/hosts"]);
    expect(reads).toEqual(["/hosts", "/hosts"]);
  });

  it("that cannot be read just now leaves what was known of it, and is tried again", async () => {
    const texts = ["10.0.0.1 jobs.test", null, "10.0.0.2 jobs.test"];
    let at = 0;
    const { resolver, clock } = stage({
      files: {
        version: async (path) => (path === "/etc/hosts" ? `${Math.min(at, 1)}` : null),
        read: async () => {
          const text = texts[at] ?? null;
          if (text === null) throw new Error("no descriptor is left");
          return text;
        },
      },
    });
    const found: unknown[] = [];
    for (; at < texts.length; at++) {
      found.push(await resolver.resolve("jobs.test"));
      clock.time += 1_000;
    }
    expect(found).toEqual([[v4("10.0.0.1")], [v4("10.0.0.1")], [v4("10.0.0.2")]]);
  });

  it("skips comments, broken lines and repetitions", () => {
    expect(
      parseHosts("# x\n\nnonsense jobs\n10.0.0.1\tjobs  work # jobs2\r\n10.0.0.1 jobs\n10.0.0.2"),
    ).toEqual(
      new Map([
        ["jobs", ["10.0.0.1"]],
        ["work", ["10.0.0.1"]],
      ]),
    );
  });
});

describe("localhost", () => {
  it("is loopback, and so is every name below it, without DNS", async () => {
    const { resolver, asked } = stage();
    const loopback = [v4("127.0.0.1"), v6("::1")];
    expect(await resolver.resolve("localhost")).toEqual(loopback);
    expect(await resolver.resolve("LocalHost.")).toEqual(loopback);
    expect(await resolver.resolve("api.localhost")).toEqual(loopback);
    expect(asked).toEqual([]);
  });

  it("stays loopback when the hosts file says otherwise, and loses IPv6 when the hosts file has none", async () => {
    const { resolver, texts, clock } = stage();
    texts.set("/etc/hosts", "10.0.0.1 localhost");
    expect(await resolver.resolve("localhost")).toEqual([v4("127.0.0.1"), v6("::1")]);
    texts.set("/etc/hosts", "127.0.0.1 localhost");
    clock.time = 1_000;
    expect(await resolver.resolve("localhost")).toEqual([v4("127.0.0.1")]);
  });
});

describe("resolv.conf", () => {
  it("gives servers, search list, ndots, timeout and attempts", () => {
    expect(
      parseResolvConf(
        "# comment\nnameserver 10.0.0.2 ; first\nnameserver not-an-address\nnameserver fe80::1%eth0\n" +
          "domain old.example\nsearch a.example b.example. .\noptions ndots:5 timeout:1 attempts:9 edns0\n",
      ),
    ).toEqual({
      servers: ["10.0.0.2", "fe80::1%eth0"],
      search: ["a.example", "b.example"],
      ndots: 5,
      timeout: 1_000,
      attempts: 5,
      noAaaa: false,
    });
    expect(parseResolvConf("options no-aaaa ndots:0")).toMatchObject({ noAaaa: true, ndots: 0 });
  });

  it("has ndots 1 and nothing else when it is empty", () => {
    const nothing = {
      servers: [],
      search: [],
      ndots: 1,
      timeout: undefined,
      attempts: undefined,
      noAaaa: false,
    };
    expect(parseResolvConf("")).toEqual(nothing);
    expect(parseResolvConf("search\noptions\nnameserver\n")).toEqual(nothing);
  });

  it.each([
    ["jobs", 1, ["jobs.a.test", "jobs.b.test", "jobs"]],
    ["jobs.prod", 1, ["jobs.prod", "jobs.prod.a.test", "jobs.prod.b.test"]],
    ["jobs.prod", 5, ["jobs.prod.a.test", "jobs.prod.b.test", "jobs.prod"]],
    ["jobs", 0, ["jobs", "jobs.a.test", "jobs.b.test"]],
    ["jobs.", 5, ["jobs"]],
  ])("makes of %s with ndots %d the names %j", (name, ndots, names) => {
    expect(searchNames(name, { ...parseResolvConf("search a.test b.test"), ndots })).toEqual(names);
  });

  it("is followed through the search list, past names that do not exist and servers that failed", async () => {
    const { resolver, texts, asked, replies } = stage();
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.2\nsearch a.test b.test c.test");
    replies.set("A jobs.a.test", "ESERVFAIL");
    replies.set("A jobs.c.test", [four("10.1.0.1")]);
    expect(await resolver.resolve("Jobs")).toEqual([v4("10.1.0.1")]);
    expect(asked.filter((question) => question.startsWith("A "))).toEqual([
      "A jobs.a.test",
      "A jobs.b.test",
      "A jobs.c.test",
    ]);
  });

  it("reports the server that failed rather than the name that was not found after it", async () => {
    const { resolver, texts, replies } = stage();
    texts.set("/etc/resolv.conf", "search a.test");
    replies.set("A jobs.a.test", "ESERVFAIL");
    expect((await failure(resolver.resolve("jobs"))).code).toBe("server_failure");
  });

  it.each(["ENODATA", "EREFUSED", "ENOTIMP"])("is followed past %s", async (code) => {
    const { resolver, texts, replies } = stage();
    texts.set("/etc/resolv.conf", "search a.test b.test\noptions ndots:5");
    replies.set("A jobs.x.a.test", code).set("AAAA jobs.x.a.test", code);
    replies.set("A jobs.x", [four("10.1.0.1")]);
    expect(await resolver.resolve("jobs.x")).toEqual([v4("10.1.0.1")]);
  });

  it("that says no-aaaa has nobody ask for IPv6", async () => {
    const { resolver, texts, replies, asked } = stage();
    texts.set("/etc/resolv.conf", "options no-aaaa");
    replies.set("A jobs.test", [four("10.1.0.1")]);
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.1")]);
    expect(asked).toEqual(["A jobs.test"]);
  });

  it("is left for the name as it stands when nobody answers", async () => {
    const { resolver, texts, asked, replies } = stage();
    texts.set("/etc/resolv.conf", "search a.test b.test");
    replies.set("A jobs.a.test", "ETIMEOUT");
    expect((await failure(resolver.resolve("jobs"))).code).toBe("timeout");
    expect(asked).toEqual(["A jobs.a.test", "AAAA jobs.a.test", "A jobs", "AAAA jobs"]);
  });

  it("gives its servers to the lookup, and anew with an empty memory when it has changed", async () => {
    const { resolver, texts, clock, settings, replies, asked } = stage();
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.2\noptions timeout:5 attempts:2");
    replies.set("A jobs.test", [four("10.1.0.1")]);
    await resolver.resolve("jobs.test");
    expect(settings.at(-1)).toEqual({ servers: ["10.0.0.2"], timeout: 5_000, tries: 2 });
    clock.time = 1_000;
    await resolver.resolve("jobs.test");
    expect(asked).toHaveLength(2);
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.3");
    clock.time = 2_000;
    await resolver.resolve("jobs.test");
    expect(settings.at(-1)).toEqual({ servers: ["10.0.0.3"], timeout: 500, tries: 4 });
    expect(asked).toHaveLength(4);
  });

  it("that was touched but says the same changes nothing", async () => {
    const { resolver, texts, touches, clock, replies, asked } = stage();
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.2");
    replies.set("A jobs.test", [four("10.1.0.1")]);
    await resolver.resolve("jobs.test");
    touches.count++;
    clock.time = 1_000;
    await resolver.resolve("jobs.test");
    expect(asked).toHaveLength(2);
  });

  it("does not take the answer away from those who asked before it changed", async () => {
    const { resolver, texts, clock, replies, pending } = stage();
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.2");
    replies.set("A jobs.test", "pending");
    const early = resolver.resolve("jobs.test");
    await settle();
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.3");
    clock.time = 1_000;
    replies.set("A jobs.test", [four("10.1.0.2")]);
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.2")]);
    pending[0]?.answer([four("10.1.0.1")]);
    expect(await early).toEqual([v4("10.1.0.1")]);
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.2")]);
  });

  it("loses to servers that were given, but keeps its search list", async () => {
    const { resolver, texts, settings, asked } = stage({ servers: ["10.9.9.9:5353"] });
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.2\nsearch a.test");
    await failure(resolver.resolve("jobs"));
    expect(settings.at(-1)?.servers).toEqual(["10.9.9.9:5353"]);
    expect(asked).toContain("A jobs.a.test");
  });
});

describe("A and AAAA", () => {
  it("are asked side by side and answered together, IPv4 first", async () => {
    const { resolver, replies, pending } = stage();
    replies.set("A jobs.test", "pending").set("AAAA jobs.test", "pending");
    const answer = resolver.resolve("jobs.test");
    await settle();
    expect(pending.map(({ question }) => question)).toEqual(["A jobs.test", "AAAA jobs.test"]);
    pending[1]?.answer([four("fd00::1")]);
    pending[0]?.answer([four("10.1.0.2"), four("10.1.0.1")]);
    expect(await answer).toEqual([v4("10.1.0.2"), v4("10.1.0.1"), v6("fd00::1")]);
  });

  it.each(["ENODATA", "ESERVFAIL", "ETIMEOUT"])(
    "need only one to succeed, the other may end in %s",
    async (code) => {
      const { resolver, replies } = stage();
      replies.set("A jobs.test", code).set("AAAA jobs.test", [four("fd00::1")]);
      expect(await resolver.resolve("jobs.test")).toEqual([v6("fd00::1")]);
      replies.set("A work.test", [four("10.1.0.1")]).set("AAAA work.test", code);
      expect(await resolver.resolve("work.test")).toEqual([v4("10.1.0.1")]);
    },
  );

  it.each([
    ["ENOTFOUND", "ENOTFOUND", "not_found", "there is no such name"],
    ["ENODATA", "ENODATA", "not_found", "the name has no address"],
    ["EBADNAME", "EBADNAME", "not_found", "this is not a valid name"],
    ["ENODATA", "ETIMEOUT", "timeout", "no DNS server answered in time"],
    ["ECONNREFUSED", "ENODATA", "refused", "the DNS server cannot be reached"],
    ["EREFUSED", "EREFUSED", "refused", "the DNS server refused the question"],
    ["ESERVFAIL", "ENOTFOUND", "server_failure", "the DNS server failed"],
    ["EBADRESP", "EBADRESP", "other", "EBADRESP"],
  ])("that end in %s and %s are the error %s", async (code4, code6, code, reason) => {
    const { resolver, replies } = stage();
    replies.set("A jobs.test", code4).set("AAAA jobs.test", code6);
    const error = await failure(resolver.resolve("jobs.test"));
    expect(error).toMatchObject({ name: "ResolveError", code, hostname: "jobs.test", reason });
    expect(error.message).toBe(`cannot resolve jobs.test: ${reason}`);
  });

  it("that both come back empty are not found", async () => {
    const { resolver, replies } = stage();
    replies.set("A jobs.test", []).set("AAAA jobs.test", []);
    expect(await failure(resolver.resolve("jobs.test"))).toMatchObject({
      code: "not_found",
      reason: "the name has no address",
    });
  });
});

describe("a family that keeps silent", () => {
  /** What came of it within so many milliseconds, if anything. */
  async function within(clock: SetClock, millis: Millis, answer: Promise<unknown>): Promise<unknown> {
    let result: unknown = "waiting";
    answer.then(
      (found) => (result = found),
      (error: unknown) => (result = error),
    );
    await settle();
    clock.time += millis;
    await settle();
    return result;
  }

  it.each([
    ["AAAA", "A", "10.1.0.1"],
    ["A", "AAAA", "fd00::1"],
  ])("is waited for 50 ms where it is %s", async (silent, other, address) => {
    const { resolver, replies, clock } = stage();
    replies.set(`${silent} jobs.test`, "pending").set(`${other} jobs.test`, [four(address)]);
    const answer = resolver.resolve("jobs.test");
    expect(await within(clock, 49, answer)).toBe("waiting");
    expect(await within(clock, 1, answer)).toEqual([{ address, family: other === "A" ? 4 : 6 }]);
  });

  it("joins what is remembered when it comes late", async () => {
    const { resolver, replies, clock, pending, asked } = stage();
    replies.set("AAAA jobs.test", "pending").set("A jobs.test", [four("10.1.0.1", 60)]);
    await within(clock, 50, resolver.resolve("jobs.test"));
    pending[0]?.answer([four("fd00::1", 30)]);
    await settle();
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.1"), v6("fd00::1")]);
    expect(asked).toHaveLength(2);
    // For the shorter of the two times.
    clock.time = 30_050;
    await within(clock, 0, resolver.resolve("jobs.test"));
    expect(asked).toHaveLength(4);
  });

  it("is not asked again while it is asked, nor waited for again", async () => {
    const { resolver, replies, clock, asked } = stage();
    replies.set("AAAA jobs.test", "pending").set("A jobs.test", [four("10.1.0.1", 0)]);
    await within(clock, 50, resolver.resolve("jobs.test"));
    expect(await within(clock, 0, resolver.resolve("jobs.test"))).toEqual([v4("10.1.0.1")]);
    expect(asked).toEqual(["A jobs.test", "AAAA jobs.test", "A jobs.test"]);
  });

  it("is waited for to its end where the other has nothing", async () => {
    const { resolver, replies, clock, pending } = stage();
    replies.set("AAAA jobs.test", "pending").set("A jobs.test", "ENODATA");
    const answer = resolver.resolve("jobs.test");
    expect(await within(clock, 10_000, answer)).toBe("waiting");
    pending[0]?.answer([four("fd00::1")]);
    expect(await answer).toEqual([v6("fd00::1")]);
  });

  it("does not hold up the search list where the name does not exist", async () => {
    const { resolver, texts, replies, clock } = stage();
    texts.set("/etc/resolv.conf", "search a.test b.test");
    replies.set("AAAA jobs.a.test", "pending").set("AAAA jobs.b.test", "pending");
    replies.set("A jobs.b.test", [four("10.1.0.1")]);
    const answer = resolver.resolve("jobs");
    await within(clock, 50, answer);
    expect(await within(clock, 50, answer)).toEqual([v4("10.1.0.1")]);
  });

  it("is believed to be there where a server says NXDOMAIN of AAAA alone", async () => {
    const { resolver, replies, clock, pending } = stage();
    replies.set("A jobs.test", "pending");
    const answer = resolver.resolve("jobs.test");
    expect(await within(clock, 10_000, answer)).toBe("waiting");
    pending[0]?.answer([four("10.1.0.1")]);
    expect(await answer).toEqual([v4("10.1.0.1")]);
  });
});

describe("a name at whose addresses nobody was found", () => {
  const moved = async (ttl = 600) => {
    const set = stage();
    set.replies.set("A jobs.test", [four("10.1.0.1", ttl)]);
    await set.resolver.resolve("jobs.test");
    set.replies.set("A jobs.test", [four("10.1.0.2", ttl)]);
    return set;
  };

  it("is asked for again, whatever its TTL", async () => {
    const { resolver, clock } = await moved();
    clock.time = 1_000;
    expect(await resolver.renew("jobs.test")).toEqual([v4("10.1.0.2")]);
    expect(await resolver.resolve("JOBS.test")).toEqual([v4("10.1.0.2")]);
  });

  it("is asked for once a second at most, and by whoever looks it up after that second", async () => {
    const { resolver, clock, asked, replies } = await moved();
    for (let n = 0; n < 100; n++) expect(await resolver.renew("jobs.test")).toEqual([v4("10.1.0.2")]);
    expect(asked).toHaveLength(4);
    replies.set("A jobs.test", [four("10.1.0.3", 600)]);
    clock.time = 999;
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.2")]);
    expect(asked).toHaveLength(4);
    clock.time = 1_000;
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.3")]);
    expect(asked).toHaveLength(6);
    clock.time = 100_000;
    await resolver.resolve("jobs.test");
    expect(asked).toHaveLength(6);
  });

  it("and that is not remembered is asked for once a second at most as well", async () => {
    const { resolver, asked } = await moved(0);
    for (let n = 0; n < 100; n++) expect(await resolver.renew("jobs.test")).toEqual([v4("10.1.0.2")]);
    expect(asked).toHaveLength(4);
  });

  it.each(["ETIMEOUT", "ESERVFAIL", "EREFUSED", "ECONNREFUSED"])(
    "keeps its addresses while DNS says %s, and is asked for again a second later",
    async (code) => {
      const { resolver, clock, replies, asked } = await moved();
      clock.time = 1_000;
      replies.set("A jobs.test", code).set("AAAA jobs.test", code);
      expect(await resolver.renew("jobs.test")).toEqual([v4("10.1.0.1")]);
      expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.1")]);
      expect(asked).toHaveLength(4);
      replies.set("A jobs.test", [four("10.1.0.2")]);
      clock.time = 2_000;
      expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.2")]);
    },
  );

  it("loses them when there is no such name any more", async () => {
    const { resolver, clock, replies } = await moved();
    clock.time = 1_000;
    replies.delete("A jobs.test");
    expect((await failure(resolver.renew("jobs.test"))).code).toBe("not_found");
    expect((await failure(resolver.resolve("jobs.test"))).code).toBe("not_found");
  });

  it("is looked up from what is known while the question is under way, after a moment", async () => {
    const { resolver, clock, replies } = await moved();
    for (let n = 0; n < 2; n++) await resolver.renew("jobs.test");
    replies.set("A jobs.test", "pending");
    clock.time = 1_000;
    let found: unknown = "waiting";
    void resolver.resolve("jobs.test").then((addresses) => (found = addresses));
    await settle();
    expect(found).toBe("waiting");
    clock.time = 1_250;
    await settle();
    expect(found).toEqual([v4("10.1.0.2")]);
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.2")]);
  });

  it("of the hosts file is read again, and no DNS asked", async () => {
    const { resolver, texts, clock, asked } = stage();
    texts.set("/etc/hosts", "10.0.0.1 jobs");
    await resolver.resolve("jobs");
    texts.set("/etc/hosts", "10.0.0.2 jobs");
    clock.time = 1_000;
    expect(await resolver.renew("jobs")).toEqual([v4("10.0.0.2")]);
    expect(await resolver.renew("10.0.0.9")).toEqual([v4("10.0.0.9")]);
    expect(asked).toEqual([]);
  });
});

describe("the memory", () => {
  it("keeps an answer for the shortest of its TTLs", async () => {
    const { resolver, clock, replies, asked } = stage();
    replies.set("A jobs.test", [four("10.1.0.1", 30), four("10.1.0.2", 10)]);
    replies.set("AAAA jobs.test", [four("fd00::1", 20)]);
    await resolver.resolve("jobs.test");
    clock.time = 9_999;
    await resolver.resolve("JOBS.test");
    expect(asked).toHaveLength(2);
    clock.time = 10_000;
    await resolver.resolve("jobs.test");
    expect(asked).toHaveLength(4);
  });

  it("keeps nothing longer than an hour", async () => {
    const { resolver, clock, replies, asked } = stage();
    replies.set("A jobs.test", [four("10.1.0.1", 86_400)]);
    await resolver.resolve("jobs.test");
    clock.time = 3_599_999;
    await resolver.resolve("jobs.test");
    expect(asked).toHaveLength(2);
    clock.time = 3_600_000;
    await resolver.resolve("jobs.test");
    expect(asked).toHaveLength(4);
  });

  it("keeps an answer with TTL 0 for nobody but those who already wait for it", async () => {
    const { resolver, replies, asked } = stage();
    replies.set("A jobs.test", [four("10.1.0.1", 0)]);
    const answers = await Promise.all([resolver.resolve("jobs.test"), resolver.resolve("jobs.test")]);
    expect(answers).toEqual([[v4("10.1.0.1")], [v4("10.1.0.1")]]);
    expect(asked).toEqual(["A jobs.test", "AAAA jobs.test"]);
    await resolver.resolve("jobs.test");
    expect(asked).toHaveLength(4);
  });

  it("keeps a failure for a second", async () => {
    const { resolver, clock, replies, asked } = stage();
    const first = failure(resolver.resolve("jobs.test"));
    expect((await failure(resolver.resolve("jobs.test"))).code).toBe("not_found");
    await first;
    clock.time = 999;
    expect((await failure(resolver.resolve("jobs.test"))).code).toBe("not_found");
    expect(asked).toHaveLength(2);
    replies.set("A jobs.test", [four("10.1.0.1")]);
    clock.time = 1_000;
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.1")]);
  });

  it("holds 1,000 names and forgets the one not used for longest", async () => {
    const { resolver, replies, asked } = stage();
    const name = (number: number) => `bot-${number}.test`;
    for (let number = 0; number <= 1_000; number++) replies.set(`A ${name(number)}`, [four("10.1.0.1")]);
    for (let number = 0; number < 1_000; number++) await resolver.resolve(name(number));
    await resolver.resolve(name(0));
    await resolver.resolve(name(1_000));
    asked.length = 0;
    for (const number of [0, 2, 999, 1_000]) await resolver.resolve(name(number));
    expect(asked).toEqual([]);
    await resolver.resolve(name(1));
    expect(asked).toEqual(["A bot-1.test", "AAAA bot-1.test"]);
  });
});

describe("a resolver", () => {
  it("refuses names that cannot be, without asking", async () => {
    const { resolver, asked } = stage();
    expect((await failure(resolver.resolve(""))).code).toBe("not_found");
    expect((await failure(resolver.resolve("x".repeat(255)))).code).toBe("not_found");
    expect(asked).toEqual([]);
  });

  it("cancels what is under way when it is closed, and answers nobody afterwards", async () => {
    const { resolver, texts, replies, clock, settings, asked } = stage();
    replies.set("A jobs.test", "pending").set("A work.test", "pending");
    const retired = failure(resolver.resolve("jobs.test"));
    await settle();
    texts.set("/etc/resolv.conf", "nameserver 10.0.0.3\nsearch a.test");
    clock.time = 1_000;
    const current = failure(resolver.resolve("work.test"));
    await settle();
    expect(settings.at(-1)?.servers).toEqual(["10.0.0.3"]);
    resolver.close();
    expect([(await retired).code, (await current).code]).toEqual(["other", "other"]);
    expect(asked).not.toContain("A work.test.a.test");
    expect((await failure(resolver.resolve("jobs.test"))).reason).toBe("the resolver is closed");
    expect((await failure(resolver.resolve("10.0.0.1"))).reason).toBe("the resolver is closed");
  });

  it("asks nobody when it is closed while it reads its files", async () => {
    const { resolver, asked } = stage();
    const answer = failure(resolver.resolve("jobs.test"));
    resolver.close();
    expect((await answer).reason).toBe("the resolver is closed");
    expect(asked).toEqual([]);
  });

  it("reads the real hosts file of this machine", async () => {
    const resolver = new Resolver({ clock: new SetClock() });
    expect((await resolver.resolve("localhost")).length).toBeGreaterThan(0);
    resolver.close();
  });
});

describe("over real UDP", () => {
  let server: TinyDns | undefined;
  let resolver: Resolver | undefined;

  async function serve(zone: Record<string, TinyAnswer>) {
    server = await startTinyDns(zone);
    const clock = new SetClock();
    const files = { version: async () => null, read: async () => "" };
    resolver = new Resolver({ clock, files, servers: [server.server] });
    return { resolver, server, clock };
  }

  afterEach(async () => {
    resolver?.close();
    await server?.close();
    resolver = undefined;
    server = undefined;
  });

  it("gets both families with their TTLs and asks again only when they have run out", async () => {
    const { resolver, server, clock } = await serve({
      "jobs.test": [
        { type: "AAAA", address: "2001:db8::1", ttl: 60 },
        { type: "A", address: "10.1.0.1", ttl: 30 },
      ],
    });
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.1"), v6("2001:db8::1")]);
    expect([...server.questions].sort()).toEqual(["A jobs.test", "AAAA jobs.test"]);
    server.zone.set("jobs.test", [{ type: "A", address: "10.1.0.9", ttl: 0 }]);
    clock.time = 29_999;
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.1"), v6("2001:db8::1")]);
    clock.time = 30_000;
    expect(await resolver.resolve("jobs.test")).toEqual([v4("10.1.0.9")]);
  });

  it.each([
    ["NXDOMAIN", "not_found"],
    ["SERVFAIL", "server_failure"],
    ["REFUSED", "refused"],
  ] as const)("tells %s as %s", async (answer, code) => {
    const { resolver } = await serve({ "jobs.test": answer });
    expect((await failure(resolver.resolve("jobs.test"))).code).toBe(code);
  });

  it("tells a name without addresses as not found", async () => {
    const { resolver } = await serve({ "jobs.test": [] });
    expect((await failure(resolver.resolve("jobs.test"))).reason).toBe("the name has no address");
  });

  it("tells a port where nobody listens as refused", async () => {
    const { resolver, server } = await serve({});
    await server.close();
    expect((await failure(resolver.resolve("jobs.test"))).code).toBe("refused");
  });

  it("stops waiting for a silent server when it is closed", async () => {
    const { resolver, server } = await serve({ "jobs.test": "silence" });
    const answer = failure(resolver.resolve("jobs.test"));
    while (server.questions.length < 2) await settle();
    resolver.close();
    expect(await answer).toMatchObject({ code: "other", reason: "the question was cancelled" });
  });

  it("takes no server that is not an address", () => {
    expect(() => new Resolver({ clock: new SetClock(), servers: ["dns.example"] })).toThrow();
  });
});

/** Who sent a request: the first rule that answers names the bot, and no token is ever its name. */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IdentifyRule } from "../../../src/config/identify.js";
import { BOT_NAME_MAX } from "../../../src/proxy/bot-name.js";
import { compileIdentify, type RequestLike } from "../../../src/proxy/http/identify.js";

const SALT = "a pinch";

function request(headers: Record<string, string> = {}, target = "/"): RequestLike {
  const { pathname, searchParams } = new URL(target, "http://host");
  return {
    path: pathname,
    header: (name) => headers[name.toLowerCase()],
    queries: (name) => searchParams.getAll(name),
  };
}

const who = (rules: readonly IdentifyRule[], one: RequestLike, salt = SALT): string =>
  compileIdentify(rules, salt)(one, "10.0.0.1");
const bearer: readonly IdentifyRule[] = [{ by: "bearer", claim: "sub" }];
const token = (value: string): RequestLike => request({ authorization: `Bearer ${value}` });
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (claims: unknown): string => `${encoded({ alg: "none" })}.${encoded(claims)}.c2lnbmF0dXJl`;
const hashed = (text: string, salt = SALT): string =>
  `token-${createHmac("sha256", salt).update(text).digest("hex").slice(0, 12)}`;

describe("a bot", () => {
  it("is known by its address if nothing else is said, or no rule answers", () => {
    expect(who([{ by: "client" }], request())).toBe("10.0.0.1");
    expect(who([], request())).toBe("10.0.0.1");
    expect(who([{ by: "header", name: "x-bot-id" }], request())).toBe("10.0.0.1");
    expect(who([{ by: "header", name: "x-bot-id" }], request({ "x-bot-id": "" }))).toBe("10.0.0.1");
  });

  it("is known by the first rule that answers", () => {
    const rules: readonly IdentifyRule[] = [
      { by: "header", name: "x-bot-id" },
      { by: "query", name: "bot" },
      { by: "path", pattern: "/v1/bots/:bot/**" },
    ];
    expect(who(rules, request({ "x-bot-id": "h" }, "/v1/bots/p/jobs?bot=q"))).toBe("h");
    expect(who(rules, request({ "x-bot-id": "" }, "/v1/bots/p/jobs?bot=q&bot=r"))).toBe("q");
    expect(who(rules, request({}, "/v1/bots/p/jobs?bot="))).toBe("p");
    expect(who(rules, request({}, "/v1/bots/p"))).toBe("10.0.0.1");
  });

  it("is one bot however it writes the host that it asks for", () => {
    const rules: readonly IdentifyRule[] = [{ by: "header", name: "Host" }];
    for (const host of ["tenant.example", "Tenant.EXAMPLE.", "tenant.example.:80"])
      expect(who(rules, request({ host }))).toBe("tenant.example");
    expect(who(rules, request({ host: "tenant.example:8080" }))).toBe("tenant.example:8080");
    expect(who(rules, request({ host: "" }))).toBe("10.0.0.1");
  });

  it("is not asked for behind the address, which everybody has", () => {
    const rules: readonly IdentifyRule[] = [{ by: "client" }, { by: "header", name: "x-bot-id" }];
    expect(who(rules, request({ "x-bot-id": "h" }))).toBe("10.0.0.1");
  });

  it("stands in the segment called bot, or else in the first that has a name", () => {
    expect(who([{ by: "path", pattern: "/:tenant/:bot" }], request({}, "/acme/b-7"))).toBe("b-7");
    expect(who([{ by: "path", pattern: "/:tenant/*/:job" }], request({}, "/acme/x/1"))).toBe("acme");
  });

  it("with a long name keeps its beginning, and is still told from another", () => {
    const rules: readonly IdentifyRule[] = [{ by: "header", name: "x-bot-id" }];
    const name = (text: string): string => who(rules, request({ "x-bot-id": text }));
    expect(name("b".repeat(BOT_NAME_MAX))).toBe("b".repeat(BOT_NAME_MAX));
    const [one, other] = [name(`${"b".repeat(5_000)}1`), name(`${"b".repeat(5_000)}2`)];
    expect(one).not.toBe(other);
    expect(one).toMatch(/^b{187}~[0-9a-f]{12}$/u);
    expect(one).toHaveLength(BOT_NAME_MAX);
    expect(name(`${"b".repeat(5_000)}1`)).toBe(one);
  });
});

describe("a bearer token", () => {
  it("is known by the subject of its JWT, or the claim that was named", () => {
    expect(who(bearer, token(jwt({ sub: "bot-7" })))).toBe("bot-7");
    expect(who(bearer, token(jwt({ sub: 7 })))).toBe("7");
    expect(who([{ by: "bearer", claim: "client_id" }], token(jwt({ sub: "x", client_id: "c" })))).toBe("c");
    expect(who(bearer, request({ authorization: `bEARER   ${jwt({ sub: "bot-7" })} ` }))).toBe("bot-7");
  });

  it.each([
    ["no JWT", "s3cr3t"],
    ["without the claim", jwt({ iss: "x" })],
    ["with a claim that every object has", jwt({})],
    ["with an empty claim", jwt({ sub: "" })],
    ["with a claim that is no name", jwt({ sub: { id: 1 } })],
    ["with null for claims", jwt(null)],
    ["with a list for claims", jwt(["sub"])],
    ["with a payload that is no JSON", "e30.bm90IGpzb24.c2ln"],
    ["with a payload that is no base64", "e30.%%%.c2ln"],
    ["of five parts", "a.e30.c.d.e"],
    ["of two parts", "a.e30"],
    ["with a payload of 20 kB", jwt({ sub: "x", more: "y".repeat(20_000) })],
  ])("%s is known by a hash", (_what, value) => {
    expect(who(bearer, token(value))).toBe(hashed(value));
    const objects: readonly IdentifyRule[] = [{ by: "bearer", claim: "constructor" }];
    expect(who(objects, token(value))).toBe(hashed(value));
  });

  it("has another hash with another salt, and the same with the same", () => {
    expect(who(bearer, token("s3cr3t"), "other")).toBe(hashed("s3cr3t", "other"));
    expect(hashed("s3cr3t", "other")).not.toBe(hashed("s3cr3t"));
    const identify = compileIdentify(bearer, SALT);
    expect([identify(token("a"), ""), identify(token("b"), ""), identify(token("a"), "")]).toEqual([
      hashed("a"),
      hashed("b"),
      hashed("a"),
    ]);
  });

  it.each(["", "Bearer", "Bearer ", "Bearer    ", "Basic dTpw", "Bearers3cr3t", "s3cr3t"])(
    "is not in an authorization of %j",
    (authorization) => {
      expect(who(bearer, request({ authorization }))).toBe("10.0.0.1");
    },
  );

  it("is never the name of the bot, nor a part of it, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 16, maxLength: 300 }), (text) => {
        const secret = text.trim();
        fc.pre(secret.length >= 16);
        const name = who(bearer, token(secret));
        expect(name.length).toBeLessThanOrEqual(BOT_NAME_MAX);
        expect(name).not.toContain(secret);
        expect(name).toMatch(/^token-[0-9a-f]{12}$/u);
      }),
      { numRuns: 2_000 },
    );
  });
});

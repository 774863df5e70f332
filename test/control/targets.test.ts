/** Faults that the proxies there are cannot have are refused, whoever wants them on, and nothing changes. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { locate } from "../../src/config/located.js";
import { Control } from "../../src/control.js";
import type { ActivationInput } from "../../src/control/requests.js";
import { TOXICS_MAX } from "../../src/control/toxics.js";
import { SquallError } from "../../src/core/errors.js";
import { compileFault } from "../../src/plan/compile.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { ProxySet } from "../../src/proxy/proxy-set.js";
import { Lab, TYPES } from "../support/lab.js";
import { secureSpec } from "../support/secure-lab.js";

const NO_KERNEL = "the capability NET_ADMIN is missing";
const REFUSING = { type: "http_status", status: 503 };
const INSISTING = { type: "packet_loss", loss: "1%", engine: "kernel" };

let lab: Lab;
let proxySet: ProxySet;
let control: Control;
let kernel: string | null;
/** Why the runtime cannot do a thing. */
let lacks: string | null;

/** Two proxies that know bytes only; they need not listen to be known. */
beforeEach(() => {
  kernel = NO_KERNEL;
  lacks = null;
  lab = new Lab();
  proxySet = new ProxySet(lab.context, lab.plan);
  for (const name of ["jobs", "broker"]) {
    const addresses = { listen: { host: "127.0.0.1", port: 0 }, upstream: { host: "127.0.0.1", port: 9 } };
    const rest = { dialTimeout: 5_000, connections: 100, proxyProtocol: "off", except: [] } as const;
    proxySet.prepare({ name, ...addresses, ...rest }, "file");
  }
  const library = new Library(TYPES);
  library.replaceFiles([
    { file: "slow.yaml", text: "profile: slow\nfaults: [{ type: latency, delay: 1s }]\n" },
  ]);
  control = new Control({
    plan: lab.plan,
    proxySet,
    library,
    types: TYPES,
    kernel: () => kernel,
    lacks: () => lacks,
    facts: lab.facts,
    load: () => Promise.reject(new Error("nothing is reloaded here")),
  });
});

afterEach(async () => {
  proxySet.stop();
  await lab.close();
});

const inline = (fault: object, rest: Partial<ActivationInput> = {}): ActivationInput => ({
  what: { faults: locate([fault]) },
  ...rest,
});

const own = (tree: object, name: string): CompiledFault => compileFault(locate(tree), TYPES, name);

/** What it was refused with, as operators are told. */
function refusal(attempt: () => unknown): object {
  const { revision } = control;
  try {
    attempt();
  } catch (error) {
    expect(control.revision).toBe(revision);
    if (!(error instanceof SquallError)) throw error;
    const { code, message, path, hint } = error;
    return { code, message, path, hint };
  }
  throw new Error("it was not refused");
}

describe("what is switched on", () => {
  it("must have a proxy that it can act on", () => {
    const needs = "it is about HTTP exchanges, which only http proxies know";
    expect(refusal(() => control.activate([inline(REFUSING)], "add"))).toMatchObject({
      code: "SQ_INVALID_ACTIVATION",
      message: `http_status cannot act on any of the proxies there are: ${needs}`,
      path: "http_status",
    });
    const named = { ...REFUSING, name: "busy", proxy: ["jobs", "broker"] };
    expect(refusal(() => control.activate([inline(named)], "add"))).toMatchObject({
      message: `http_status cannot act on jobs or broker: ${needs}`,
      path: "busy",
    });
  });

  it("must have a proxy that speaks TLS where it is about that", () => {
    const why = (fault: Record<string, unknown>): object =>
      refusal(() => control.activate([inline(fault)], "add"));
    expect(why({ type: "tls_alert", alert: "unknown_ca" })).toMatchObject({
      code: "SQ_INVALID_ACTIVATION",
      message:
        "tls_alert cannot act on any of the proxies there are: it is about TLS with clients, which takes a proxy with secure",
    });
    expect(why({ type: "latency", delay: "1s", at: "tls", proxy: "jobs" })).toMatchObject({
      message: "latency cannot act on jobs: it is about TLS with clients, which takes a proxy with secure",
    });
    expect(why({ type: "tls_certificate", problem: "expired", proxy: "jobs" })).toMatchObject({
      message:
        "tls_certificate cannot act on jobs: it takes a proxy that ends the TLS of its clients (secure: terminate)",
    });
  });

  it("must have one that speaks TLS where its match asks for what clients of TLS say", () => {
    const asking = (match: object): ActivationInput => inline({ type: "latency", delay: "1s", match });
    expect(
      refusal(() => control.activate([asking({ sni: "a.example", client: "10.0.0.0/8" })], "add")),
    ).toMatchObject({
      message:
        "latency cannot act on any of the proxies there are: its match asks for the sni of clients of TLS, which takes a proxy with secure",
    });
    expect(
      refusal(() => control.activate([asking([{ sni: "a.example" }, { alpn: "h2" }])], "add")),
    ).toMatchObject({
      message: expect.stringContaining("asks for the sni and alpn of clients of TLS") as string,
    });
    // One of two that may hold is enough.
    control.activate([asking([{ sni: "a.example" }, { client: "10.0.0.0/8" }])], "replace");
    expect(control.active().activations).toHaveLength(1);
  });

  it("must have one among the proxies that all of it is kept to", () => {
    const kept = (...faults: object[]): ActivationInput => ({
      what: { faults: locate(faults) },
      proxies: ["broker"],
    });
    const slow = { type: "latency", delay: "1s" };
    expect(refusal(() => control.activate([kept({ ...slow, proxy: "jobs" })], "add"))).toEqual({
      code: "SQ_INVALID_ACTIVATION",
      message: "latency is for jobs, so that it would not act on broker",
      path: "proxies",
      hint: undefined,
    });
    control.activate([kept({ ...slow, proxy: "jobs" }, { type: "reset" })], "replace");
    expect(control.active().activations).toMatchObject([{ proxies: ["broker"] }]);
  });

  it("says where in its profile the fault stands that no proxy can have", () => {
    const text = [
      "profile: NAME",
      "faults:",
      "  - type: latency",
      "    delay: 1s",
      "    ANY",
      "  - { type: reset, name: odd }",
    ];
    const placeOf = (name: string, any: string): unknown => {
      control.profiles.put(name, text.join("\n").replace("NAME", name).replace("ANY", any));
      try {
        control.activate([{ what: { profile: name } }], "add");
      } catch (error) {
        if (!(error instanceof SquallError)) throw error;
        return error.details?.map(({ file, line, column, path }) => `${file}:${line}:${column} ${path}`);
      }
      return null;
    };
    expect(placeOf("at-tls", "at: tls")).toEqual(["request:5:9 faults[0].at"]);
    expect(placeOf("by-sni", "match: { sni: a }")).toEqual(["request:5:12 faults[0].match"]);
    expect(placeOf("nobody", "proxy: [jobs, nobody]")).toEqual(["request:5:12 faults[0].proxy"]);
    expect(placeOf("over-http", "match: { path: / }")).toEqual(["request:3:11 faults[0].type"]);
    // What it inherits stands in its parent.
    control.profiles.put("child", "profile: child\nextends: reset-only\n".replace("reset-only", "slow"));
    const child = "profile: child\nextends: slow\nfaults: [{ name: latency, type: latency, at: tls }]\n";
    expect(
      refusal(
        () =>
          control.profiles.put("child", child) && control.activate([{ what: { profile: "child" } }], "add"),
      ),
    ).toMatchObject({
      code: "SQ_INVALID_ACTIVATION",
    });
    // A program's own values have no lines.
    try {
      control.activate([inline(REFUSING)], "add");
    } catch (error) {
      expect((error as SquallError).details).toBeUndefined();
    }
  });

  it("must not name a proxy that is not there", () => {
    const fault = { type: "latency", delay: "1s", proxy: "job" };
    expect(refusal(() => control.activate([inline(fault)], "add"))).toMatchObject({
      code: "SQ_INVALID_ACTIVATION",
      message: 'no proxy is called "job"',
      path: "latency.proxy",
      hint: 'did you mean "jobs"?',
    });
  });

  it("has each profile once", () => {
    const slow = { what: { profile: "slow" } };
    expect(refusal(() => control.activate([slow, slow], "replace"))).toMatchObject({
      code: "SQ_INVALID_ACTIVATION",
      message: 'the profile "slow" is asked for twice',
    });
    control.activate([slow, inline({ type: "reset" }), inline({ type: "reset" })], "replace");
    expect(control.active().activations.map(({ id }) => id)).toEqual(["slow", "inline", "inline-2"]);
  });

  it("goes on from an earlier life though its proxies are gone", () => {
    const fault = { type: "latency", delay: "1s", proxy: "job" };
    const life = { id: "inline", startedAt: lab.clock.wallTime(), seeded: true };
    expect(control.resume(inline(fault, { proxies: ["job"] }), life)).toBeNull();
    expect(control.active().activations).toMatchObject([{ id: "inline", proxies: ["job"] }]);
  });
});

describe("a fault that insists on the kernel", () => {
  const refused = {
    code: "SQ_ENGINE_UNAVAILABLE",
    message: `packet_loss cannot have the engine kernel on broker: ${NO_KERNEL}`,
    path: "packet_loss.engine",
    hint: "engine: auto takes the model where the kernel cannot be had",
  };

  it("is refused where the kernel cannot be had, switched on or set on a proxy", () => {
    const there = inline(INSISTING, { proxies: ["broker"] });
    expect(refusal(() => control.activate([there], "add"))).toEqual(refused);
    const fault = own(INSISTING, "packet_loss");
    expect(refusal(() => control.toxics.add("broker", fault))).toEqual(refused);
  });

  it("only counts on the proxies that it is for, and where it does something", () => {
    const slow = { type: "latency", delay: "1s", proxy: "jobs" };
    const both = locate([{ ...INSISTING, proxy: "broker" }, slow]);
    control.activate([{ what: { faults: both }, proxies: ["jobs"] }], "replace");
    control.activate([inline(INSISTING, { mode: "observe" })], "replace");
    expect(control.active().activations).toMatchObject([{ mode: "observe" }]);
  });

  it("keeps a profile that is on from changing to it", () => {
    control.activate([{ what: { profile: "slow" } }], "replace");
    const text = `profile: slow\nfaults: [${JSON.stringify(INSISTING)}]\n`;
    expect(refusal(() => control.profiles.put("slow", text))).toMatchObject({ code: refused.code });
    expect(control.profiles.find("slow").origin).toBe("file");
    control.heal();
    expect(control.profiles.put("slow", text).origin).toBe("memory");
  });
});

describe("a fault that needs what the runtime lacks", () => {
  const END = { type: "tls_end", how: "alert", alert: "internal_error" };
  const unavailable = {
    code: "SQ_ENGINE_UNAVAILABLE",
    message: "tls_end cannot be had on secure: no secrets",
    path: "tls_end.type",
  };

  beforeEach(() => {
    lacks = "no secrets";
    const addresses = { listen: { host: "127.0.0.1", port: 0 }, upstream: { host: "127.0.0.1", port: 9 } };
    const rest = { dialTimeout: 5_000, connections: 100, proxyProtocol: "off", except: [] } as const;
    proxySet.prepare({ name: "secure", ...addresses, ...rest, secure: secureSpec() }, "file");
  });

  it("is refused, and is not where that is there, or where it only observes", () => {
    expect(refusal(() => control.activate([inline(END)], "add"))).toMatchObject(unavailable);
    control.activate([inline(END, { mode: "observe" })], "add");
    lacks = null;
    control.activate([inline(END)], "add");
  });

  it.each([
    [{ type: "tls_end", how: "without_notify" }, false],
    [{ type: "tls_alert", alert: "unknown_ca" }, false],
    [{ type: "tls_alert", alert: "unknown_ca", at: "established" }, true],
    [{ type: "tls_alert", alert: "unknown_ca", at: "client_certificate" }, true],
    [{ type: "tls_client_certificate", demand: true }, true],
    [{ type: "tls_certificate", problem: "expired" }, false],
    [{ type: "tls_certificate", problem: "revoked" }, true],
    [{ type: "tls_handshake", stall_at: "finished" }, false],
    [{ type: "latency", delay: "1s", at: "tls" }, false],
  ])("%o: %s", (fault, refused) => {
    const switchOn = (): unknown => control.activate([inline(fault)], "add");
    if (refused) expect(refusal(switchOn)).toMatchObject({ code: "SQ_ENGINE_UNAVAILABLE" });
    else switchOn();
  });
});

describe("a fault of a proxy itself", () => {
  it("must be able to act there, when it is added and when it changes", () => {
    const message =
      "http_status cannot act on jobs: it is about HTTP exchanges, which only http proxies know";
    const wrong = { code: "SQ_INVALID_PROFILE", message, path: "mine" };
    expect(refusal(() => control.toxics.add("jobs", own(REFUSING, "mine")))).toMatchObject(wrong);
    control.toxics.add("jobs", own({ type: "latency", delay: "1s" }, "mine"));
    expect(refusal(() => control.toxics.update("jobs", own(REFUSING, "mine")))).toMatchObject(wrong);
    expect(control.toxics.find("jobs", "mine").type).toBe("latency");
  });

  it("comes behind the others, as long as there are not too many", () => {
    const names = Array.from({ length: TOXICS_MAX }, (_, n) => `${n}`);
    const fault = (name: string): CompiledFault => own({ type: "latency", delay: "1s" }, name);
    for (const name of names) control.toxics.add("jobs", fault(name));
    expect(control.toxics.of("jobs").map(({ name }) => name)).toEqual(names);
    expect(refusal(() => control.toxics.add("jobs", fault("more")))).toMatchObject({
      code: "SQ_TOO_MANY",
      message: "jobs has 100 faults already",
    });
    control.toxics.add("broker", fault("more"));
  });
});

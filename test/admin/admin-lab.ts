/**
 * The admin port over real HTTP, with a control layer that switches a real proxy. Its client holds every
 * answer that any test sees against the OpenAPI document that the daemon itself serves.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import { COMMON_ERRORS } from "../../src/admin/route.js";
import { startAdmin, type Admin, type AdminOptions } from "../../src/admin/server.js";
import { isToxiproxyPath } from "../../src/admin/toxiproxy/dialect.js";
import { Library, type ProfileFile } from "../../src/config/library.js";
import { Control } from "../../src/control.js";
import type { Desired } from "../../src/control/reload.js";
import { VirtualClock } from "../../src/core/clock.js";
import type { Fact } from "../../src/core/events.js";
import { Live } from "../../src/live/live.js";
import { ProxySet } from "../../src/proxy/proxy-set.js";
import type { ProxySpec } from "../../src/proxy/spec.js";
import type { TcpProxySpec } from "../../src/proxy/spec-base.js";
import { PAGE_FOLDER } from "../../src/page-folder.js";
import { Telemetry } from "../../src/telemetry/telemetry.js";
import { Door } from "../../src/tls/door.js";
import { Lab, TYPES } from "../support/lab.js";

export const PROFILES: readonly ProfileFile[] = [
  {
    file: "profiles/slow.yaml",
    text: `profile: slow
summary: Everything takes its time.
tags: [latency]
params:
  by: { default: 200ms, summary: how much later }
faults:
  - { name: late, type: latency, delay: "\${by}" }
`,
  },
  {
    file: "profiles/restart.yaml",
    text: `profile: restart
summary: Calm, then away, then slow.
phases:
  - { phase: calm, for: 10s }
  - phase: away
    for: 5s
    faults: [{ type: down, existing: reset }]
  - phase: warm-up
    for: 10s
    faults: [{ type: latency, delay: 1s }]
`,
  },
  {
    file: "profiles/needs.yaml",
    text: `profile: needs
params:
  rate:
    summary: how much goes through
faults:
  - { type: bandwidth, rate: "\${rate}" }
---
profile: needs-too
extends: [needs]
`,
  },
];

export interface AdminAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON, where it is some; tests say by their expectations what they take it for. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

export interface Ask {
  readonly body?: string | Buffer;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For answers that are no answers of the API, such as those to half a request. */
  readonly unchecked?: true;
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { description: string; content?: Record<string, { schema: object }> }>
  >;
}

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

export interface AdminLabOptions extends Partial<AdminOptions> {
  /** Entries in the journal. */
  readonly keep?: number;
  /** What the clock says at first, in milliseconds since 1970. */
  readonly start?: number;
  /** Profiles in place of those above. */
  readonly files?: readonly ProfileFile[];
}

export class AdminLab {
  readonly clock: VirtualClock;
  readonly lab: Lab;
  readonly proxySet: ProxySet;
  readonly library: Library;
  readonly control: Control;
  readonly live: Live;
  readonly telemetry: Telemetry;
  /** What the next reload finds. */
  desired: () => Promise<Desired>;
  readonly #options: Partial<AdminOptions>;
  #admin: Admin | null = null;
  #contract: Contract | null = null;

  private constructor({ keep, start = 1_000, files = PROFILES, ...rest }: AdminLabOptions) {
    this.#options = rest;
    this.clock = new VirtualClock(start);
    this.lab = new Lab({ clock: this.clock });
    this.telemetry = new Telemetry({
      clock: this.clock,
      log: quiet,
      ...(keep === undefined ? {} : { journal: { keep } }),
    });
    const book = this.lab.facts.tell.bind(this.lab.facts);
    this.lab.facts.tell = (fact: Fact) => {
      book(fact);
      this.telemetry.tell(fact);
    };
    this.proxySet = new ProxySet(this.lab.context, this.lab.plan);
    this.library = new Library(TYPES);
    this.library.replaceFiles(files);
    this.desired = () => Promise.resolve({ proxies: this.files(), files, restartNeeded: [] });
    this.control = new Control({
      plan: this.lab.plan,
      proxySet: this.proxySet,
      library: this.library,
      types: TYPES,
      facts: this.lab.facts,
      load: () => this.desired(),
    });
    this.live = new Live({
      clock: this.clock,
      watch: this.lab.watch,
      proxySet: this.proxySet,
      plan: this.lab.plan,
      telemetry: this.telemetry,
      version: "1.2.3",
      run: "r1",
      startedWall: this.clock.wallTime(),
      bodiesMax: 0,
    });
  }

  static async open(options: AdminLabOptions = {}): Promise<AdminLab> {
    const here = new AdminLab(options);
    await here.proxySet.add(here.proxySpec("jobs"), "file");
    here.#admin = await startAdmin(here.adminOptions());
    // Its client speaks plain HTTP.
    if (options.certificate === undefined)
      here.#contract = Contract.of((await here.raw("GET", "/openapi.json", {})).text);
    return here;
  }

  adminOptions(): AdminOptions {
    return {
      control: this.control,
      telemetry: this.telemetry,
      metrics: {
        contentType: "text/plain; version=0.0.4; charset=utf-8",
        text: () => Promise.resolve("up 1\n"),
      },
      live: this.live,
      occupancy: this.lab.context,
      authority: new Door({ source: "memory", clock: this.clock }),
      clock: this.clock,
      about: { version: "1.2.3", pid: 42, node: "v20.0.0", seed: 7 },
      types: TYPES,
      schemas: { profile: { title: "profile" }, squall: { title: "squall" } },
      page: PAGE_FOLDER,
      listen: { host: "127.0.0.1", port: 0 },
      ...this.#options,
    };
  }

  proxySpec(name: string, spec: Partial<TcpProxySpec> = {}): TcpProxySpec {
    return {
      name,
      listen: { host: "127.0.0.1", port: 0 },
      upstream: { host: "127.0.0.1", port: 9 },
      dialTimeout: 5_000,
      connections: 100,
      proxyProtocol: "off",
      except: [],
      ...spec,
    };
  }

  files(): ProxySpec[] {
    return this.proxySet
      .list()
      .filter(({ owner }) => owner === "file")
      .map(({ proxy }) => proxy.spec);
  }

  get admin(): Admin {
    if (this.#admin === null) throw new Error("the admin port is not open");
    return this.#admin;
  }

  get port(): number {
    return this.admin.address.port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get contract(): Contract {
    if (this.#contract === null) throw new Error("the admin port is not open");
    return this.#contract;
  }

  get(path: string, ask: Ask = {}): Promise<AdminAnswer> {
    return this.call("GET", path, ask);
  }

  /** One call on a connection of its own; the answer is checked against the OpenAPI document. */
  async call(method: string, path: string, ask: Ask = {}): Promise<AdminAnswer> {
    const answer = await this.raw(method, path, ask);
    if (ask.unchecked !== true) this.contract.check(method, path, answer);
    return answer;
  }

  raw(method: string, path: string, { body, type, headers = {} }: Ask): Promise<AdminAnswer> {
    const { token } = this.adminOptions();
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          host: "127.0.0.1",
          port: this.port,
          method,
          path,
          agent: false,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(type === undefined ? {} : { "content-type": type }),
            ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const isJson =
              (response.headers["content-type"] ?? "").startsWith("application/json") && text !== "";
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: isJson ? (JSON.parse(text) as unknown) : undefined,
            });
          });
        },
      );
      request.on("error", reject);
      request.end(body);
    });
  }

  /** A bare connection to the admin port. */
  socket(): Socket {
    const socket = connect({ host: "127.0.0.1", port: this.port, noDelay: true });
    socket.on("error", () => undefined);
    this.lab.onEnd(() => socket.destroy());
    return socket;
  }

  async close(): Promise<void> {
    const closing = this.#admin?.close();
    this.clock.advance(10_000);
    await closing;
    this.proxySet.stop();
    await this.telemetry.close();
    await this.lab.close();
  }
}

const quiet = {
  level: "error",
  log: () => undefined,
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  lost: 0,
  problem: null,
  close: () => Promise.resolve(),
} as unknown as ConstructorParameters<typeof Telemetry>[0]["log"];

/** Of our own answers, errors among them. */
const JSON_TYPE = "application/json; charset=utf-8";

const contracts = new Map<string, Contract>();

/** What the OpenAPI document promises, held against what is answered. */
export class Contract {
  readonly document: OpenApi;
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #paths: readonly (readonly [RegExp, string])[];

  /** Compiled once for all tests of a file. */
  static of(text: string): Contract {
    const known = contracts.get(text) ?? new Contract(JSON.parse(text) as OpenApi);
    contracts.set(text, known);
    return known;
  }

  private constructor(document: OpenApi) {
    this.document = document;
    this.#ajv.addSchema({ $id: "https://squall.test/api", components: document.components });
    this.#paths = Object.keys(document.paths).map((path) => [
      new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/gu, "[^/]+")}/?$`, "u"),
      path,
    ]);
  }

  check(method: string, target: string, answer: AdminAnswer): void {
    const { status, headers, json } = answer;
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(headers["x-powered-by"]).toBeUndefined();
    const path = this.#paths.find(([pattern]) => pattern.test(target.split("?", 1)[0] ?? ""))?.[1];
    const operations = path === undefined ? undefined : this.document.paths[path];
    const operation = operations?.[method === "HEAD" ? "get" : method.toLowerCase()];
    const declared = operation?.responses[String(status)];
    if (status >= 400 && (headers["content-type"] ?? "") !== JSON_TYPE && isToxiproxyPath(target)) {
      this.#checkToxiproxyError(method, answer, operation, declared);
      return;
    }
    if (declared === undefined) {
      expect(status, `${method} ${target} answered ${status}, which nobody declared`).toBeGreaterThanOrEqual(
        400,
      );
      if (method === "HEAD") return;
      this.#expectShape({ $ref: "https://squall.test/api#/components/schemas/Error" }, json);
      expect(json.status).toBe(status);
      expect([
        ...COMMON_ERRORS,
        ...(operation === undefined ? ["SQ_NOT_FOUND", "SQ_METHOD_NOT_ALLOWED"] : []),
      ]).toContain(json.code);
      return;
    }
    this.seen.add(`${method} ${path} ${status}`);
    if (method === "HEAD") {
      expect(answer.text).toBe("");
      return;
    }
    const type = (headers["content-type"] ?? "").split(";", 1)[0] ?? "";
    if (declared.content === undefined) {
      expect(answer.text).toBe("");
      return;
    }
    const content = declared.content[type];
    expect(content, `${method} ${target} answered ${type}, which nobody declared`).toBeDefined();
    if (type === "application/json") this.#expectShape(content?.schema ?? {}, json);
    if (status >= 400) {
      expect(json.status).toBe(status);
      expect(declared.description).toContain(`${json.code}:`);
    }
  }

  /** Errors of Toxiproxy's calls: text with a line end, or nothing at all. */
  #checkToxiproxyError(
    method: string,
    { status, headers, text, json }: AdminAnswer,
    operation: Operation | undefined,
    declared: Operation["responses"][string] | undefined,
  ): void {
    if (method === "HEAD") return;
    if (status === 405) {
      expect(operation).toBeUndefined();
      expect([text, headers["content-length"], headers["content-type"]]).toEqual(["", "0", undefined]);
    } else if (operation === undefined) {
      expect([status, text]).toEqual([404, "404 page not found\n"]);
    } else if (json !== undefined) {
      this.#expectShape(declared?.content?.["application/json"]?.schema ?? {}, json);
    } else {
      expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
      expect(text).toMatch(/\}\n$/u);
      this.#expectShape(
        { $ref: "https://squall.test/api#/components/schemas/ToxiproxyError" },
        JSON.parse(text) as unknown,
      );
    }
  }

  #expectShape(schema: object, value: unknown): void {
    const text = JSON.stringify(schema).replaceAll('"#/components', '"https://squall.test/api#/components');
    let validate = this.#validators.get(text);
    if (validate === undefined) {
      validate = this.#ajv.compile(JSON.parse(text) as object);
      this.#validators.set(text, validate);
    }
    if (!validate(value)) expect(validate.errors, JSON.stringify(value)).toEqual([]);
  }
}

/** docker-compose.yml, Dockerfile and what they mount, checked without an engine; run.sh proves them with one. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { readConfig } from "../../src/config/config.js";
import { ROOT } from "../support/process.js";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** What a user has who sets nothing: `${X:-default}` is its default. */
const withDefaults = (text: string): string => text.replace(/\$\{\w+:-([^}]*)\}/gu, "$1");

const words = z.array(z.string());
/**
 * Keys and forms that both docker-compose 1.29 and `docker compose` take, as far as they are in use here; whoever needs
 * another one looks it up in the schemas of both.
 */
const Service = z.strictObject({
  image: z.string(),
  build: z.string().optional(),
  pull_policy: z.enum(["always", "never", "if_not_present", "build"]).optional(),
  command: words.optional(),
  entrypoint: words.optional(),
  environment: z.record(z.string(), z.string().nullable()).optional(),
  user: z.string().optional(),
  cap_drop: words.optional(),
  cap_add: words.optional(),
  security_opt: words.optional(),
  read_only: z.boolean().optional(),
  tmpfs: words.optional(),
  scale: z.int().optional(),
  profiles: words.optional(),
  depends_on: z
    .union([
      words,
      z.record(z.string(), z.strictObject({ condition: z.enum(["service_started", "service_healthy"]) })),
    ])
    .optional(),
  networks: z.union([words, z.record(z.string(), z.strictObject({ ipv4_address: z.string() }))]),
  ports: words.optional(),
  volumes: words.optional(),
  healthcheck: z
    .strictObject({ test: words, interval: z.string(), timeout: z.string(), retries: z.int() })
    .optional(),
  stop_grace_period: z.string().optional(),
});
const Compose = z.strictObject({
  services: z.record(z.string(), Service),
  networks: z.record(
    z.string(),
    z.strictObject({
      ipam: z.strictObject({ config: z.array(z.strictObject({ subnet: z.string() })) }),
    }),
  ),
  volumes: z.record(z.string(), z.strictObject({})),
});

const compose = Compose.parse(parse(withDefaults(read("docker-compose.yml"))));
const services = new Map(Object.entries(compose.services));
const serviceOf = (name: string): z.output<typeof Service> => {
  const found = services.get(name);
  expect(found, name).toBeDefined();
  return found!;
};
const commandOf = (name: string): string => {
  const { entrypoint = [], command = [] } = serviceOf(name);
  return [...entrypoint, ...command].join(" ");
};

describe("docker-compose.yml", () => {
  it("interpolates only in ways that every compose knows", () => {
    const odd = [...read("docker-compose.yml").matchAll(/(?<!\$)\$(?!\$)(\{\w+:-[^}$]*\})?/gu)];
    expect(odd.filter(([, known]) => known === undefined)).toEqual([]);
  });

  it("publishes ports on the host's loopback only", () => {
    for (const [name, { ports = [] }] of services)
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/u);
  });

  it("gives NET_ADMIN to Squall alone, drops everything else, and makes nobody else root", () => {
    for (const [name, service] of services) {
      expect(service.cap_drop, name).toEqual(["ALL"]);
      expect(service.security_opt, name).toEqual(["no-new-privileges:true"]);
      if (name !== "squall") expect([service.cap_add, service.user], name).toEqual([undefined, undefined]);
    }
    const { cap_add, user } = serviceOf("squall");
    // A user other than root would have the capability permitted to its container, but not in force.
    expect({ cap_add, user }).toEqual({ cap_add: ["NET_ADMIN", "NET_BIND_SERVICE"], user: "0:0" });
  });

  it("asks every service that answers for its health", () => {
    for (const [name, { ports, healthcheck }] of services)
      if (ports !== undefined || name === "job-server") expect(healthcheck, name).toBeDefined();
  });

  it("builds the image once, before the first service that needs it", () => {
    const builders = [...services].filter(([, { build }]) => build !== undefined).map(([name]) => name);
    expect(builders).toEqual(["job-server"]);
    const { image } = serviceOf("job-server");
    for (const [name, service] of services)
      if (service.image === image && name !== "job-server") expect(service.pull_policy, name).toBe("never");
    expect(serviceOf("squall").depends_on).toHaveProperty("job-server");
    expect(serviceOf("bot").depends_on).toHaveProperty("squall");
  });

  it("mounts only what is there", () => {
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const [source = "", , mode] = volume.split(":");
        if (!source.startsWith(".")) expect(compose.volumes, name).toHaveProperty(source);
        else expect([existsSync(join(ROOT, source)), mode], volume).toEqual([true, "ro"]);
      }
    }
  });

  it("names only commands and options that squall has", () => {
    const main = read("src/cli/mock.ts") + read("src/cli/bot.ts") + read("src/cli/local.ts");
    for (const name of ["job-server", "squall", "bot"])
      for (const [option = ""] of commandOf(name).matchAll(/--[a-z-]+/gu))
        expect(main, `${name}: ${option}`).toContain(`${option} <`);
  });

  it("tells the story of `npm start`: as many bots, as much work, the same ports", () => {
    const demo = read("src/cli/demo.ts");
    const number = (name: string): string =>
      (new RegExp(`const ${name} = ([\\d_]+);`, "u").exec(demo)?.[1] ?? "").replaceAll("_", "");
    expect(commandOf("job-server")).toContain(`--feed ${number("FEED_EVERY_MS")}ms`);
    expect(commandOf("job-server")).toContain(`--lease ${Number(number("LEASE_MS")) / 1_000}s`);
    expect(commandOf("bot")).toContain(`--work-time ${number("WORK_MS")}ms`);
    expect(demo).toContain(`"how many bots", "${String(serviceOf("bot").scale)}"`);
    for (const port of ["8474", "8080"]) {
      expect(demo).toContain(`127.0.0.1:${port}`);
      expect(serviceOf("squall").ports).toContain(`127.0.0.1:${port}:${port}`);
    }
  });
});

describe("the bots' names", () => {
  const { config } = readConfig({ text: read("deploy/squall/squall.yaml"), file: "squall.yaml", env: {} });
  const { networks } = serviceOf("squall");
  const address = Array.isArray(networks) ? undefined : networks["lab"]?.ipv4_address;
  const records = /records: \{ (\S+): (\S+) \}/u.exec(read("deploy/squall/squall.yaml")) ?? [];

  it("are answered by Squall, at the address that it has in the network", () => {
    expect(serviceOf("bot").volumes).toContain("./deploy/resolv.conf:/etc/resolv.conf:ro");
    expect(read("deploy/resolv.conf")).toMatch(new RegExp(`^nameserver ${String(address)}$`, "mu"));
    expect(records[2]).toBe(address);
    expect(compose.networks["lab"]?.ipam.config[0]?.subnet).toBe(String(address).replace(/\.\d+$/u, ".0/24"));
  });

  it("lead to Squall's http proxy, by one that no service has", () => {
    expect(services.has(String(records[1]))).toBe(false);
    expect(commandOf("bot")).toContain(`--server http://${String(records[1])}:8080 `);
  });

  it("are asked of a dns proxy on port 53, as resolv.conf knows no other", () => {
    const listens = (config.proxies as readonly { name: string; listen: { port: number } }[]).map(
      ({ name, listen }) => [name, listen.port],
    );
    expect(Object.fromEntries(listens)).toEqual({ jobs: 8080, bytes: 8081, names: 53 });
  });

  it("are told apart by the header that bots send", () => {
    expect(read("deploy/squall/squall.yaml")).toContain("identify: [{ header: x-bot-id }");
    expect(read("src/mock/bot/exchange.ts")).toContain('"x-bot-id"');
  });
});

describe("Dockerfile", () => {
  const text = read("Dockerfile");
  const ignored = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

  it("needs no BuildKit", () => {
    expect(text).not.toMatch(/^#\s*(?:syntax|check)=/imu);
    expect(text).not.toMatch(
      /^(?:RUN|COPY|ADD)\s.*(?:--(?:mount|network|security|link|chmod|parents|exclude|checksum)\b|<<)/imu,
    );
    expect(text).not.toMatch(/\b(?:TARGET|BUILD)(?:PLATFORM|ARCH|OS)\b/u);
  });

  it("copies only what is there and what .dockerignore lets through", () => {
    expect(ignored[0]).toBe("*");
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gmu)].flatMap(([, sources = ""]) =>
      sources.split(" "),
    );
    expect(copied.length).toBeGreaterThan(4);
    for (const source of copied) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(ignored, source).toContain(`!${source.replace(/^\.\//u, "")}`);
    }
  });

  it("builds with the profiles beside the program, without which the daemon does not start and leaves no code cache", () => {
    const [before = ""] = text.split("npm run --silent build");
    expect(before).toMatch(/^COPY profiles \.\/profiles$/mu);
  });

  it("listens where the container is reached, but only where it is given no command", () => {
    expect(text).toContain('ENTRYPOINT ["squall"]\n');
    const [, command = ""] = /^CMD (\[.*\])$/mu.exec(text) ?? [];
    const [verb, ...args] = JSON.parse(command) as string[];
    expect([verb, ...args]).toEqual(["serve", "--admin", ":8474"]);
    expect(text).not.toMatch(/^ENV SQUALL_/mu);
  });

  it("has the programs of Toxiproxy's image where scripts look for them", () => {
    for (const path of ["/toxiproxy", "/toxiproxy-cli", "/usr/local/bin/squall"])
      expect(text).toContain(`ln -s /squall/dist/main.js ${path}`);
  });

  it("ends as a user who is not root", () => {
    expect([...text.matchAll(/^USER (\S+)$/gmu)].at(-1)?.[1]).toBe("node");
  });
});

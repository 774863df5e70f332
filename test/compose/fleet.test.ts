/** deploy/fleet, deploy/kubernetes and deploy/systemd: valid configurations that fit together, and a page whose commands name what is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { readConfig, type Config } from "../../src/config/config.js";
import { Library } from "../../src/config/library.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { namesOf } from "../../src/fleet/engines/nats/names.js";
import { compileProfile } from "../../src/plan/compile.js";
import { ROOT } from "../support/process.js";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const words = z.array(z.string());

const withDefaults = (text: string): string => text.replace(/\$\{\w+:-([^}]*)\}/gu, "$1");

describe("deploy/fleet", () => {
  const Service = z.looseObject({
    image: z.string(),
    networks: words,
    cap_drop: words,
    read_only: z.boolean(),
    security_opt: words,
    command: words.optional(),
    ports: words.optional(),
    volumes: words.optional(),
    environment: z.record(z.string(), z.string()).optional(),
  });
  const { services } = z
    .object({ services: z.record(z.string(), Service) })
    .parse(parse(withDefaults(read("deploy/fleet/compose.yml")), { merge: true }));
  const daemons = Object.entries(services).filter(([name]) => name.startsWith("squall-"));
  const configOf = (environment: Record<string, string>): Config =>
    readConfig({ text: read("deploy/fleet/squall.yaml"), env: environment }).config;
  const nats = read("deploy/fleet/nats.conf");
  /** Each user's part of the file. */
  const users = new Map(
    [...nats.matchAll(/user: ([\w-]+), password: (\$\w+)([\s\S]*?)\n {4}\}\n/gu)].map(
      ([, name = "", password = "", rest = ""]) => [name, { password, rest }],
    ),
  );

  it("has three daemons of one fleet under names of their own, one of which controls", () => {
    const configs = daemons.map(
      ([name, { environment = {} }]) => [name, configOf(environment).fleet] as const,
    );
    expect(configs.map(([name, fleet]) => [name, fleet?.daemon, fleet?.name, fleet?.control])).toEqual([
      ["squall-a", "squall-a", "staging", true],
      ["squall-b", "squall-b", "staging", false],
      ["squall-c", "squall-c", "staging", false],
    ]);
    for (const [name, fleet] of configs) expect(fleet?.admin, name).toBe(`http://${name}:8474`);
  });

  it("gives each daemon a user that may write its own presence and journal, and to one the plan", () => {
    expect([...users.keys()]).toEqual(["controller", "squall-b", "squall-c"]);
    for (const [name, { environment = {} }] of daemons) {
      const user = users.get(environment["SQUALL__FLEET__CREDENTIALS__USER"] ?? "");
      const names = namesOf("staging", name);
      for (const subject of [names.daemon(name), names.batch(name), `${names.inbox}.>`, names.hint])
        expect(user?.rest, name).toContain(`"${subject}"`);
      const others = daemons.filter(([other]) => other !== name);
      for (const [other] of others)
        for (const subject of [names.daemon(other), names.batch(other)])
          expect(user?.rest, name).not.toContain(`"${subject}"`);
      expect(user?.rest.includes("$KV.squall-staging.>"), name).toBe(name === "squall-a");
      expect(user?.rest.includes(`"${names.anyDaemon}"`), name).toBe(name === "squall-a");
      for (const stream of [names.plans, names.daemons, names.journal])
        expect(user?.rest.includes(`"$JS.API.STREAM.CREATE.${stream}"`), name).toBe(name === "squall-a");
    }
  });

  it("hands NATS the passwords that the daemons show", () => {
    const given = services["nats"]?.environment ?? {};
    for (const [name, { environment = {} }] of daemons) {
      const { password } = users.get(environment["SQUALL__FLEET__CREDENTIALS__USER"] ?? "") ?? {};
      expect(given[password?.slice(1) ?? ""], name).toBe(environment["SQUALL__FLEET__CREDENTIALS__PASSWORD"]);
    }
  });

  it("keeps bots away from NATS, and everybody but this machine from the admin port", () => {
    for (const [name, { networks }] of Object.entries(services))
      expect(networks, name).toEqual(
        name === "nats" ? ["control"] : name.startsWith("squall-") ? ["lab", "control"] : ["lab"],
      );
    const published = Object.entries(services).filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name, { ports }]) => [name, ports])).toEqual([
      ["squall-a", ["127.0.0.1:8474:8474"]],
    ]);
  });

  it("seals every container, and mounts what is there", () => {
    for (const [name, { cap_drop, read_only, security_opt, volumes = [] }] of Object.entries(services)) {
      expect([cap_drop, read_only, security_opt], name).toEqual([["ALL"], true, ["no-new-privileges:true"]]);
      for (const [from = ""] of volumes.map((volume) => volume.split(":")))
        if (from.startsWith(".")) expect(existsSync(join(ROOT, "deploy/fleet", from)), from).toBe(true);
    }
  });
});

describe("deploy/kubernetes", () => {
  const files = readdirSync(join(ROOT, "deploy/kubernetes"));
  const documents = files.flatMap((file) =>
    parseAllDocuments(read(`deploy/kubernetes/${file}`)).map((document) => {
      expect(document.errors, file).toEqual([]);
      return {
        file,
        value: z
          .looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) })
          .parse(document.toJS()),
      };
    }),
  );
  const Container = z.looseObject({
    name: z.string(),
    image: z.string(),
    env: z.array(z.looseObject({ name: z.string() })).optional(),
    ports: z.array(z.looseObject({ name: z.string(), containerPort: z.int() })).optional(),
    securityContext: z.looseObject({}).optional(),
    volumeMounts: z
      .array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean() }))
      .optional(),
  });
  const Pod = z.looseObject({
    initContainers: z.array(Container).optional(),
    containers: z.array(Container),
    volumes: z.array(z.looseObject({ name: z.string() })),
    automountServiceAccountToken: z.boolean(),
  });
  const pods = documents.flatMap(({ file, value }) => {
    const found = z
      .looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: Pod }) }) })
      .safeParse(value);
    return found.success ? [{ file, pod: found.data.spec.template.spec }] : [];
  });
  const squallOf = (pod: z.output<typeof Pod>): z.output<typeof Container> =>
    Container.parse([...(pod.initContainers ?? []), ...pod.containers].find(({ name }) => name === "squall"));
  const dataOf = (name: string): Record<string, string> =>
    z
      .object({ data: z.record(z.string(), z.string()) })
      .parse(documents.find(({ value }) => value.kind === "ConfigMap" && value.metadata.name === name)?.value)
      .data;

  it("has a daemon in three pods", () => {
    expect(pods.map(({ file }) => file).sort()).toEqual([
      "daemonset.yaml",
      "sidecar.yaml",
      "without-engine.yaml",
    ]);
  });

  it.each(pods)("gives the daemon of $file no power, no writable root and no account", ({ pod }) => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(squallOf(pod).securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  it.each(pods)(
    "mounts in $file only what it has, read-only, with the names that the environment gives",
    ({ pod }) => {
      const { volumeMounts = [], env = [] } = squallOf(pod);
      const volumes = new Map(pod.volumes.map((volume) => [volume.name, volume]));
      for (const { name, readOnly } of volumeMounts) {
        expect(readOnly, name).toBe(true);
        expect(volumes.has(name), name).toBe(true);
      }
      const map = z.looseObject({ configMap: z.object({ name: z.string() }) }).parse(volumes.get("squall"))
        .configMap.name;
      const environment = Object.fromEntries(env.map(({ name }) => [name, "10.0.0.7"]));
      const { config } = readConfig({ text: dataOf(map)["squall.yaml"] ?? "", env: environment });
      expect(config.proxies.map(({ name }) => name)).toEqual(["jobs"]);
      if (config.fleet === null) return;
      expect(config.fleet.admin).toBe("http://10.0.0.7:8474");
      const { credentials } = config.fleet;
      expect(JSON.stringify(credentials)).toContain("/etc/squall-secret/nats.creds");
      expect(volumeMounts.map(({ mountPath }) => mountPath)).toContain("/etc/squall-secret");
    },
  );

  it("probes /readyz on the admin port wherever that listens for others", () => {
    for (const { file, pod } of pods.filter(({ file: name }) => name !== "without-engine.yaml")) {
      const squall = squallOf(pod);
      expect(squall, file).toMatchObject({
        startupProbe: { httpGet: { path: "/readyz", port: "admin" } },
        readinessProbe: { httpGet: { path: "/readyz", port: "admin" } },
        livenessProbe: { httpGet: { path: "/healthz", port: "admin" } },
      });
      expect(squall.ports?.find(({ name }) => name === "admin")?.containerPort, file).toBe(8474);
    }
  });

  it("has a profile that disturbs nothing until it is edited, and is on with an end", () => {
    const library = new Library(TYPES);
    const { "chaos.yaml": text = "" } = dataOf("squall-profiles");
    library.replaceFiles([{ file: "chaos.yaml", text }]);
    expect(compileProfile("chaos", library, {}, TYPES).faults).toEqual([]);
    const { config } = readConfig({ text: dataOf("squall-files")["squall.yaml"] ?? "", env: {} });
    expect(config.activate).toMatchObject([{ profile: "chaos", seed: 7, ttl: 8 * 3_600_000 }]);
    expect(config.profiles.paths).toEqual(["/etc/squall/profiles"]);
  });
});

describe("docs/fleet-deploy.md", () => {
  const page = read("docs/fleet-deploy.md");

  it("names files that are there, and all of them", () => {
    const named = new Set([...page.matchAll(/\b(deploy\/[\w./-]+\.\w+)/gu)].map(([, file = ""]) => file));
    for (const file of named) expect(existsSync(join(ROOT, file)), file).toBe(true);
    for (const folder of ["kubernetes", "systemd"])
      for (const file of readdirSync(join(ROOT, "deploy", folder)))
        expect([...named]).toContain(`deploy/${folder}/${file}`);
  });

  it("switches on what there is, by calls that say how long", () => {
    const body = /-d '(\{[^']*\})'/u.exec(page)?.[1] ?? "";
    const call = z.strictObject({ profile: z.string(), ttl: z.string() }).parse(JSON.parse(body));
    expect(existsSync(join(ROOT, `profiles/${call.profile}.yaml`))).toBe(true);
  });

  it("says of the subjects what the adapter calls them", () => {
    const names = namesOf("staging", "NAME");
    for (const subject of [
      names.plan,
      names.texts,
      names.daemon("NAME"),
      names.batch("NAME"),
      names.hint,
      `${names.inbox}.>`,
    ])
      expect(page).toContain(`\`${subject}\``);
    expect(page).toContain(`\`node.1\` is \`${namesOf("x", "y").daemon("node.1").split(".").at(-1) ?? ""}\``);
  });
});

/** examples/compose and examples/kubernetes are what docs/containers.md shows, fit together, and say what their tools take. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { formatAddress, isLoopback } from "../../src/config/address.js";
import { readConfig, type Config } from "../../src/config/config.js";
import { Library } from "../../src/config/library.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";
import { trustValues } from "../../src/tls/trust.js";
import { ROOT } from "../support/process.js";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

/** The names of the profiles in a text, each of which compiles. */
function profilesIn(text: string): readonly string[] {
  const library = new Library(TYPES);
  library.replaceFiles([{ file: "own.yaml", text }]);
  for (const name of library.names()) compileProfile(name, library, {}, TYPES);
  return library.names();
}
const routes = ({ proxies }: Config): string[] =>
  proxies.map(({ name, listen }) => `${name} ${formatAddress(listen)}`);

const words = z.array(z.string());
const Squall = z.object({
  image: z.string(),
  environment: z.record(z.string(), z.string()),
  volumes: words,
  ports: words,
});

describe("docs/containers.md", () => {
  it("shows every example as it is", () => {
    const shown = [...read("docs/containers.md").matchAll(/```yaml\n# (examples\/\S+)\n([\s\S]*?)```/gu)];
    for (const [, file = "", text] of shown) expect(text, file).toBe(read(file));
    expect(shown.map(([, file]) => file)).toEqual([
      "examples/compose/compose.yaml",
      "examples/compose/chaos/slow-api.yaml",
      "examples/compose/with-file.yaml",
      "examples/compose/squall.yaml",
      "examples/compose/with-tls.yaml",
      "examples/kubernetes/sidecar.yaml",
    ]);
  });
});

describe("examples/compose", () => {
  const text = read("examples/compose/compose.yaml");
  const { services } = z
    .object({ services: z.object({ api: z.object({}), worker: z.looseObject({}), squall: Squall }) })
    .parse(parse(text));
  const { environment, volumes, ports } = services.squall;
  const { config } = readConfig({ text: "", env: environment });

  it("takes no more than ten lines for Squall", () => {
    const [, block = ""] = /^  squall:\n([\s\S]*)/mu.exec(text) ?? [];
    expect(`  squall:\n${block}`.trimEnd().split("\n").length).toBeLessThanOrEqual(10);
  });

  it("stands between the worker and the API, by environment and by file alike", () => {
    const { config: filed } = readConfig({ text: read("examples/compose/squall.yaml") });
    for (const one of [config, filed]) {
      expect(routes(one)).toEqual(["jobs :8080"]);
      expect(one.proxies[0]).toMatchObject({ upstream: { host: "api", port: 3000 } });
      expect(one.profiles).toEqual(filed.profiles);
    }
    expect(services.worker).toMatchObject({ environment: { JOB_SERVER: "http://squall:8080" } });
  });

  it("mounts a folder with a profile where the configuration looks for it, and publishes to loopback only", () => {
    expect(volumes).toEqual(["./chaos:/chaos:ro"]);
    expect(profilesIn(read("examples/compose/chaos/slow-api.yaml"))).toEqual(["slow-api"]);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/u);
  });

  it("hands workers the CA's certificate in a volume that has nothing else", () => {
    const { services: secured, volumes: named } = z
      .strictObject({
        services: z.strictObject({
          squall: z.strictObject({ environment: z.record(z.string(), z.string()), volumes: words }),
          worker: z.strictObject({ environment: z.record(z.string(), z.string()), volumes: words }),
        }),
        volumes: z.strictObject({ trust: z.strictObject({}) }),
      })
      .parse(parse(read("examples/compose/with-tls.yaml")));
    const env = { ...environment, ...secured.squall.environment };
    const { tls, proxies } = readConfig({ text: "", env }).config;
    expect(proxies.map(({ secure }) => secure?.mode)).toEqual(["terminate"]);
    expect(tls).toMatchObject({ source: "memory", share: "/trust" });
    expect(secured.squall.volumes).toEqual([`trust:${tls.share ?? ""}`]);
    expect(secured.worker.volumes).toEqual([`trust:${tls.share ?? ""}:ro`]);
    expect(Object.keys(named)).toEqual(["trust"]);
    const values = trustValues({ ca: "/trust/ca.pem", bundle: "/trust/bundle.pem" });
    for (const [name, value] of Object.entries(secured.worker.environment))
      if (name !== "JOB_SERVER") expect(value, name).toBe(values[name]);
    // A named volume belongs to whoever owns the folder in the image.
    expect(read("Dockerfile")).toMatch(/install -d -o node -g node .*\/trust\b/u);
  });

  it("mounts its file where the command reads it", () => {
    const { command, volumes: mounts } = z
      .object({ services: z.object({ squall: z.strictObject({ command: words, volumes: words }) }) })
      .parse(parse(read("examples/compose/with-file.yaml"))).services.squall;
    expect(mounts).toEqual([`./squall.yaml:${command.at(-1) ?? ""}:ro`]);
    expect(existsSync(join(ROOT, "examples/compose/squall.yaml"))).toBe(true);
  });
});

/**
 * The shapes of Kubernetes' API (core/v1, apps/v1) as far as the example uses them: a key that is not here is a mistake until
 * somebody has looked it up.
 */
const Labels = z.record(z.string(), z.string());
const Metadata = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u),
  labels: Labels.optional(),
});
const Seconds = z.int().min(1).optional();
const Probe = z.strictObject({
  exec: z.strictObject({ command: words }),
  periodSeconds: Seconds,
  timeoutSeconds: Seconds,
  failureThreshold: Seconds,
});
const Amounts = z.strictObject({
  cpu: z
    .string()
    .regex(/^\d+m$/u)
    .optional(),
  memory: z
    .string()
    .regex(/^\d+Mi$/u)
    .optional(),
});
const Container = z.strictObject({
  name: z.string(),
  image: z.string(),
  restartPolicy: z.literal("Always").optional(),
  args: words.optional(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).default([]),
  startupProbe: Probe.optional(),
  livenessProbe: Probe.optional(),
  resources: z.strictObject({ requests: Amounts, limits: Amounts }).optional(),
  securityContext: z
    .strictObject({
      runAsNonRoot: z.literal(true),
      runAsUser: z.int().min(1),
      allowPrivilegeEscalation: z.literal(false),
      readOnlyRootFilesystem: z.literal(true),
      capabilities: z.strictObject({ drop: words }),
      seccompProfile: z.strictObject({ type: z.literal("RuntimeDefault") }),
    })
    .optional(),
  volumeMounts: z
    .array(z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean() }))
    .default([]),
});
const ConfigMap = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("ConfigMap"),
  metadata: Metadata,
  data: z.record(z.string(), z.string()),
});
const Deployment = z.strictObject({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("Deployment"),
  metadata: Metadata,
  spec: z.strictObject({
    replicas: z.int(),
    selector: z.strictObject({ matchLabels: Labels }),
    template: z.strictObject({
      metadata: z.strictObject({ labels: Labels }),
      spec: z.strictObject({
        initContainers: z.tuple([Container]),
        containers: z.tuple([Container]),
        volumes: z.array(
          z.strictObject({ name: z.string(), configMap: z.strictObject({ name: z.string() }) }),
        ),
      }),
    }),
  }),
});

describe("examples/kubernetes/sidecar.yaml", () => {
  const [map, deployment] = z
    .tuple([ConfigMap, Deployment])
    .parse(
      parseAllDocuments(read("examples/kubernetes/sidecar.yaml")).map((document): unknown => document.toJS()),
    );
  const { template, selector } = deployment.spec;
  const { initContainers, containers, volumes } = template.spec;
  const [squall] = initContainers;
  const [worker] = containers;
  const mount = squall.volumeMounts[0]?.mountPath ?? "";

  it("selects its own pods, and mounts the ConfigMap where Squall reads its configuration and profiles", () => {
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    expect(volumes).toEqual([{ name: squall.volumeMounts[0]?.name, configMap: { name: map.metadata.name } }]);
    expect(squall.args).toEqual(["serve", "--config", `${mount}/squall.yaml`]);
    const { config } = readConfig({ text: map.data["squall.yaml"] ?? "" });
    expect(config.profiles).toMatchObject({ paths: [`${mount}/slow-api.yaml`] });
    expect(profilesIn(map.data["slow-api.yaml"] ?? "")).toEqual(["slow-api"]);
  });

  it("listens on the pod's loopback only, where the worker looks for it", () => {
    const { config } = readConfig({ text: map.data["squall.yaml"] ?? "" });
    for (const { host } of [config.admin.listen, ...config.proxies.map(({ listen }) => listen)])
      expect(isLoopback(host), host).toBe(true);
    expect(routes(config)).toEqual(["jobs 127.0.0.1:8080"]);
    expect(worker.env).toEqual([{ name: "JOB_SERVER", value: "http://127.0.0.1:8080" }]);
  });

  it("runs beside the worker, as nobody in particular, and asks the image's own check for its health", () => {
    expect(squall.restartPolicy).toBe("Always");
    expect(squall.securityContext?.capabilities.drop).toEqual(["ALL"]);
    const [, check = ""] = /^HEALTHCHECK .*CMD (\[.*\])$/mu.exec(read("Dockerfile")) ?? [];
    for (const probe of [squall.startupProbe, squall.livenessProbe])
      expect(probe?.exec.command).toEqual(JSON.parse(check));
  });
});

/** The dashboard and the alert rules ask for series that there are: those of docs/metrics.md and of the mock job server. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { startMockServer } from "../../src/mock/server/server.js";
import { ROOT } from "../support/process.js";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

interface Question {
  readonly where: string;
  readonly expr: string;
}

const Source = z.object({ type: z.literal("prometheus"), uid: z.string() });
const Panel = z.object({
  id: z.int(),
  title: z.string(),
  type: z.string(),
  description: z.string().optional(),
  datasource: Source.optional(),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z
    .array(z.object({ refId: z.string(), expr: z.string(), datasource: Source.optional() }))
    .default([]),
});
const Dashboard = z.object({
  uid: z.string(),
  annotations: z.object({
    list: z.array(z.object({ name: z.string(), expr: z.string(), datasource: Source })),
  }),
  templating: z.object({
    list: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        definition: z.string().optional(),
        datasource: Source.optional(),
      }),
    ),
  }),
  // A row that is closed holds its panels; below one that is open they stand beside it.
  panels: z.array(Panel.extend({ panels: z.array(Panel).default([]) })),
});
const Rules = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({
            severity: z.enum(["info", "warning", "critical"]),
            component: z.enum(["squall", "mock-server"]),
          }),
          annotations: z.object({ summary: z.string() }),
        }),
      ),
    }),
  ),
});

const dashboard = Dashboard.parse(JSON.parse(read("deploy/grafana/dashboards/squall.json")));
const rows = dashboard.panels.filter(({ type }) => type === "row");
const panels = dashboard.panels.flatMap((panel) => [panel, ...panel.panels]);
const ALERT_FILES = { "squall": "alerts.yml", "mock-server": "mock-server-alerts.yml" };
const rulesOf = (file: string) =>
  Rules.parse(parse(read(`deploy/prometheus/${file}`))).groups.flatMap(({ rules }) => rules);
const alerts = Object.values(ALERT_FILES).flatMap(rulesOf);
const questions: readonly Question[] = [
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: `panel ${title}`, expr }))),
  ...dashboard.annotations.list.map(({ name, expr }) => ({ where: `annotation ${name}`, expr })),
  ...alerts.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
];

/** Label names by metric. */
const exported = new Map<string, Set<string>>([
  // What Prometheus itself knows of its targets and alerts.
  ["up", new Set()],
  ["ALERTS", new Set(["alertname", "alertstate", "component"])],
]);
/** Which every series has once it is scraped. */
const SCRAPED = ["job", "instance"];

beforeAll(async () => {
  for (const [, name = "", type = "", labels = ""] of read("docs/metrics.md").matchAll(
    /^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*)\|/gmu,
  )) {
    const names = [...labels.matchAll(/`(\w+)`/gu)].map(([, label = ""]) => label);
    if (type !== "histogram") exported.set(name, new Set(names));
    else {
      exported.set(`${name}_bucket`, new Set([...names, "le"]));
      for (const part of ["sum", "count"]) exported.set(`${name}_${part}`, new Set(names));
    }
  }
  const server = await startMockServer();
  const text = await (await fetch(`${server.url}/metrics`)).text();
  await server.close();
  for (const [, name = "", labels = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gmu)) {
    const known = exported.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/(\w+)="/gu)) known.add(label);
    exported.set(name, known);
  }
});

/** Names of metrics, and with each the labels that are asked of it; functions, keywords and label lists are none. */
function metricsOf(expr: string): { name: string; labels: string[] }[] {
  const bare = expr
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/gu, "")
    .replaceAll(/\[[^\]]*\]/gu, "");
  return [...bare.matchAll(/([a-zA-Z_:][\w:]*)(\{[^}]*\})?(?!\w|\s*\()/gu)]
    .filter(([, name = ""]) => !["and", "or", "unless", "bool", "offset"].includes(name))
    .filter(({ index, 0: whole }) => !insideQuotesOrBraces(bare, index, whole))
    .map(([, name = "", selector = ""]) => ({
      name,
      labels: [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/gu)].map(([, label = ""]) => label),
    }));
}

function insideQuotesOrBraces(text: string, index: number, whole: string): boolean {
  const before = text.slice(0, index);
  return (
    (before.match(/"/gu)?.length ?? 0) % 2 === 1 ||
    before.lastIndexOf("{") > before.lastIndexOf("}") ||
    /[\w:]$/u.test(before) ||
    whole === ""
  );
}

describe("the dashboard and the alerts", () => {
  it("ask for metrics that are exported, by labels that they have", () => {
    const wrong = questions.flatMap(({ where, expr }) => {
      const metrics = metricsOf(expr);
      expect(metrics.length, `${where}: ${expr}`).toBeGreaterThan(0);
      return metrics.flatMap(({ name, labels }) => {
        const known = exported.get(name);
        if (known === undefined) return [`${where}: ${name}`];
        return labels
          .filter((label) => !known.has(label) && !SCRAPED.includes(label))
          .map((label) => `${where}: ${name}{${label}}`);
      });
    });
    expect(wrong).toEqual([]);
  });

  it("group by labels that something in the question has", () => {
    const wrong = questions.flatMap(({ where, expr }) => {
      const there = new Set(metricsOf(expr).flatMap(({ name }) => [...(exported.get(name) ?? [])]));
      return [...expr.matchAll(/\bby\s*\(([^)]*)\)/gu)]
        .flatMap(([, list = ""]) => list.split(",").map((label) => label.trim()))
        .filter((label) => !there.has(label))
        .map((label) => `${where}: by (${label})`);
    });
    expect(wrong).toEqual([]);
  });

  it("read their questions as they are meant here", () => {
    expect(metricsOf('sum by (a) (rate(x_total{code=~"5..|none"}[30s])) / y > 0.1')).toEqual([
      { name: "x_total", labels: ["code"] },
      { name: "y", labels: [] },
    ]);
  });
});

describe("the dashboard", () => {
  it("asks the data source that is chosen, which is the provisioned one where there is no other", () => {
    const { datasources } = z
      .object({
        datasources: z.array(z.object({ type: z.string(), isDefault: z.boolean(), url: z.string() })),
      })
      .parse(parse(read("deploy/grafana/provisioning/datasources/prometheus.yml")));
    const asking = [
      ...panels.flatMap(({ datasource, targets }) => [
        datasource,
        ...targets.map((target) => target.datasource),
      ]),
      ...dashboard.annotations.list.map(({ datasource }) => datasource),
      ...dashboard.templating.list.map(({ datasource }) => datasource),
    ].flatMap((source) => (source === undefined ? [] : [source.uid]));
    expect(new Set(asking)).toEqual(new Set(["${datasource}"]));
    expect(datasources).toEqual([{ type: "prometheus", isDefault: true, url: "http://prometheus:9090" }]);
  });

  it("narrows everything that knows proxies to those that are chosen, of those that there are", () => {
    const [source, proxy] = dashboard.templating.list;
    expect(source).toMatchObject({ name: "datasource", type: "datasource" });
    expect(proxy).toMatchObject({ name: "proxy", definition: "label_values(squall_proxy_up, proxy)" });
    expect(exported.get("squall_proxy_up")).toContain("proxy");
    for (const { title, targets } of panels)
      for (const { expr } of targets)
        for (const { name, labels } of metricsOf(expr))
          if (exported.get(name)?.has("proxy") === true)
            expect(labels, `${title}: ${name}`).toContain("proxy");
  });

  it("begins with Squall itself, and keeps the mock job server to a row of its own, closed and last", () => {
    expect(rows[0]?.title).toBe("Squall itself");
    expect(rows.map(({ panels: inside }) => inside.length > 0)).toEqual([
      ...rows.slice(1).map(() => false),
      true,
    ]);
    expect(dashboard.panels.at(-1)).toBe(rows.at(-1));
    const asks = (of: readonly z.output<typeof Panel>[]): string =>
      of.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join("\n");
    expect(asks(dashboard.panels)).not.toMatch(/squall_mock|mock-server/u);
    for (const panel of rows.at(-1)?.panels ?? []) expect(asks([panel])).toMatch(/squall_mock|mock-server/u);
  });

  it("has panels that say what they show and do not lie on each other", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, type, description, gridPos } of panels) {
      if (type !== "row") expect(description, title).toMatch(/\.$/u);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      const over = panels.filter(
        (other) =>
          other.title !== title &&
          other.gridPos.x < gridPos.x + gridPos.w &&
          gridPos.x < other.gridPos.x + other.gridPos.w &&
          other.gridPos.y < gridPos.y + gridPos.h &&
          gridPos.y < other.gridPos.y + other.gridPos.h,
      );
      expect(
        over.map((other) => other.title),
        title,
      ).toEqual([]);
    }
  });
});

describe("the alerts", () => {
  it("about Squall ask nothing of the mock job server, and the other way round", () => {
    for (const [component, file] of Object.entries(ALERT_FILES)) {
      for (const { alert, labels, expr } of rulesOf(file)) {
        expect(labels.component, alert).toBe(component);
        expect(/squall_mock|job-server/u.test(expr), alert).toBe(component === "mock-server");
      }
    }
  });

  it("are all on the page", () => {
    const page = read("docs/compose.md");
    for (const { alert } of alerts) expect(page).toContain(`\`${alert}\``);
  });

  it("are all loaded", () => {
    const { rule_files } = z
      .object({ rule_files: z.array(z.string()) })
      .parse(parse(read("deploy/prometheus/prometheus.yml")));
    expect(rule_files).toEqual(Object.values(ALERT_FILES));
  });
});

describe("prometheus.yml", () => {
  it("scrapes Squall and the job server by the names of their services", () => {
    const { scrape_configs } = z
      .object({
        scrape_configs: z.array(
          z.object({
            job_name: z.string(),
            static_configs: z.array(z.object({ targets: z.array(z.string()) })),
          }),
        ),
      })
      .parse(parse(read("deploy/prometheus/prometheus.yml")));
    const targets = scrape_configs.map(({ job_name, static_configs }) => [
      job_name,
      static_configs[0]?.targets[0],
    ]);
    expect(targets).toEqual([
      ["squall", "squall:8474"],
      ["job-server", "job-server:3000"],
    ]);
  });
});

/** The servers of the matrix: real programs on free ports, and where each has what the scenarios ask for. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Resources } from "./scenarios.js";
import { freePort } from "../../support/free-port.js";
import { listens } from "../../support/listens.js";

export interface Server {
  readonly name: string;
  readonly resources: Resources;
  /** What the machine must have for it; null where it has. */
  readonly missing: string | null;
  start(folder: string): Promise<Running>;
}

export interface Running {
  readonly port: number;
  stop(): Promise<void>;
}

const own: Resources = {
  get: "/small",
  head: "/small",
  post: "/echo",
  redirect: "/redirect",
  large: "/large",
  connection: "/connection",
};

export function has(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** A Python that has `modules`, or null. Debian's has those that Debian's packages bring, another on the path may not. */
export function pythonWith(...modules: readonly string[]): string | null {
  const fits = (python: string): boolean =>
    spawnSync(python, ["-c", ["pass", ...modules.map((name) => `import ${name}`)].join("\n")]).status === 0;
  return ["python3", "/usr/bin/python3"].find(fits) ?? null;
}

const python = pythonWith();

export const SERVERS: readonly Server[] = [
  {
    name: "node:http",
    resources: own,
    missing: null,
    start: () => printing(process.execPath, [peer("server.mjs"), "node"]),
  },
  {
    name: "express",
    resources: own,
    missing: null,
    start: () => printing(process.execPath, [peer("server.mjs"), "express"]),
  },
  {
    name: "python http.server",
    resources: own,
    missing: python === null ? "python3" : null,
    start: () => printing(python ?? "python3", [peer("server.py")]),
  },
  { name: "nginx", resources: own, missing: has("nginx") ? null : "nginx", start: nginx },
  {
    name: "Prometheus",
    resources: {
      get: "/api/v1/query?query=vector(1)&time=0",
      head: "/-/healthy",
      post: "/api/v1/query",
      redirect: "/classic/graph",
      large: "/api/v1/query_range?query=vector(1)&start=0&end=10999&step=1",
      connection: null,
    },
    missing: has("prometheus") ? null : "prometheus",
    start: prometheus,
  },
];

export function peer(file: string): string {
  return join(import.meta.dirname, file);
}

function ending(child: ChildProcess): () => Promise<void> {
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}

/** A program that prints its port. */
async function printing(command: string, args: readonly string[]): Promise<Running> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const died = once(child, "exit").then(() => {
    throw new Error(`${command} ${args.join(" ")} ended before it was ready`);
  });
  died.catch(() => undefined);
  const [line] = (await Promise.race([once(child.stdout, "data"), died])) as [Buffer];
  return { port: Number(line.toString()), stop: ending(child) };
}

/** A program that is told its port, and is there when it accepts connections. */
async function listening(command: string, args: readonly string[], port: number): Promise<Running> {
  const child = spawn(command, args, { stdio: "ignore" });
  await listens(port, child, () => `${command} ${args.join(" ")}`);
  return { port, stop: ending(child) };
}

async function nginx(folder: string): Promise<Running> {
  const port = await freePort();
  for (const name of ["logs", "tmp", "html"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "html/large"), Buffer.alloc(4_200_000, "squall "));
  writeFileSync(join(folder, "html/small"), '{"state":"queued"}');
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path tmp;`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    root html;
    # So that whoever follows comes by the proxy again.
    absolute_redirect off;
    default_type application/json;
    location = /echo { return 201 "$request_method $request_uri $http_content_type $http_transfer_encoding"; }
    location = /redirect { return 302 /small; }
    location = /connection { return 200 "$connection"; }
  }
}
`,
  );
  return listening("nginx", ["-p", `${folder}/`, "-c", file, "-e", "stderr"], port);
}

async function prometheus(folder: string): Promise<Running> {
  const port = await freePort();
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, "global: { scrape_interval: 1h }\n");
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=error",
  ];
  const running = await listening("prometheus", args, port);
  // It listens before it has read its storage, and says 503 until then.
  while ((await fetch(`http://127.0.0.1:${port}/-/ready`)).status !== 200);
  return running;
}

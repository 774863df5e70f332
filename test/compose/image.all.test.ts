/** The steps of the Dockerfile, read from it and carried out in a folder: without an engine, and with the packages that are here. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../support/free-port.js";
import { ROOT, Workshop } from "../support/process.js";

const text = readFileSync(join(ROOT, "Dockerfile"), "utf8").replace(/\\\n/gu, "");
const [building = "", shipped = ""] = text.split(/^FROM .*$/mu).slice(1);
const shop = new Workshop();
let root: string;

/** The words of each instruction of that name. */
function instructions(stage: string, name: string): string[] {
  return [...stage.matchAll(new RegExp(`^${name} (.*)$`, "gmu"))].map(([, words = ""]) => words);
}

/** `COPY a b ./c/`, from the sources or from the stage before, into the folder that is /squall there. */
function copy(words: string, from: string, to: string): void {
  const [target = "", ...sources] = words.split(" ").toReversed();
  for (const source of sources) {
    const path = join(from, source);
    const whole = target.endsWith("/") || sources.length > 1;
    const place = target.startsWith("/") ? join(to, "..", target) : join(to, target);
    const isFile = /\.\w+$/u.test(source) || source === "LICENSE";
    const file = whole || (isFile && target === "./") ? join(place, basename(source)) : place;
    mkdirSync(dirname(file), { recursive: true });
    cpSync(path, file, { recursive: true, verbatimSymlinks: true });
  }
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "squall-image-"));
  const build = join(root, "build");
  for (const words of instructions(building, "COPY")) copy(words, ROOT, build);
  symlinkSync(join(ROOT, "node_modules"), join(build, "node_modules"));
  // The packages are those of this folder: what fetches them and takes them away again is left out.
  const [run = ""] = instructions(building, "RUN").filter((words) => words.includes("run --silent build"));
  const steps = run.split(" && ").filter((step) => !/^npm (?:ci|prune)\b/u.test(step));
  expect(steps).toHaveLength(2);
  execFileSync("sh", ["-c", steps.join(" && ")], { cwd: build, stdio: ["ignore", "ignore", "inherit"] });
  const image = join(root, "image/squall");
  for (const words of instructions(shipped, "COPY")) {
    const [, , rest] = /^--from=build (\/squall\/)(.*)$/u.exec(words) ?? [];
    if (rest === undefined) copy(words, ROOT, image);
    else if (rest.startsWith("node_modules")) symlinkSync(join(ROOT, "node_modules"), ensured(image));
    else copy(rest, build, image);
  }
}, 240_000);

function ensured(image: string): string {
  mkdirSync(image, { recursive: true });
  return join(image, "node_modules");
}

afterAll(async () => {
  await shop.close();
  rmSync(root, { recursive: true, force: true });
});

it("makes a program that starts by its entry point and command, and that its health check finds well", async () => {
  const image = join(root, "image/squall");
  const [links = ""] = instructions(shipped, "RUN").filter((words) => words.includes("ln -s"));
  for (const [, to = "", name = ""] of links.matchAll(/ln -s \/squall\/(\S+) (\S+)/gu))
    symlinkSync(join(image, to), join(image, basename(name)));
  const [entry = ""] = JSON.parse(instructions(shipped, "ENTRYPOINT")[0] ?? "[]") as string[];
  const command = JSON.parse(instructions(shipped, "CMD")[0] ?? "[]") as string[];
  const port = await freePort();
  const words = command.map((word) => (word === ":8474" ? `127.0.0.1:${port}` : word));
  const daemon = shop.start(words, { command: join(image, entry) });
  const [, admin = ""] = await daemon.printed(/(http:\/\/127\.0\.0\.1:\d+)/u);
  // All that comes with Squall is there.
  const { profiles } = (await (await fetch(`${admin}/profiles`)).json()) as { profiles: unknown[] };
  expect(profiles.length).toBeGreaterThan(50);
  const page = await (await fetch(`${admin}/ui/`)).text();
  for (const [, path = ""] of page.matchAll(/(?:src|href)="([^"]+)"/gu))
    expect((await fetch(new URL(path, `${admin}/ui/`))).status, path).toBe(200);
  const [check = ""] = /CMD (\[.*\])/u.exec(instructions(shipped, "HEALTHCHECK")[0] ?? "")?.slice(1) ?? [];
  const [, script = ""] = JSON.parse(check) as string[];
  const asked = [join(image, basename(script)), String(daemon.child.pid)];
  // It finds the port by the command line of what runs.
  execFileSync(process.execPath, asked, { env: {} });
  daemon.kill();
  expect((await daemon.ended).code).toBe(0);
  expect(() => execFileSync(process.execPath, [join(image, "toxiproxy-cli"), "--version"])).not.toThrow();
});

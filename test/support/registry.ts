/** A registry for npm on loopback that has what is in node_modules, so that installing can be tried without a network. */
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "./process.js";

interface Locked {
  readonly version?: string;
  readonly dev?: boolean;
}

export class Registry {
  readonly #server: Server;
  /** Folders by name and version. */
  readonly #folders = new Map<string, Map<string, string>>();
  url = "";

  private constructor() {
    const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
      readonly packages: Readonly<Record<string, Locked>>;
    };
    for (const [path, { version, dev = false }] of Object.entries(lock.packages)) {
      const folder = join(ROOT, path);
      if (path === "" || dev || version === undefined || !existsSync(folder)) continue;
      const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
      const versions = this.#folders.get(name) ?? new Map<string, string>();
      this.#folders.set(name, versions.set(version, folder));
    }
    this.#server = createServer((request, response) => {
      const answer = this.#answer(decodeURIComponent((request.url ?? "").slice(1)));
      response.writeHead(answer === null ? 404 : 200).end(answer ?? "{}");
    });
  }

  static async open(): Promise<Registry> {
    const registry = new Registry();
    registry.#server.listen(0, "127.0.0.1");
    await once(registry.#server, "listening");
    registry.url = `http://127.0.0.1:${(registry.#server.address() as AddressInfo).port}/`;
    return registry;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(path: string): string | Buffer | null {
    const [, packed = "", version = ""] = /^-\/(.+)\/([^/]+)\.tgz$/u.exec(path) ?? [];
    const folder = this.#folders.get(packed)?.get(version);
    if (folder !== undefined) return gzipSync(tarOf(folder));
    const versions = this.#folders.get(path);
    if (versions === undefined) return null;
    const described = [...versions].map(([number, place]) => {
      const description = JSON.parse(readFileSync(join(place, "package.json"), "utf8")) as object;
      const tarball = `${this.url}-/${path}/${number}.tgz`;
      return [number, { ...description, dist: { tarball } }] as const;
    });
    const latest = described.at(-1)?.[0];
    return JSON.stringify({
      "name": path,
      "dist-tags": { latest },
      "versions": Object.fromEntries(described),
    });
  }
}

/** The folder as a tar archive (POSIX ustar), below `package/` as npm has it. */
function tarOf(folder: string): Buffer {
  const blocks: Buffer[] = [];
  const add = (path: string): void => {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      const inside = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== "node_modules") add(inside);
      else if (entry.isFile()) blocks.push(...fileIn(`package/${inside}`, join(folder, inside)));
    }
  };
  add("");
  return Buffer.concat([...blocks, Buffer.alloc(1_024)]);
}

function fileIn(name: string, path: string): Buffer[] {
  const content = readFileSync(path);
  const header = Buffer.alloc(512);
  const cut = name.length > 100 ? name.indexOf("/", name.length - 101) : -1;
  header.write(name.slice(cut + 1), 0, 100);
  if (cut > 0) header.write(name.slice(0, cut), 345, 155);
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, "0"), at);
  };
  octal(statSync(path).mode & 0o777, 100, 8);
  octal(content.length, 124, 12);
  octal(0, 136, 12);
  header.write("        0", 148);
  header.write("ustar\u000000", 257);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

/**
 * One daemon to a state file. Each that wants it listens on a Unix socket of its own beside it, and then looks for others:
 * a socket can be connected to for as long as its process lives, whatever container that is in, and its name is never
 * used again, so that a dead one can be deleted at any time without harming anybody. Of two at least the later one
 * sees the other. Who sees nobody has the lock.
 */
import { randomBytes, randomInt } from "node:crypto";
import { lstat, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SquallError } from "../core/errors.js";

/** What fits into the address of a Unix socket everywhere. */
const ADDRESS_MAX_BYTES = 100;
/** How long another may take to say whether it has the lock or wants it. One that says nothing has it. */
const GREETING_MAX_MS = 1_000;
/** How often two that want it at the same time step back. */
const ATTEMPTS = 12;
/** A socket gets its name when it can be connected to. One that never got it is no longer about to after this time. */
const NAMELESS_MAX_MS = 60_000;

export interface LockOptions {
  /** The state file; locks are called like it, with `.lock-` and something behind it. */
  readonly file: string;
  readonly pid: number;
  readonly version: string;
}

interface Other {
  readonly holds: boolean;
  /** Empty if it did not say. */
  readonly pid: string;
}

export class Lock {
  readonly #options: LockOptions;
  readonly #prefix: string;
  #server: Server | null = null;
  #folder: FileHandle | null = null;
  #name = "";
  #holds = false;
  /** Why there is no lock here; null if there is one. */
  readonly missing: string | null;

  private constructor(options: LockOptions, missing: string | null) {
    this.#options = options;
    this.#prefix = `${basename(options.file)}.lock-`;
    this.missing = missing;
  }

  /** Throws SQ_STATE_LOCKED if another daemon has it. Where there can be none, there is none: see `missing`. */
  static async take(options: LockOptions): Promise<Lock> {
    const lock = new Lock(options, null);
    try {
      await lock.#take();
      return lock;
    } catch (error) {
      await lock.release();
      if (error instanceof SquallError) throw error;
      // Some shared folders of virtual machines know no sockets.
      return new Lock(options, error instanceof Error ? error.message : String(error));
    }
  }

  /** Makes sure of it: a socket that somebody has deleted is made anew. Throws if another daemon has the lock by now. */
  async hold(): Promise<void> {
    if (this.missing !== null || (this.#server !== null && (await exists(this.#path)))) return;
    await this.release();
    await this.#take();
  }

  async release(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#holds = false;
    if (server !== null) {
      await rm(this.#path, { force: true }).catch(() => undefined);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
    await this.#folder?.close().catch(() => undefined);
    this.#folder = null;
  }

  get #path(): string {
    return join(dirname(this.#options.file), this.#name);
  }

  async #take(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.#listen();
      const others = await this.#others();
      if (others.length === 0) {
        this.#holds = true;
        return;
      }
      await this.release();
      const holder = others.find(({ holds }) => holds);
      if (holder === undefined && attempt < ATTEMPTS) {
        // The others want it too and step back as well: whoever comes again first has it.
        await pause(randomInt(1, 20 * attempt));
        continue;
      }
      const who = holder?.pid === undefined || holder.pid === "" ? "" : ` (process ${holder.pid})`;
      throw new SquallError(
        "SQ_STATE_LOCKED",
        `another daemon${who} keeps its state in ${this.#options.file}`,
        { hint: "stop it, or give each its own file with --state" },
      );
    }
  }

  async #listen(): Promise<void> {
    this.#name = `${this.#prefix}${this.#options.pid}-${randomBytes(6).toString("hex")}`;
    const nameless = `${this.#name}.new`;
    const address = await this.#address(nameless);
    const server = createServer((socket) => {
      const { version: squall, pid } = this.#options;
      socket.on("error", () => undefined).end(JSON.stringify({ squall, pid, holds: this.#holds }));
    });
    // Nobody needs it to live on.
    server.unref();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(address, () => {
        server.removeAllListeners("error").on("error", () => undefined);
        resolve();
      });
    });
    this.#server = server;
    await rename(join(dirname(this.#options.file), nameless), this.#path);
  }

  /** Those that live and have the lock or want it; the dead are deleted. */
  async #others(): Promise<Other[]> {
    const folder = dirname(this.#options.file);
    const own = await lstat(this.#path).catch(() => undefined);
    const others: Other[] = [];
    for (const name of await readdir(folder)) {
      if (!name.startsWith(this.#prefix) || name === this.#name) continue;
      const found = await lstat(join(folder, name)).catch(() => null);
      if (found?.isSocket() !== true) continue;
      if (name.endsWith(".new")) {
        if (own !== undefined && own.mtimeMs - found.mtimeMs > NAMELESS_MAX_MS)
          await rm(join(folder, name), { force: true });
        continue;
      }
      const other = await ask(await this.#address(name));
      if (other === null) await rm(join(folder, name), { force: true });
      else others.push(other);
    }
    return others;
  }

  /** The path, or where that is too long for a socket a shorter one to the same place. */
  async #address(name: string): Promise<string> {
    const folder = dirname(this.#options.file);
    const path = join(folder, name);
    if (Buffer.byteLength(path) <= ADDRESS_MAX_BYTES) return path;
    this.#folder ??= await open(folder, "r");
    return `/proc/self/fd/${this.#folder.fd}/${name}`;
  }
}

/** Who listens there; null if nobody does. */
function ask(address: string): Promise<Other | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    let text = "";
    let late: NodeJS.Timeout | undefined;
    const done = (other: Other | null): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(other);
    };
    const told = (): void => {
      done({ holds: !text.includes('"holds":false'), pid: /"pid":(\d{1,10})/u.exec(text)?.[1] ?? "" });
    };
    socket.once("connect", () => {
      late = setTimeout(told, GREETING_MAX_MS);
    });
    socket.on("data", (chunk: Buffer) => (text = (text + chunk.toString("utf8")).slice(0, 200)));
    socket.once("end", told);
    socket.once("error", (error) => {
      const code = codeOf(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") done(null);
      // It is there, and will not talk: too busy, or not to us.
      else if (["ECONNRESET", "EPIPE", "EAGAIN", "EACCES"].includes(code)) told();
      else reject(error);
    });
  });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

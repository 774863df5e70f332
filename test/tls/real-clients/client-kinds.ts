/** Clients as people write them, each a process that makes one request and prints what it got or what it says of the failure. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

const HERE = import.meta.dirname;

export interface Asking {
  readonly url: string;
  /** After which it gives up by itself. */
  readonly seconds: number;
  /** A file with a certificate and its key; `null` shows none. */
  readonly certificate: string | null;
}

export interface ClientKind {
  readonly name: string;
  /** `null` if it is not there. */
  readonly version: string | null;
  /** Whether it can show a certificate. Node's fetch cannot. */
  readonly certificate: boolean;
  /** What the table says of it: one line, without ports, places in source code and times. */
  ask(asking: Asking): Promise<string>;
}

/** By `squall env`, and the store that Java needs instead. */
export interface Trust {
  readonly variables: Readonly<Record<string, string>>;
  readonly folder: string;
}

function first(program: string, words: readonly string[], pattern: RegExp): string | null {
  const { stdout, stderr, error } = spawnSync(program, words, { encoding: "utf8" });
  return error === undefined ? (pattern.exec(`${stdout}\n${stderr}`)?.[1] ?? null) : null;
}

export async function run(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
  over: RegExp | null = null,
): Promise<string> {
  const child = spawn(program, words, {
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
  });
  let said = "";
  const heard = (chunk: Buffer): void => {
    said += chunk.toString("latin1");
    if (over?.test(said) === true) child.stdin.end();
  };
  child.stdout.on("data", heard);
  child.stderr.on("data", heard);
  child.stdin.on("error", () => undefined);
  if (over === null) child.stdin.end(input);
  else child.stdin.write(input);
  await new Promise((done, failed) => child.once("close", done).once("error", failed));
  return said;
}

const HANGS = "(hangs)"; // Its own time limit does not help it.

/** Without what differs from run to run. */
function tidy(text: string): string {
  if (text.trim() === "") return HANGS;
  return (
    text
      .trim()
      .split("\n")
      .join(" ")
      .replace(/127\.0\.0\.1:\d+|localhost:\d+/gu, "…")
      .replace(/port=\d+/gu, "port=…")
      .replace(/do not trust - [^"\s]+/gu, "do not trust - …")
      .replace(/handshake message \(\d+\)/gu, "handshake message (…)")
      .replace(/\s*\(_ssl\.c:\d+\)/gu, "")
      .replace(/_ssl\.c:\d+: /gu, "")
      // OpenSSL's numbers and places in its source, behind or before the words that it has for the same.
      .replace(
        /(?:OpenSSL\/[\d.]+: )?error:[0-9A-F]{8}:([^:]*):[^:]*:([^:,]+)(?::\.\.\/\S+:\d+:SSL alert number \d+)?/gu,
        "$1: $2",
      )
      .replace(/^(\w+: .*) \(\1\)$/u, "$1")
      .replace(/^(\w+: )(.*) \(\w+: \2\)$/u, "$1$2")
      .replace(/current time \S+ is/gu, "current time … is")
      .replace(/(?:after|before) \d{4}-\d\d-\d\d\S*/gu, (words) => `${words.split(" ")[0] ?? ""} …`)
      .replace(/ \d+ milliseconds/gu, " … milliseconds")
      .replace(/\b[0-9A-F]{12,}:/gu, "")
      .replace(/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} \d\d \d\d:\d\d:\d\d \w+ \d{4}/gu, "…")
      .replace(/\s+/gu, " ")
  );
}

/** What matters of all that `openssl s_client` prints. */
function ofOpenssl(text: string): string {
  const refused = /verify error:num=\d+:(.*)/u.exec(text)?.[1];
  if (refused !== undefined) return `verify error: ${refused}`;
  const reason = /error:[0-9A-F]+:SSL routines:[^:]*:([^:\n]+)/u.exec(text)?.[1];
  if (reason !== undefined) return reason;
  const errno = /(?:write|read):errno=(\d+)/u.exec(text)?.[1];
  const answer = /HTTP\/1\.[01] (\d+)[\s\S]*?\r\n\r\n([\s\S]*)/u.exec(text);
  if (answer !== null)
    return `${answer[1] ?? ""}, ${(answer[2] ?? "").replace(/\n?read:errno=\d+\n?/u, "").length} B${errno === undefined ? "" : `, errno=${errno}`}`;
  return errno === undefined ? text : `errno=${errno}`;
}

export function clientKinds({ variables, folder }: Trust): readonly ClientKind[] {
  const node = (way: "fetch" | "https"): ClientKind => ({
    name: way === "fetch" ? "Node's fetch" : "Node's https",
    version: `Node ${process.version.slice(1)}`,
    certificate: way === "https",
    ask: async ({ url, seconds, certificate }) =>
      tidy(
        await run(
          process.execPath,
          [join(HERE, "client.mjs"), way, url, String(seconds), certificate ?? ""],
          variables,
        ),
      ),
  });
  const python = (way: "urllib" | "requests", version: string | null): ClientKind => ({
    name: `Python's ${way}`,
    version,
    certificate: true,
    ask: async ({ url, seconds, certificate }) =>
      tidy(
        await run(
          "python3",
          [join(HERE, "client.py"), way, url, String(seconds), certificate ?? ""],
          variables,
        ),
      ),
  });
  const pythonVersion = first("python3", ["--version"], /(Python [\d.]+)/u);
  const requests = first(
    "python3",
    ["-c", "import requests; print('requests', requests.__version__)"],
    /(requests [\d.]+)/u,
  );
  const jvm = [
    "-Xshare:auto",
    "-XX:TieredStopAtLevel=1",
    "-cp",
    folder,
    `-Djavax.net.ssl.trustStore=${join(folder, "trust.p12")}`,
    "-Djavax.net.ssl.trustStorePassword=changeit",
  ];
  return [
    {
      name: "curl",
      version:
        first("curl", ["--version"], /^(curl [\d.]+ .*?OpenSSL\/[\d.]+)/u)?.replace(
          / \(.*(OpenSSL)/u,
          ", $1",
        ) ?? null,
      certificate: true,
      ask: async ({ url, seconds, certificate }) => {
        const said = await run(
          "curl",
          [
            "-sS",
            "--http1.1",
            "-m",
            String(seconds),
            "-o",
            join(folder, "curl.out"),
            "-w",
            "%{http_code}, %{size_download} B\\n",
            ...(certificate === null ? [] : ["--cert", certificate]),
            url,
          ],
          variables,
        );
        const error = /curl: \((\d+)\) (.*)/u.exec(said);
        return tidy(error === null ? said : `(${error[1] ?? ""}) ${error[2] ?? ""}`);
      },
    },
    node("fetch"),
    node("https"),
    python("urllib", pythonVersion),
    python("requests", requests),
    {
      name: "openssl s_client",
      version: first("openssl", ["version"], /(OpenSSL [\d.]+)/u),
      certificate: true,
      ask: async ({ url, seconds, certificate }) => {
        const { host, hostname, pathname } = new URL(url);
        const words = [
          "s_client",
          "-quiet",
          "-verify_return_error",
          "-verify_hostname",
          hostname,
          "-servername",
          hostname,
          "-connect",
          host,
        ];
        const said = await run(
          "timeout",
          [
            String(seconds),
            "openssl",
            ...words,
            ...(certificate === null ? [] : ["-cert", certificate, "-key", certificate]),
          ],
          variables,
          `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
          /$^/u,
        );
        return !/error|HTTP|errno/u.test(said) ? HANGS : tidy(ofOpenssl(said));
      },
    },
    {
      name: "Go",
      version: first("go", ["version"], /go version go([\d.]+)/u)?.replace(/^/u, "Go ") ?? null,
      certificate: true,
      ask: async ({ url, seconds, certificate }) =>
        tidy(await run(join(folder, "client"), [url, String(seconds), certificate ?? ""], variables)),
    },
    {
      name: "Java",
      version: first("javac", ["-version"], /javac ([\d.]+)/u)?.replace(/^/u, "JDK ") ?? null,
      certificate: true,
      ask: async ({ url, seconds, certificate }) =>
        tidy(
          await run(
            "timeout",
            [
              String(seconds + 4),
              "java",
              ...jvm,
              ...(certificate === null
                ? []
                : [
                    `-Djavax.net.ssl.keyStore=${join(folder, "client.p12")}`,
                    "-Djavax.net.ssl.keyStorePassword=changeit",
                  ]),
              "Client",
              url,
              String(seconds),
            ],
            variables,
          ),
        ),
    },
  ];
}

/** Builds what must be built, and gives Java its stores, out of the CA's certificate and the client's. */
export async function prepare({ variables, folder }: Trust, ca: string, certificate: string): Promise<void> {
  const must = async (program: string, words: readonly string[]): Promise<void> => {
    const { status, stderr } = await new Promise<{ status: number | null; stderr: string }>(
      (done, failed) => {
        const child = spawn(program, words, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
        let stderr = "";
        child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
        child.once("error", failed).once("close", (status) => {
          done({ status, stderr });
        });
      },
    );
    if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}`);
  };
  const there = (name: string): boolean =>
    clientKinds({ variables, folder }).some((kind) => kind.name === name && kind.version !== null);
  if (there("Go")) await must("go", ["build", "-o", join(folder, "client"), join(HERE, "client.go")]);
  if (there("Java")) {
    await must("javac", ["-d", folder, join(HERE, "Client.java")]);
    await must("keytool", [
      "-importcert",
      "-noprompt",
      "-alias",
      "squall",
      "-file",
      ca,
      "-keystore",
      join(folder, "trust.p12"),
      "-storepass",
      "changeit",
    ]);
    await must("openssl", [
      "pkcs12",
      "-export",
      "-in",
      certificate,
      "-inkey",
      certificate,
      "-out",
      join(folder, "client.p12"),
      "-passout",
      "pass:changeit",
    ]);
  }
}

/**
 * How bots come to trust the CA: the environment variables that make programs read it, and the lines that set them in each shell. Most of
 * them take the place of all roots that a program knows, so they are given the bundle; one adds.
 */
import { isAbsolute, resolve } from "node:path";

export interface TrustVariable {
  readonly name: string;
  /** `adds` to the roots that the program has, and is the CA alone; `replaces` them, and is the bundle. */
  readonly roots: "adds" | "replaces";
  readonly readers: string;
}

export const TRUST_VARIABLES: readonly TrustVariable[] = [
  { name: "NODE_EXTRA_CA_CERTS", roots: "adds", readers: "Node" },
  {
    name: "SSL_CERT_FILE",
    roots: "replaces",
    readers: "OpenSSL, Python's ssl and httpx, Go on Unix, Ruby, .NET on Linux, rustls-native-certs",
  },
  { name: "REQUESTS_CA_BUNDLE", roots: "replaces", readers: "Python's requests" },
  { name: "CURL_CA_BUNDLE", roots: "replaces", readers: "curl, Python's requests" },
  { name: "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", roots: "replaces", readers: "gRPC: core and grpc-js" },
  { name: "GIT_SSL_CAINFO", roots: "replaces", readers: "git" },
  { name: "AWS_CA_BUNDLE", roots: "replaces", readers: "AWS: its command line and SDKs" },
  { name: "CARGO_HTTP_CAINFO", roots: "replaces", readers: "cargo" },
  { name: "PERL_LWP_SSL_CA_FILE", roots: "replaces", readers: "Perl's LWP" },
  { name: "DENO_CERT", roots: "replaces", readers: "Deno" },
  { name: "PIP_CERT", roots: "replaces", readers: "pip" },
];

/** Paths of the two files, as whoever reads the variables has them. */
export interface TrustFiles {
  readonly ca: string;
  readonly bundle: string;
}

export const TRUST_SHELLS = ["bash", "fish", "powershell", "json"] as const;
export type TrustShell = (typeof TRUST_SHELLS)[number];

/** Relative ones would mean another file wherever a bot starts. */
export function trustValues(files: TrustFiles): Readonly<Record<string, string>> {
  const absolute = (file: string): string => (isAbsolute(file) ? file : resolve(file));
  const { ca, bundle } = files;
  return Object.fromEntries(
    TRUST_VARIABLES.map(({ name, roots }) => [name, absolute(roots === "adds" ? ca : bundle)]),
  );
}

/** Lines to be evaluated by that shell; no comments, which an interactive zsh takes for commands. */
export function trustLines(shell: TrustShell, files: TrustFiles): string {
  const values = Object.entries(trustValues(files));
  if (shell === "json") return `${JSON.stringify(Object.fromEntries(values), null, 2)}\n`;
  const set = SETTERS[shell];
  return values.map(([name, value]) => `${set(name, value)}\n`).join("");
}

/** The JVM reads no variable: it is told once, in a POSIX shell. */
export function javaCommand(ca: string): string {
  return `keytool -importcert -noprompt -cacerts -storepass changeit -alias squall -file ${QUOTES.bash(ca)}`;
}

type Shell = Exclude<TrustShell, "json">;

/** As one word, whatever is in it. */
const QUOTES: Readonly<Record<Shell, (text: string) => string>> = {
  bash: (text) => `'${text.replaceAll("'", "'\\''")}'`,
  fish: (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`,
  // PowerShell takes typographic quotation marks for plain ones.
  powershell: (text) => `'${text.replaceAll(/['\u2018\u2019\u201a\u201b]/gu, "$&$&")}'`,
};

const SETTERS: Readonly<Record<Shell, (name: string, value: string) => string>> = {
  bash: (name, value) => `export ${name}=${QUOTES.bash(value)}`,
  fish: (name, value) => `set -gx ${name} ${QUOTES.fish(value)}`,
  powershell: (name, value) => `$env:${name} = ${QUOTES.powershell(value)}`,
};

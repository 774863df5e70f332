/** What a command line means by the name under which this program was called: images of Toxiproxy have two programs, and scripts call both. */

const SERVERS: ReadonlySet<string> = new Set(["toxiproxy", "toxiproxy-server"]);

/** The same command line for `squall`. Toxiproxy's server starts without a word; `squall` without a word shows what it can do. */
export function underName(name: string, words: readonly string[]): string[] {
  if (name === "toxiproxy-cli") return [name, ...words];
  const [first = "-"] = words;
  return SERVERS.has(name) && first.startsWith("-") ? ["serve", ...words] : [...words];
}

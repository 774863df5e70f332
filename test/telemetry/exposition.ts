/** Reads the text format of Prometheus, as strictly as Prometheus does. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly series: readonly Series[];
}

const SERIES = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/u;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/uy;

export function parse(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family & { series: Series[] }>();
  const seen = new Set<string>();
  let family: (Family & { series: Series[] }) | undefined;
  let help = "";
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/u.exec(line);
    if (comment) {
      const [, kind, name = "", rest = ""] = comment;
      if (kind === "HELP") {
        help = rest;
      } else {
        if (families.has(name)) throw new Error(`${name} comes twice`);
        family = { name, type: rest, help, series: [] };
        families.set(name, family);
      }
      continue;
    }
    const match = SERIES.exec(line);
    if (!match || family === undefined) throw new Error(`not a line of the format: ${line}`);
    const [, name = "", labels = "", value = ""] = match;
    if (!belongs(name, family)) throw new Error(`${name} stands among ${family.name}`);
    const parsed = parseLabels(labels);
    const identity = JSON.stringify([name, Object.entries(parsed).sort()]);
    if (seen.has(identity)) throw new Error(`twice: ${line}`);
    seen.add(identity);
    family.series.push({ name, labels: parsed, value: parseValue(value) });
  }
  return families;
}

function belongs(name: string, { name: family, type }: Family): boolean {
  if (type !== "histogram") return name === family;
  return ["_bucket", "_sum", "_count"].some((suffix) => name === family + suffix);
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (!match) throw new Error(`not labels: ${text}`);
    const [, name = "", value = ""] = match;
    if (name in labels) throw new Error(`label ${name} comes twice`);
    labels[name] = value.replace(/\\(.)/gu, (_all, char: string) => (char === "n" ? "\n" : char));
  }
  return labels;
}

function parseValue(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error(`not a value: ${text}`);
  return value;
}

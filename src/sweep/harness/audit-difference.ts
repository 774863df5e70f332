/** Where two audits differ, as JSON pointers (RFC 6901); some places may differ, and numbers by a share. */

export interface AuditRules {
  /** JSON pointers; `*` stands for any one step. What lies below them may differ as well. */
  readonly ignore: readonly string[];
  /** A share of the number that is compared with: 0.05 for 5 %. */
  readonly tolerance: number;
}

export interface Difference {
  readonly pointer: string;
  /** As JSON, shortened; `nothing` where there is none. */
  readonly expected: string;
  readonly got: string;
}

/** More are of no use to anybody. */
const DIFFERENCES_MAX = 100;
const SHOWN_MAX = 60;

/** What `audit` has that none of these has: no equal value, and for numbers none within their range and the tolerance beyond it. */
export function auditDifferences(
  baselines: readonly unknown[],
  audit: unknown,
  { ignore, tolerance }: AuditRules,
): Difference[] {
  const rules = ignore.map((pointer) => pointer.slice(1).split("/").map(unescape));
  const found: Difference[] = [];
  const isIgnored = (path: readonly string[]): boolean =>
    rules.some(
      (rule) => rule.length <= path.length && rule.every((step, at) => step === "*" || step === path[at]),
    );
  const compare = (expected: readonly unknown[], got: unknown, path: readonly string[]): void => {
    if (found.length >= DIFFERENCES_MAX || isIgnored(path)) return;
    const [first] = expected;
    if (typeof got === "number" && expected.every((one) => typeof one === "number")) {
      const numbers = expected as readonly number[];
      const low = Math.min(...numbers);
      const high = Math.max(...numbers);
      const beyond = (limit: number): number => Math.abs(limit) * tolerance;
      if (got >= low - beyond(low) && got <= high + beyond(high)) return;
      found.push({
        pointer: pointerOf(path),
        expected: low === high ? shown(low) : `${low} to ${high}`,
        got: shown(got),
      });
      return;
    }
    if (isContainer(got) && expected.every((one) => isContainer(one) && isList(one) === isList(got))) {
      const containers = expected as readonly Container[];
      const keys = new Set([...containers, got].flatMap((one) => Object.keys(one)));
      for (const key of keys)
        compare(
          containers.map((one) => part(one, key)),
          part(got, key),
          [...path, key],
        );
      return;
    }
    if (expected.some((one) => JSON.stringify(one) === JSON.stringify(got))) return;
    found.push({ pointer: pointerOf(path), expected: shown(first), got: shown(got) });
  };
  compare(baselines, audit, []);
  return found;
}

type Container = Readonly<Record<string, unknown>> | readonly unknown[];

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

function isList(value: unknown): boolean {
  return Array.isArray(value);
}

function part(value: Container, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 3)}...` : text;
}

export function pointerOf(path: readonly string[]): string {
  return path.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function unescape(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

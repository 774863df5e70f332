/** How a proxy tells that files of certificates have changed: that they are in force, or why not, and what their dates are worth a word for. */
import type { Fact } from "../../core/events.js";
import { dateWarning } from "../../tls/dates.js";
import type { PlaneContext } from "../context.js";

export interface RereadFile {
  readonly file: string;
  readonly use: "shown" | "trusted";
}

type Reread = Extract<Fact, { readonly kind: "certificate_reread" }>;

export function tellReread(
  { clock, facts }: Pick<PlaneContext, "clock" | "facts">,
  proxy: string,
  { file: cert, use }: RereadFile,
  trouble: string | null,
): void {
  const fact: Reread = { kind: "certificate_reread", proxy, cert };
  const warning = trouble === null ? dateWarning(cert, use, clock.wallTime()) : null;
  facts.tell({
    ...fact,
    ...(trouble === null ? {} : { trouble }),
    ...(warning === null ? {} : { warning }),
  });
}

/** Names that are asked for, as one where labels are ids: `7f3a9c1b.jobs.example` and `0d4e88aa.jobs.example`. */
import { placeholderOf } from "../../core/route-template.js";

/** In the form that `match: { qname }` takes. */
export function dnsNameClass(name: string): string {
  return name
    .split(".")
    .map((label) => (placeholderOf(label) === null ? label.replace(/\d{3,}/gu, "*") : "*"))
    .join(".");
}

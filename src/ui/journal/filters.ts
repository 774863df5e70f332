/** The filters of the journal: those of the API, in the address of the view as well. Pure. */
import { shellWord } from "../../core/shell-word.js";
import type { JournalEntry } from "../../telemetry/entry.js";

export const FILTERS = ["kind", "bot", "proxy", "profile", "fault", "type", "path", "activation"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<Filter, string>>>;

/** Every kind of entry, in the order of the menu; a test holds it against the API's. */
export const KINDS = [
  "fault_hit",
  "fault_total",
  "fault_spared",
  "exchange_over",
  "connection_failed",
  "connection_over",
  "query_over",
  "flow_over",
  "tls_over",
  "activation_started",
  "activation_resumed",
  "phase_entered",
  "activation_ended",
  "mark",
  "fault_set",
  "fault_changed",
  "fault_removed",
  "engine_chosen",
  "upstream_changed",
  "proxy_started",
  "proxy_stopped",
  "listener_closed",
  "listener_opened",
  "listen_failed",
  "limit_reached",
  "opaque_connection",
  "bots_unidentified",
  "certificate_reread",
  "ca_reread",
  "kernel_loss_ended",
  "kernel_loss_failed",
  "reload",
  "state_restored",
  "state_failed",
  "state_saved",
  "fleet_applied",
  "fleet_refused",
  "fleet_healed_here",
  "fleet_namesake",
  "fleet_namesake_gone",
  "fleet_rewound",
  "fleet_connected",
  "fleet_disconnected",
  "mistake",
] as const satisfies readonly JournalEntry["kind"][];

export function filtersOf(query: Readonly<Record<string, string>>): Filters {
  return Object.fromEntries(
    FILTERS.flatMap((filter) => {
      const value = query[filter]?.trim() ?? "";
      return value === "" ? [] : [[filter, value]];
    }),
  );
}

export function anyOf(filters: Filters): boolean {
  return Object.keys(filters).length > 0;
}

/** The call that answers these entries. */
export function journalPath(filters: Filters, more: Readonly<Record<string, string | number>> = {}): string {
  const words = new URLSearchParams();
  for (const filter of FILTERS) if (filters[filter] !== undefined) words.set(filter, filters[filter]);
  for (const [key, value] of Object.entries(more)) words.set(key, String(value));
  const search = words.toString();
  return `/journal${search === "" ? "" : `?${search}`}`;
}

export function curlLine(
  filters: Filters,
  { origin, guarded }: { readonly origin: string; readonly guarded: boolean },
): string {
  const token = guarded ? ' -H "Authorization: Bearer $SQUALL_ADMIN_TOKEN"' : "";
  const trust = origin.startsWith("https:") ? ' --cacert "$SQUALL_ADMIN_CA"' : "";
  return `curl -s${trust}${token} ${shellWord(`${origin}${journalPath(filters)}`)}`;
}

/** The metrics of faults, read from the books of what was injected. */
import { DELAY_BUCKETS, type Book, type Ledger } from "../core/ledger.js";
import { SampledCounter, SampledHistogram, type AnySampled, type Sample } from "./sampled.js";

const FAULT_LABELS = ["proxy", "profile", "fault", "type"] as const;

export function faultMetrics(ledger: Ledger): AnySampled[] {
  const labels = ({ labels: { proxy, profile, fault, type } }: Book): string[] => [
    proxy,
    profile,
    fault,
    type,
  ];
  const each = (value: (book: Book) => number) => (): Sample[] =>
    Array.from(ledger.books(), (book) => [labels(book), value(book)]);
  return [
    new SampledCounter({
      name: "squall_faults_total",
      help: "What faults did, by effect; docs/faults.md says what each effect counts.",
      labels: [...FAULT_LABELS, "effect"],
      read: () =>
        Array.from(ledger.books()).flatMap((book) =>
          Object.entries(book.effects).map(([effect, amount]): Sample => [[...labels(book), effect], amount]),
        ),
    }),
    new SampledCounter({
      name: "squall_fault_subjects_total",
      help: "Connections or exchanges that came by while the fault was in force.",
      labels: FAULT_LABELS,
      read: each(({ subjects }) => subjects),
    }),
    new SampledCounter({
      name: "squall_fault_hits_total",
      help: "Connections or exchanges that the fault acted on, or would have while only observing.",
      labels: FAULT_LABELS,
      read: each(({ hits }) => hits),
    }),
    new SampledHistogram({
      name: "squall_injected_delay_seconds",
      help: "Time that faults held something back.",
      labels: FAULT_LABELS,
      bounds: DELAY_BUCKETS,
      read: () =>
        Array.from(ledger.books())
          // Most types never delay anything, and sixteen lines of zeros for each would bury the rest.
          .filter(({ delayBuckets }) => delayBuckets.some((count) => count > 0))
          .map((book) => [labels(book), { buckets: book.delayBuckets, sum: book.delaySumSeconds }]),
    }),
    new SampledCounter({
      name: "squall_draw_key_missing_total",
      help: "Matching subjects without the key that `draw` of the fault names; they were drawn by their number.",
      labels: FAULT_LABELS,
      read: () =>
        Array.from(ledger.books())
          // Most faults name no key.
          .filter(({ keyless }) => keyless > 0)
          .map((book) => [labels(book), book.keyless]),
    }),
    new SampledCounter({
      name: "squall_trigger_evictions_total",
      help: "Counters of `when` and of draws that were given up for want of room; their owners start anew.",
      read: () => [[[], Array.from(ledger.books()).reduce((sum, { evicted }) => sum + evicted, 0)]],
    }),
  ];
}

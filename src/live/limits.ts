/** How much is kept and told while somebody watches. Without limits a page that is left open would cost more than what it shows. */

/** Between two ticks, in milliseconds. */
export const TICK_MS = 250;
/** Exchanges and the like that are seen closer in a second: of all, and of one bot. */
export const SEEN_PER_SECOND = 200;
export const SEEN_PER_BOT = 50;
/** Of them, how many are kept. */
export const RING_MAX = 4_000;
/** How long a call of `GET /exchanges` keeps the ring, in milliseconds. */
export const LEASE_MS = 30_000;
/** Rows of each kind that are told; of those that are kept, bots on proxies. */
export const ROWS_MAX = 200;
export const DEALINGS_MAX = 2_000;
/** Links of the bots that are told: a bot that goes from proxy to proxy has several. */
export const LINKS_MAX = 600;
/** Phases and marks. */
export const BANDS_MAX = 200;
/** Exchanges that `state` begins with. */
export const FIRST_MAX = 1_000;
/** A bot that has a connection open, and has said nothing for so long, is silent. */
export const SILENT_MS = 5_000;
/** A second try is looked for within so long. */
export const AGAIN_MS = 60_000;
/** Fields of a head, and characters of it, that are shown. */
export const FIELDS_MAX = 100;
export const HEAD_MAX = 8_192;
/** Characters of a path, of a name, of a value that are told. */
export const TEXT_MAX = 1_024;
/** How long what was counted is kept when the last reader has left, since a page that goes from view to view opens its stream anew. */
export const LINGER_MS = 5_000;
/** Entries of the journal beside a trace. */
export const JOURNAL_MAX = 50;

/**
 * What the dashboard is told: the exact JSON of `GET /live`, `GET /exchanges`, `GET /exchanges/{proxy}/{id}` and `GET /findings`.
 * Types only, so that the page can use them as well as the daemon; `admin` checks answers against schemas of the same shape.
 *
 * Times are milliseconds on the daemon's monotonic clock, with fractions, unless their name ends in `_wall` (milliseconds since 1970)
 * or they are text (ISO 8601). `now` and `now_wall` of each event are the same moment on both clocks: add `now_wall - now` to any
 * time to get the wall's. No time is reckoned from the reader's own clock.
 *
 * All text that comes from a client or an upstream (bots, paths, heads) is as it was sent, and may be anything: show it, never parse it as markup.
 */
export type * from "../core/verdict-reasons.js";
export type * from "./contract/exchange.js";
export type * from "./contract/findings.js";
export type * from "./contract/moment.js";
export type * from "./contract/picture.js";
export type * from "./contract/trace.js";

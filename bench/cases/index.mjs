/** All cases, in the order in which they run. A further one is a file beside this one and a line below. */
import { bulk } from "./bulk.mjs";
import { churn } from "./churn.mjs";
import { http } from "./http.mjs";
import { httpBulk } from "./http_bulk.mjs";
import { httpLatency, latency } from "./latency.mjs";
import { memory } from "./memory.mjs";
import { small } from "./small.mjs";
import { change } from "./switch.mjs";
import { toxics } from "./toxics.mjs";

export const CASES = [small, bulk, memory, churn, change, latency, toxics, http, httpBulk, httpLatency];

/** All cases, in the order in which they run. A further one is a file beside this one and a line below. */
import { accuracyBandwidth, accuracyLatency } from "./accuracy.mjs";
import { answers1m, answers64k, requests1m } from "./bodies.mjs";
import { bulk } from "./bulk.mjs";
import { burst } from "./burst.mjs";
import { churn } from "./churn.mjs";
import { connect } from "./connect.mjs";
import { http, http10, http500 } from "./http.mjs";
import { httpLatency, latency } from "./latency.mjs";
import { limit } from "./limit.mjs";
import { memory, tlsMemory } from "./memory.mjs";
import { small, small10, small500 } from "./small.mjs";
import { start } from "./start.mjs";
import { change } from "./switch.mjs";
import { tlsAnswers, tlsConnections, tlsHandshakes, tlsRequests, tlsResumed } from "./tls.mjs";
import { toxics } from "./toxics.mjs";
import { watched, watchedHttp } from "./watched.mjs";

export const CASES = [
  small,
  small10,
  small500,
  http,
  http10,
  http500,
  connect,
  answers64k,
  answers1m,
  requests1m,
  bulk,
  latency,
  httpLatency,
  limit,
  accuracyLatency,
  accuracyBandwidth,
  memory,
  burst,
  churn,
  change,
  start,
  tlsHandshakes,
  tlsConnections,
  tlsResumed,
  tlsRequests,
  tlsAnswers,
  tlsMemory,
  toxics,
  watched,
  watchedHttp,
];

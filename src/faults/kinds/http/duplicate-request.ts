/** The upstream gets the same request several times, as behind a balancer that retries; the client sees the first response. */
import { z } from "zod";
import { formatDuration } from "../../../core/units.js";
import { defineFault, type Dispatch, type ExchangeFault, type Scope } from "../../contract/index.js";
import { count, duration, flag, size } from "../../params.js";

const params = z.object({
  times: count({ min: 2, max: 10 }).default(2).describe("how often the upstream gets the request in all"),
  gap: duration()
    .prefault("0ms")
    .describe("time from one to the next; the next does not wait for a response"),
  same_connection: flag()
    .default(false)
    .describe("whether copies follow on the first one's connection, or come on others"),
  limit: size().prefault("1MiB").describe("a request with a larger body is sent once: copies must be kept"),
});

class DuplicateRequest implements ExchangeFault {
  constructor(private readonly scope: Scope<z.infer<typeof params>, "duplicated" | "too_large", undefined>) {}

  dispatch(): Dispatch {
    const { times, gap, same_connection, limit } = this.scope.params;
    return {
      copies: times - 1,
      gap,
      connection: same_connection ? "same" : "another",
      detached: true,
      limit,
      copied: () => {
        this.scope.count("duplicated", 1, { times });
      },
      tooLarge: () => {
        this.scope.count("too_large");
      },
    };
  }
}

export default defineFault({
  type: "duplicate_request",
  summary: "Sends the upstream the same request again; the client sees the first response.",
  params,
  example: { type: "duplicate_request", times: 2, gap: "50ms" },
  effects: {
    duplicated: "copies of requests that the upstream got besides the first",
    too_large: "requests sent once since their bodies were too large to be kept",
  },
  spares: ["too_large"],
  directions: null,
  explain: ({ times, gap }) =>
    `sends each request ${times} times${gap === 0 ? "" : `, ${formatDuration(gap)} apart`}`,
  exchange: (scope) => new DuplicateRequest(scope),
});

/** No proxy at all. */
export const direct = {
  name: "direct",
  missing: null,
  start: async ({ upstreamPort }) => ({ port: upstreamPort, pid: null, stop: async () => undefined }),
};

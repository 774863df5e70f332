/** No proxy at all. */
export const direct = {
  name: "direct",
  start: async ({ upstreamPort }) => ({ port: upstreamPort, pid: null, stop: async () => undefined }),
};

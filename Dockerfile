# One image for the daemon, the mock job server and the bots: what runs is the command's first word.
FROM node:20-bookworm-slim AS build
WORKDIR /squall
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/bundle.mjs scripts/page.mjs scripts/types.mjs scripts/sbom.mjs ./scripts/
COPY src ./src
# The build starts the daemon once, to keep what V8 makes of it: nobody can write that in a container of this image.
COPY profiles ./profiles
RUN npm run --silent build && npm run --silent sbom > sbom.json && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:20-bookworm-slim
# nftables is for `packet_loss` with real segments. Named volumes take over the owner of /data and /trust from here.
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nftables \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /data /trust
# `container` tells programs that their loopback is their own: the daemon warns where nobody could reach it.
ENV NODE_ENV=production container=oci
WORKDIR /squall
COPY --from=build /squall/node_modules ./node_modules
COPY package.json LICENSE ./
COPY schema ./schema
COPY profiles ./profiles
COPY --from=build /squall/dist ./dist
COPY deploy/healthcheck.mjs ./
COPY --from=build /squall/sbom.json /usr/share/doc/squall/sbom.json
# Those who come from Toxiproxy's image find its two programs where they were; which one is meant is told by the name.
RUN ln -s /squall/dist/main.js /usr/local/bin/squall \
  && ln -s /squall/dist/main.js /toxiproxy \
  && ln -s /squall/dist/main.js /toxiproxy-cli
# Nothing needs root but the kernel's packet loss; docker-compose.yml says who gets it, and how little of it.
USER node
ENTRYPOINT ["squall"]
# On all addresses of the container, which are nobody's until a port is published or a network shared: publish to 127.0.0.1,
# or set a token. A command of one's own listens where its configuration says.
EXPOSE 8474
# Asks what runs, on the port of its options; one that a configuration file moves is told by SQUALL_ADMIN.
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=3 CMD ["node", "/squall/healthcheck.mjs"]
CMD ["serve", "--admin", ":8474"]

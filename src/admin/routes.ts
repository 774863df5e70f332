/**
 * The one table of calls. Express, the OpenAPI document and the index are made from it. The paths below
 * /proxies, /populate, /reset and /version are Toxiproxy's, and not ours to give out.
 */
import { activeRoutes } from "./active-routes.js";
import { daemonRoutes } from "./daemon-routes.js";
import { fleetJournalRoutes } from "./fleet-journal-routes.js";
import { fleetRoutes } from "./fleet-routes.js";
import type { House } from "./house.js";
import { journalRoutes } from "./journal-routes.js";
import { liveRoutes } from "./live-routes.js";
import { openApiDocument } from "./openapi.js";
import { profileRoutes } from "./profile-routes.js";
import { referenceRoutes } from "./reference-routes.js";
import type { Route } from "./route.js";
import { toxiproxyRoutes } from "./toxiproxy/routes.js";
import { trustRoutes } from "./trust-routes.js";

export function apiRoutes(house: House, token: boolean): readonly Route[] {
  let openapi: object | null = null;
  const routes: readonly Route[] = [
    ...profileRoutes(house),
    ...activeRoutes(house),
    ...journalRoutes(house),
    ...liveRoutes(house),
    ...daemonRoutes(house),
    ...fleetRoutes(house),
    ...fleetJournalRoutes(house),
    ...trustRoutes(house),
    ...toxiproxyRoutes(house),
    ...referenceRoutes(
      house,
      () => routes,
      () => (openapi ??= openApiDocument(routes, house.about.version, token)),
    ),
  ];
  return routes;
}

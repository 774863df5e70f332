/** The views: how each is opened, and which stand in the navigation. A new view adds itself here. */
import { openJournal } from "./journal/view.js";
import { openFleet } from "./fleet/view.js";
import { openFindings } from "./findings/view.js";
import { openLanes } from "./lanes/view.js";
import { openNow } from "./now/view.js";
import { openProfiles } from "./profiles/view.js";
import type { ViewName } from "./router.js";
import type { OpenView, Tab } from "./view.js";
import { openWhy } from "./why/view.js";

export const TABS: readonly Tab[] = [
  { name: "now", label: "Now" },
  { name: "lanes", label: "Lanes" },
  { name: "profiles", label: "Profiles" },
  { name: "findings", label: "Findings" },
  { name: "journal", label: "Journal" },
  { name: "fleet", label: "Fleet" },
];

export const VIEWS: Partial<Readonly<Record<ViewName, OpenView>>> = {
  now: openNow,
  lanes: openLanes,
  exchange: openWhy,
  findings: openFindings,
  profiles: openProfiles,
  journal: openJournal,
  fleet: openFleet,
};

/** The view Profiles. */
import { loading } from "../parts.js";
import type { OpenView } from "../view.js";

export const openProfiles: OpenView = () => ({ title: "Profiles", render: () => loading("profiles") });

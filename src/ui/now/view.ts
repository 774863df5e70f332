/** The view Now. */
import { loading } from "../parts.js";
import type { OpenView } from "../view.js";

export const openNow: OpenView = () => ({ title: "Now", render: () => loading("now") });

/** The types of what scripts/page.mjs copies to this place. */
export * from "lit-html/directives/repeat.js";

/** What a daemon tells of its fleet, as sentences. */
import type { FleetFact } from "../core/fleet-facts.js";
import type { LogLine } from "./line.js";

export function fleetLine(fact: FleetFact): LogLine {
  const topic = "fleet";
  switch (fact.kind) {
    case "fleet_connected":
      return { level: "info", topic, text: `${fact.engine} answers` };
    case "fleet_disconnected":
      return {
        level: "warn",
        topic,
        text: `${fact.engine} does not answer; what is on goes on, and ends in time: ${fact.why}`,
        fields: fact,
      };
    case "fleet_applied": {
      const on = fact.activations.length === 0 ? "nothing for this daemon" : fact.activations.join(", ");
      const from = fact.starts_at === null ? "" : ` from ${fact.starts_at}`;
      const by = fact.by === "" ? "" : `  by ${fact.by}${fact.reason === null ? "" : `: ${fact.reason}`}`;
      return { level: "info", topic, text: `plan ${fact.serial}: ${on}${from}${by}` };
    }
    case "fleet_refused":
      return {
        level: "warn",
        topic,
        text: `plan ${fact.serial} is refused, and nothing of the fleet is on here: ${fact.why}`,
        fields: fact,
      };
    case "fleet_rewound":
      return {
        level: "warn",
        topic,
        text: `the engine has plan ${fact.serial} and had ${fact.was}: only what was on already is taken from it`,
        fields: fact,
      };
    case "fleet_healed_here":
      return {
        level: "info",
        topic,
        text: `plan ${fact.serial} was ended or replaced here; the fleet switches nothing on before it changes`,
      };
    case "fleet_namesake": {
      const where = fact.admin === null ? "" : ` at ${fact.admin}`;
      return {
        level: "warn",
        topic,
        text: `another daemon${where} goes by the name ${fact.name} too (its life is ${fact.other}): give each a name of its own (fleet.daemon)`,
        fields: fact,
      };
    }
    case "fleet_namesake_gone":
      return { level: "info", topic, text: `no other daemon goes by the name ${fact.name} any more` };
  }
}

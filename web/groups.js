// A summary's groups.

import { plain } from "./dom.js";
import { t, typeName } from "./i18n.js";

export const DIMENSIONS = ["type", "user", "model", "agent"];
export const MEASURES = ["credits", "runs", "tokens"];

const FIELDS = { type: "type", user: "user_id", model: "used_model", agent: "slug" };

export const keyOf = (dimension, group) => group[FIELDS[dimension]];

export function nameOf(dimension, group) {
  if (dimension === "type") return plain(typeName(group.type), 60);
  if (dimension === "user") return plain(group.email, 60) || group.user_id;
  if (dimension === "model") return group.used_model === null ? t("no_model") : plain(group.used_model, 60);
  return plain(group.name, 60) || plain(group.slug, 60) || "—";
}

export const measured = (measure, totals) => (measure === "tokens" ? totals.tokens.total : totals[measure]);

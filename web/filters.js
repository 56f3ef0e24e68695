// The controls that say which runs: days, type, user.

import { go } from "./address.js";
import { h, plain, segments, select } from "./dom.js";
import { addDays, daysBetween } from "./formats.js";
import { t, typeName } from "./i18n.js";

const RANGES = ["1d", "7d", "30d"];
const TYPES = ["chat", "image", "text", "voiceover", "video", "code"];
const MOST_DAYS = 90;

// Returns both dates after one was chosen: in order, and as close as the API wants them.
export function withDate(dates, name, day) {
  const [other, sign] = name === "start_date" ? ["end_date", 1] : ["start_date", -1];
  const next = { ...dates, [name]: day };
  if (!next[other] || next.start_date > next.end_date) next[other] = day;
  if (daysBetween(next.start_date, next.end_date) > MOST_DAYS) next[other] = addDays(day, sign * (MOST_DAYS - 1));
  return next;
}

function dateField(name, dates) {
  const control = h("input", { type: "date", value: dates[name], onchange: () => {
    // A year that is being typed is 2 or 20 for a while.
    if (control.value >= "1900") go({ range: "", ...withDate(dates, name, control.value) });
  } });
  return h("label.field", h("span", t(name)), control);
}

// Offers only users that the API has named to this caller: so no choice can end in a 403.
function userField({ user }, { groups, other }) {
  if (groups.length < 2 && !other && !user) return null;
  const options = groups.map(({ user_id, email }) => [user_id, plain(email, 50) || user_id]);
  if (user && !groups.some(({ user_id }) => user_id === user)) options.push([user, `#${plain(user, 20)}`]);
  const choose = (id) => go({ user: id });
  const field = select(t("user"), [["", t("all")], ...options], user, choose);
  if (!other) return field;
  // There are too many to name, so this caller sees everyone.
  const id = h("input", { inputmode: "numeric", size: 8, value: user, onchange: () => choose(id.value.trim()) });
  return [field, h("label.field", h("span", t("user_id")), id)];
}

export function filterFields(asked, window_, users) {
  const dates = {
    start_date: asked.start_date || window_.start_date || "",
    end_date: asked.end_date || window_.end_date || "",
  };
  const hasDates = asked.start_date || asked.end_date;
  const range = hasDates ? "" : asked.range || "30d";
  const type = asked.type === "all" ? "" : asked.type;
  const types = [["", t("all")], ...TYPES.map((name) => [name, typeName(name)])];
  if (type && !TYPES.includes(type)) types.push([type, plain(type, 20)]);
  return [
    segments("range", t("range"), RANGES.map((name) => [name, t(`range_${name}`)]), range,
      (chosen) => go({ range: chosen, start_date: "", end_date: "" })),
    dateField("start_date", dates),
    dateField("end_date", dates),
    select(t("type"), types, type, (chosen) => go({ type: chosen })),
    userField(asked, users),
  ].flat().filter(Boolean);
}

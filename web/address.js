// What is shown, as the address's fragment says. The token is never part of it.

const NAMES = [
  "view", "range", "start_date", "end_date", "user", "type", "group", "measure", "cursor", "lang", "theme",
];
const CHOICES = {
  view: ["overview", "runs"],
  group: ["type", "user", "model", "agent"],
  measure: ["credits", "runs", "tokens"],
};
const FILTERS = ["range", "start_date", "end_date", "user", "type"];

let changed = () => {};

// Filters are not checked: the API says what is wrong with them.
export function readAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const asked = Object.fromEntries(NAMES.map((name) => [name, fragment.get(name) ?? ""]));
  for (const [name, values] of Object.entries(CHOICES)) {
    if (!values.includes(asked[name])) asked[name] = values[0];
  }
  return asked;
}

// Other filters begin at the first page.
export function go(changes, cursors) {
  const now = readAddress();
  const next = { ...now, ...changes };
  if (FILTERS.some((name) => name in changes)) next.cursor = "";
  const fragment = new URLSearchParams();
  for (const name of NAMES) {
    if (next[name] && next[name] !== CHOICES[name]?.[0]) fragment.set(name, next[name]);
  }
  const kept = next.cursor === now.cursor ? cursorsBefore() : [];
  history.pushState({ cursors: cursors ?? kept }, "", `#${fragment}`);
  changed();
}

// The cursors of the pages before this one, if they are known.
export const cursorsBefore = () => history.state?.cursors ?? [];

export function onAddressChange(show) {
  changed = show;
  addEventListener("popstate", show);
}

export function filterParameters({ range, start_date, end_date, user, type }) {
  const dates = start_date || end_date ? { start_date, end_date } : { range: range || "30d" };
  return { ...dates, user_id: user, type };
}

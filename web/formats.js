// Numbers and dates in the reader's format. Numbers are texts with all their digits.

let tag = "en";
let integers;
let point;
const dates = new Map();

export function useFormats(language) {
  const base = language.split("-")[0];
  tag = navigator.languages.find((name) => name.toLowerCase().split("-")[0] === base) ?? language;
  integers = new Intl.NumberFormat(tag, { maximumFractionDigits: 0 });
  point = new Intl.NumberFormat(tag).formatToParts(1.5).find((part) => part.type === "decimal").value;
  dates.clear();
}

export function exact(number) {
  const [, sign, whole, fraction] = /^(-?)(\d+)(?:\.(\d*?)0*)?$/.exec(number) ?? [];
  if (whole === undefined) return number;
  return sign + integers.format(BigInt(whole)) + (fraction ? point + fraction : "");
}

export const compact = (number) =>
  new Intl.NumberFormat(tag, { notation: "compact", maximumSignificantDigits: 3 }).format(number);

export const percent = (share) =>
  new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);

const format = (options) => {
  const key = JSON.stringify(options);
  if (!dates.has(key)) dates.set(key, new Intl.DateTimeFormat(tag, options));
  return dates.get(key);
};

const noon = (date) => new Date(`${date}T12:00:00Z`);
const SHORT = { day: "numeric", month: "short", timeZone: "UTC" };
const YEAR = { ...SHORT, year: "numeric" };

export const shortDay = (date) => format(SHORT).format(noon(date));
export const longDay = (date) => format({ ...YEAR, weekday: "short" }).format(noon(date));
export const days = (first, last) => format(YEAR).formatRange(noon(first), noon(last));

// A time zone, or UTC if the browser doesn't know it.
export function knownZone(zone) {
  try {
    return new Intl.DateTimeFormat(tag, { timeZone: zone }) && zone;
  } catch {
    return "UTC";
  }
}

export const moment = (timestamp, timeZone) =>
  format({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone }).format(new Date(timestamp));

export const today = (timeZone) => new Intl.DateTimeFormat("en-CA", { timeZone }).format(new Date());

export function addDays(date, days) {
  const at = noon(date);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

export const daysBetween = (first, last) => Math.round((noon(last) - noon(first)) / 86_400_000) + 1;

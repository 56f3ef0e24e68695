// The page's language: which one, and its texts.

import { useFormats } from "./formats.js";
import texts from "./texts.js";

export const LANGUAGES = [["en", "English"], ["pt_BR", "Português"], ["es", "Español"]];

let column = 0;
let language = "en";

// Returns the browser's first language that the page has, else `fallback`.
export function preferredLocale(fallback) {
  for (const tag of navigator.languages) {
    const base = tag.toLowerCase().split("-")[0];
    const found = LANGUAGES.find(([name]) => name.split("_")[0] === base);
    if (found) return found[0];
  }
  return fallback;
}

export function useLocale(name) {
  column = Math.max(0, LANGUAGES.findIndex(([locale]) => locale === name));
  language = LANGUAGES[column][0].replace("_", "-");
  document.documentElement.lang = language;
  document.title = t("title");
  useFormats(language);
}

export const acceptLanguage = () => language;

export function t(key, values = {}) {
  return texts[key][column].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const labelOf = (key, other) => texts[key]?.[column] ?? other;
export const typeName = (type) => labelOf(`type_${type}`, type);

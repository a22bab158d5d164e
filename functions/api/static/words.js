// The page's words in the reader's language. Keys are the same in all languages; `{name}` is filled in; what is counted
// has a form for each plural of its language.

export const LANGUAGES = { en: "English", fr: "Français", vi: "Tiếng Việt" };

let words = {};
let plurals = new Intl.PluralRules("en");
export let language = "en"; // one of LANGUAGES
export let locale = "en"; // the same with the reader's region, for dates and numbers

export function preferred() {
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in LANGUAGES) ?? "en";
}

export async function speak(wanted) {
  const chosen = wanted in LANGUAGES ? wanted : "en";
  const answer = await fetch(`static/words-${chosen}.json`);
  words = await answer.json();
  language = chosen;
  locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(chosen)) ?? chosen;
  plurals = new Intl.PluralRules(locale);
  document.documentElement.lang = chosen;
}

export function t(key, values = {}) {
  let text = words[key] ?? key;
  if (typeof text === "object") text = text[plurals.select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

// A text with elements in the place of some values: a list for h().
export function parts(key, values) {
  let text = words[key] ?? key;
  if (typeof text === "object") text = text[plurals.select(values.count)] ?? text.other;
  return text.split(/\{(\w+)\}/).map((piece, place) => (place % 2 ? nodeOr(values[piece]) : piece));
}

export const known = (key) => key in words;
const shown = (value) => (typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : value ?? "");
const nodeOr = (value) => (value instanceof Node || Array.isArray(value) ? value : shown(value));

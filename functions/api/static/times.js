// Times: in the reader's zone as text, in UTC on hover and for whoever listens to the page.

import { h } from "./dom.js";
import { locale, t } from "./words.js";

let chosenZone = "";

export const deviceZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
export const zone = () => chosenZone || deviceZone();
export function chooseZone(name) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name || undefined });
    chosenZone = name;
  } catch {
    chosenZone = ""; // a zone that this browser doesn't know: the device's
  }
}

const format = (moment, options) => new Intl.DateTimeFormat(locale, { timeZone: zone(), ...options }).format(moment);

// The day of a moment in the reader's zone, as 2026-11-20.
export const dayOf = (moment) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone(), year: "numeric", month: "2-digit", day: "2-digit" }).format(moment);

export function clock(moment, seconds = true) {
  return format(moment, { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined });
}

export function dayAndClock(moment, seconds = true) {
  const today = dayOf(moment) === dayOf(new Date());
  return today ? clock(moment, seconds) : `${shortDay(moment)}, ${clock(moment, seconds)}`;
}

export function shortDay(moment) {
  const sameYear = dayOf(moment).slice(0, 4) === dayOf(new Date()).slice(0, 4);
  return format(moment, { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" });
}

export const utc = (iso) => `${iso.slice(0, 19).replace("T", " ")} UTC`;

// Hovered over it gives UTC; a keyboard and a reader get there too where a time stands for itself.
export const timeOf = (iso, { seconds = true, text = dayAndClock(new Date(iso), seconds) } = {}) =>
  h("time", { datetime: iso, title: utc(iso) }, text, h("span", { class: "unseen" }, ` (${utc(iso)})`));

const UNITS = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

export function distance(iso, now = Date.now()) {
  const seconds = (new Date(iso) - now) / 1000;
  if (Math.abs(seconds) < 1) return t("now");
  const [size, unit] = UNITS.find(([least]) => Math.abs(seconds) >= least);
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" }).format(Math.round(seconds / size), unit);
}

export const dayOnly = (iso) => timeOf(iso, { text: shortDay(new Date(iso)) });

export const timeAndDistance = (iso) => [timeOf(iso), " ", h("span", { class: "soft" }, distance(iso))];

// The moment at which a day (2026-11-20) begins in the reader's zone, as ISO text in UTC.
export function startOfDay(day) {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Twice, because the offset at the first guess may be the one from before the clocks were changed.
  const guess = midnight - offsetAt(midnight);
  return new Date(midnight - offsetAt(guess)).toISOString();
}

function offsetAt(moment) {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone(), hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(moment);
  const of = (type) => Number(parts.find((part) => part.type === type).value);
  const local = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return local - Math.floor(moment / 1000) * 1000;
}

export function daysBefore(day, count) {
  const moment = new Date(`${day}T12:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() - count);
  return moment.toISOString().slice(0, 10);
}

// How a badge of the API tells its time: the same moment in the reader's zone.
export const inOwnZone = (badge, iso) => (iso ? badge.replace(/\d\d:\d\d:\d\d UTC/, clock(new Date(iso))) : badge);

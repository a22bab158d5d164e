// Which days are looked at, in the reader's zone, and which symbol.

import { h } from "./dom.js";
import { dayOf, daysBefore, startOfDay, zone } from "./times.js";
import { t } from "./words.js";

const QUICK = { today: [0, 0], yesterday: [1, 1], week: [6, 0], month: [29, 0], all: null };
let chosen = { quick: "month", from: "", to: "", symbol: "" };

function days() {
  if (chosen.quick === "days") return [chosen.from, chosen.to];
  const today = dayOf(new Date());
  return (QUICK[chosen.quick] ?? []).map((back) => daysBefore(today, back));
}

export const isOpenEnded = () => chosen.quick === "all";

// As the API wants it: the first moment, the first one after the last day, the symbol.
export function query() {
  const [from, to] = days();
  const asked = new URLSearchParams();
  if (from) asked.set("from", startOfDay(from));
  if (to) asked.set("to", startOfDay(daysBefore(to, -1)));
  if (chosen.symbol) asked.set("symbol", chosen.symbol);
  return asked.toString();
}

export const dayQuery = () => {
  const [from, to] = days();
  return new URLSearchParams({ ...(from && { from }), ...(to && { to }) }).toString();
};

export const zoneQuery = () => new URLSearchParams({ time_zone: zone() }).toString();

export function periodControl(changed) {
  const choose = (part) => {
    chosen = { ...chosen, ...part };
    changed();
  };
  const [from = "", to = ""] = days();
  const day = (name, value) =>
    h("label", null, t(`period.${name}`), h("input", { type: "date", value, max: dayOf(new Date()), onchange: (event) => choose({ quick: "days", from, to, [name]: event.target.value }) }));
  return h("form", { class: "period", "data-key": "period", onsubmit: (event) => event.preventDefault() },
    h("div", { class: "quick", role: "group", "aria-label": t("period.title") }, Object.keys(QUICK).map((quick) =>
      h("button", { type: "button", class: "quiet", "aria-pressed": String(chosen.quick === quick), onclick: () => choose({ quick }) }, t(`period.${quick}`)))),
    day("from", from), day("to", to),
    h("label", null, t("period.symbol"), h("input", { type: "text", value: chosen.symbol, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: "64", onchange: (event) => choose({ symbol: event.target.value.trim() }) })));
}

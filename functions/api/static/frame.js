// What stands around every screen: name, language, sign-out; a notice when what is seen may be old; zone and plan.

import { wordsOf } from "./api.js";
import { h } from "./dom.js";
import { isSignedIn } from "./session.js";
import { state } from "./state.js";
import { deviceZone, timeOf } from "./times.js";
import { language, LANGUAGES, t } from "./words.js";

export const header = ({ signOut, choose }) => [
  h("h1", { "data-key": "name" }, h("a", { href: "#/" }, h("img", { src: "static/icon.svg", alt: "", width: "26", height: "26" }), h("span", null, t("title")))),
  h("label", { class: "language", "data-key": "language" }, h("span", { class: "unseen" }, t("language")),
    h("select", { value: language, onchange: (event) => choose({ locale: event.target.value }) },
      Object.entries(LANGUAGES).map(([tag, name]) => h("option", { value: tag, lang: tag }, name)))),
  isSignedIn() ? h("button", { type: "button", class: "quiet", "data-key": "sign-out", onclick: signOut }, t("sign_out")) : null,
];

export const notice = () => (state.trouble ? [h("p", { class: "notice" }, `${wordsOf(state.trouble)} ${t("trouble.old")}`)] : []);

export function footer({ choose }) {
  const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
  const own = state.me?.time_zone ?? "";
  return [
    h("label", { "data-key": "zone" }, t("zone.title"), " ",
      h("select", { value: own, onchange: (event) => choose({ time_zone: event.target.value }) },
        h("option", { value: "" }, t("zone.device", { zone: deviceZone() })),
        [...new Set([own, ...zones])].filter(Boolean).map((name) => h("option", { value: name }, name)))),
    h("p", { "data-key": "utc" }, t("zone.utc")),
    state.me ? plan(state.me) : null,
  ];
}

function plan({ plan: name, terms, manual_syncs: syncs }) {
  const next = syncs.next_allowed_at ? [" ", t("plan.next"), " ", timeOf(syncs.next_allowed_at)] : null;
  return h("p", { "data-key": "plan" },
    t("plan.title", { plan: name }), " ", t("plan.terms", { minutes: terms.min_interval_min, syncs: terms.manual_syncs_per_hour }), " ",
    t("plan.used", { count: syncs.used, max: syncs.max }), next);
}

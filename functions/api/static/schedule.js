// Whether and how often something is synced by itself, with what plan and broker allow.

import { account as path, call } from "./api.js";
import { h } from "./dom.js";
import { act } from "./state.js";
import { t } from "./words.js";

const INTERVALS = [5, 10, 15, 30, 60];

export function schedule({ id, sync }) {
  const change = (body) => act(id, () => call(path(id), { method: "PATCH", body }));
  return [
    h("label", { class: "switch" },
      h("input", { type: "checkbox", role: "switch", checked: sync.sync_enabled, onchange: (event) => change({ sync_enabled: event.target.checked }) }),
      h("span", null, t("schedule.auto"))),
    sync.sync_enabled ? interval(sync, (minutes) => change({ interval_min: minutes })) : null,
  ];
}

// What is in force is selected; what plan or broker don't allow is there to see, and why.
function interval({ interval_min: now, min_interval_min: least }, choose) {
  const options = [...new Set([...INTERVALS, now])].sort((a, b) => a - b);
  return h("span", { class: "interval" },
    h("label", null, h("span", { class: "unseen" }, t("schedule.interval")),
      h("select", { value: String(now), onchange: (event) => choose(Number(event.target.value)) },
        options.map((minutes) => h("option", { value: String(minutes), disabled: minutes < least }, every(minutes))))),
    least > INTERVALS[0] ? h("span", { class: "soft" }, t("schedule.least", { interval: every(least) })) : null);
}

const every = (minutes) =>
  minutes % 60 ? t("schedule.minutes", { count: minutes }) : t("schedule.hours", { count: minutes / 60 });

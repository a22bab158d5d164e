// The sync log: the last runs at a glance on a card, all of them with their details on the account's own screen.

import { account as path, call } from "./api.js";
import { h } from "./dom.js";
import { reading, show, state } from "./state.js";
import { dayAndClock, timeOf } from "./times.js";
import { t } from "./words.js";

const LAST = 12;

// A run changes nothing after its end, so what is there is read again only when there was another attempt.
export function runStrip({ id, sync }) {
  if (!sync.last_attempted_sync_at) return null;
  const held = state.runs.get(id);
  if (held?.of !== sync.last_attempted_sync_at) {
    state.runs.set(id, { of: sync.last_attempted_sync_at, list: held?.list ?? [] });
    reading(call(path(id, `/sync-runs?limit=${LAST}`))).then(({ sync_runs: list }) => {
      state.runs.set(id, { of: sync.last_attempted_sync_at, list });
      show();
    }, () => state.runs.delete(id)); // the next look tries again
  }
  const runs = held?.list ?? [];
  if (!runs.length) return null;
  return h("div", { class: "strip", "data-key": "strip" },
    h("p", null, t("runs.newest"), " ", counts(runs[0].stats)),
    h("ol", { "aria-label": t("runs.last", { count: runs.length }) }, [...runs].reverse().map((run) =>
      h("li", { "data-key": run.run_id, "data-outcome": run.outcome, title: `${dayAndClock(new Date(run.started_at))}: ${t(`outcome.${run.outcome}`)}` },
        h("span", { class: "unseen" }, t(`outcome.${run.outcome}`))))));
}

// `inserted` are all new entries, cash movements among them.
export function counts({ inserted, cash_events: cash, duplicates, corrections, unmapped }) {
  const trades = Math.max(inserted - cash, 0);
  const said = [inserted ? t("runs.imported", { count: trades }) : t("runs.nothing")];
  if (duplicates) said.push(t("runs.skipped", { count: duplicates }));
  if (corrections) said.push(t("runs.corrected", { count: corrections }));
  if (cash) said.push(t("runs.cash", { count: cash }));
  if (unmapped) said.push(t("runs.unmapped", { count: unmapped }));
  return said.join(" · ");
}

export function runRow(accountId, run) {
  const seconds = (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000;
  return h("li", { class: "run", "data-key": run.run_id },
    h("details", { ontoggle: (event) => event.target.open && fill(event.target, accountId, run) },
      h("summary", null,
        timeOf(run.started_at), " ",
        h("span", { class: "badge", "data-status": STATUS[run.outcome] }, t(`outcome.${run.outcome}`)), " ",
        h("span", { class: "soft" }, `${t(`asked.${run.requested_by}`)} · ${t("runs.seconds", { count: Math.round(seconds * 10) / 10 })}`), " ",
        h("span", { class: "block" }, run.error ? run.error.message : counts(run.stats))),
      h("div", { class: "details" })));
}

export const STATUS = { succeeded: "synced", partial: "partial", deferred: "pending", failed: "failed", needs_review: "needs_review" };

async function fill(details, accountId, run) {
  const place = details.lastElementChild;
  const whole = await reading(call(path(accountId, `/sync-runs/${encodeURIComponent(run.run_id)}`))).catch(() => run);
  const { stats, sections, error } = whole;
  const rows = [
    ...Object.entries(sections).map(([name, how]) => [name, t(`section.${how}`)]),
    ...Object.entries(stats).map(([name, count]) => [t(`stat.${name}`), t("count", { count })]),
  ];
  const ids = [
    ["run_id", whole.run_id], ["job_id", whole.job_id],
    ...(whole.snapshots ?? []).map(({ snapshot_id: id, retention }) => [t(`snapshot.${retention}`), id]),
  ];
  place.replaceChildren(
    ...(error ? [h("div", { class: "error", "data-status": STATUS[run.outcome] }, h("p", null, error.message),
      error.detail ? h("p", { class: "soft", lang: "en" }, error.detail) : null, h("p", { class: "step" }, error.next_step))] : []),
    h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
    h("dl", { class: "ids" }, ids.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, h("code", null, value))))));
}

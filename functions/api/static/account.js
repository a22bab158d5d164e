// One account: its state on top, then what was traded in a period, what is held, how it went, and the sync log.

import { account as path, call, wordsOf } from "./api.js";
import { h } from "./dom.js";
import { groupCard } from "./group.js";
import { performance } from "./performance.js";
import { isOpenEnded, periodControl, query } from "./period.js";
import { runRow } from "./runs.js";
import { accountById, brokerName, brokerOf, reading, show } from "./state.js";
import { executions, positions, roundTrips } from "./tables.js";
import { groupsOf } from "./trust.js";
import { t } from "./words.js";

const PAGE = 100;
const TABS = ["trades", "round-trips", "positions", "performance", "log"];

let view = null; // what this screen holds: {key, pages: [...], error, busy, next}

export function accountScreen(id, tab = TABS[0]) {
  const found = accountById(id);
  if (!found || !TABS.includes(tab)) return [back(), h("p", null, t("account.none"))];
  const { account, connection } = found;
  const group = groupsOf(connection, brokerOf(connection)).find(({ accounts }) => accounts.includes(account));
  load(account, tab);
  return [
    back(),
    h("div", { class: "card", "data-key": `account-${id}` }, groupCard(group, title(account, connection))),
    h("nav", { class: "tabs", "data-key": "tabs", "aria-label": t("account.views") }, TABS.map((name) =>
      h("a", { href: `#/account/${id}/${name}`, "aria-current": name === tab ? "page" : null }, t(`tab.${name}`)))),
    h("section", { class: "card", "data-key": `tab-${tab}`, "aria-busy": view.busy ? "true" : null },
      tab === "positions" || tab === "log" ? null : periodControl(() => show()),
      content(account, tab)),
  ];
}

function title({ name, masked_number: number, currency }, connection) {
  const facts = [name ? number : "", currency, brokerName(connection), connection.environment].filter(Boolean);
  return h("h2", null, name || number || t("account.unknown"), " ", h("span", { class: "soft" }, facts.join(" · ")));
}

const back = () => h("p", { "data-key": "back" }, h("a", { href: "#/" }, `← ${t("account.back")}`));

// What a tab shows depends on the account's last sync, the period and the language: when one changes, it is read anew.
function load(account, tab) {
  const period = tab === "positions" || tab === "log" ? "" : query();
  const key = [account.account_id, tab, account.sync.last_attempted_sync_at, period].join(" ");
  if (view?.key === key) return;
  const same = view?.place === `${account.account_id} ${tab} ${period}`;
  view = { key, place: `${account.account_id} ${tab} ${period}`, pages: same ? view.pages : [], next: null, busy: true, error: "" };
  more(account, tab, period, true);
}

const READERS = {
  trades: (id, period, cursor) => call(path(id, `/trades?limit=${PAGE}${and(period)}${after(cursor)}`)),
  "round-trips": (id, period, cursor) => call(path(id, `/round-trips?limit=${PAGE}${and(period)}${after(cursor)}`)),
  positions: (id) => call(path(id, "/portfolio")),
  performance: (id, period) => performance.read(id, period),
  log: (id, _, cursor) => call(path(id, `/sync-runs?limit=50${after(cursor)}`)),
};
const and = (text) => (text ? `&${text}` : "");
const after = (cursor) => (cursor ? `&cursor=${encodeURIComponent(cursor)}` : "");

async function more(account, tab, period, anew = false) {
  const mine = view;
  mine.busy = true;
  try {
    const [page, sums] = await reading(Promise.all([
      READERS[tab](account.account_id, period, anew ? "" : mine.next),
      anew && SUMMED.has(tab) ? performance.sums(account.account_id, period) : mine.sums,
    ]));
    if (mine !== view) return; // somebody looks at something else by now
    mine.pages = anew ? [page] : [...mine.pages, page];
    mine.next = page.next_cursor ?? null;
    mine.sums = sums;
    mine.error = "";
  } catch (error) {
    if (mine !== view) return;
    mine.error = wordsOf(error);
  }
  mine.busy = false;
  show();
}

const SUMMED = new Set(["trades", "round-trips"]);

function content(account, tab) {
  const { pages, error, busy, next, sums } = view;
  const period = tab === "positions" || tab === "log" ? "" : query();
  return [
    error ? h("p", { class: "notice", role: "status" }, error) : null,
    !pages.length && busy ? h("p", { class: "soft", role: "status" }, t("account.reading")) : null,
    sums ? performance.summary(sums) : null,
    pages.length ? SHOWN[tab](account, pages) : null,
    next ? h("p", { class: "more" }, h("button", { type: "button", class: "quiet", "aria-disabled": String(busy), onclick: () => busy || more(account, tab, period) }, t("more"))) : null,
  ];
}

const SHOWN = {
  trades: (_, pages) => executions(pages.flatMap(({ trades }) => trades), isOpenEnded()),
  "round-trips": (_, pages) => roundTrips(pages.flatMap(({ round_trips: trips }) => trips)),
  positions: (_, [portfolio]) => positions(portfolio),
  performance: (_, [answer]) => performance.show(answer),
  log: (account, pages) => h("ul", { class: "runs" }, pages.flatMap(({ sync_runs: runs }) => runs).map((run) => runRow(account.account_id, run))),
};

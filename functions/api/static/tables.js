// Tables: trades, round trips, positions. On a phone each row becomes a small card that names its own columns.

import { money, number, tone } from "./amounts.js";
import { h } from "./dom.js";
import { timeOf } from "./times.js";
import { known, t } from "./words.js";

export const word = (group, value) => (known(`${group}.${value}`) ? t(`${group}.${value}`) : value);

// `columns`: [name of its heading, is it a number?, cell of a row].
export function table(caption, columns, rows, { empty, key, classOf = () => null }) {
  if (!rows.length) return h("p", { class: "soft" }, empty);
  return h("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    h("table", null,
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, columns.map(([name, numeric]) => h("th", { scope: "col", class: numeric ? "number" : null }, t(name))))),
      h("tbody", null, rows.map((row) => h("tr", { "data-key": key(row), class: classOf(row) },
        columns.map(([name, numeric, cell]) => h("td", { class: numeric ? "number" : null, "data-label": t(name) }, cell(row))))))));
}

const gain = (text, currency) => h("span", { class: tone(text) }, money(text, currency, { sign: true }));
const unknown = () => h("span", { class: "soft" }, "–");

export function executions(trades, openEnded) {
  return table(t("tab.trades"), [
    ["col.time", false, (trade) => timeOf(trade.executed_at)],
    ["col.symbol", false, (trade) => h("strong", null, trade.symbol)],
    ["col.side", false, (trade) => word("side", trade.side)],
    ["col.quantity", true, (trade) => number(trade.quantity)],
    ["col.price", true, (trade) => `${number(trade.price)} ${trade.currency}`],
    ["col.pnl", true, (trade) => (trade.realised_pnl === null ? unknown() : gain(trade.realised_pnl, trade.pnl_currency || trade.currency))],
    ["col.fees", true, (trade) => fees(trade)],
    ...(trades.some(note) ? [["col.note", false, note]] : []),
  ], trades, { empty: t(openEnded ? "trades.none" : "trades.none_in_period"), key: (trade) => trade.source_trade_id, classOf: (trade) => (trade.cancelled_by ? "cancelled" : null) });
}

function fees({ fees: kinds, fee_currency: currency }) {
  const amounts = Object.entries(kinds).filter(([, amount]) => Number(amount) !== 0);
  if (!amounts.length) return unknown();
  return h("span", { title: amounts.map(([kind, amount]) => `${kind}: ${number(amount)} ${currency}`).join("\n") },
    amounts.map(([, amount], place) => [place ? " + " : "", number(amount)]), " ", currency);
}

function note({ cancelled_by: cancelled, version, version_reason: reason, kind }) {
  const said = [];
  if (cancelled) said.push(t("trade.cancelled"));
  if (version > 1) said.push(t("trade.corrected", { count: version, reason: word("reason", reason) }));
  if (kind && kind !== "trade" && kind !== "execution") said.push(word("kind", kind));
  return said.join(" · ");
}

export function roundTrips(trips) {
  return table(t("tab.round-trips"), [
    ["col.closed", false, (trip) => timeOf(trip.closed_at)],
    ["col.opened", false, (trip) => timeOf(trip.opened_at)],
    ["col.symbol", false, (trip) => h("strong", null, trip.symbol)],
    ["col.direction", false, (trip) => word("direction", trip.direction)],
    ["col.quantity", true, (trip) => number(trip.quantity)],
    ["col.entry", true, (trip) => number(trip.entry_price)],
    ["col.exit", true, (trip) => number(trip.exit_price)],
    ["col.fees", true, (trip) => listed(trip.fees)],
    ["col.net", true, (trip) => (trip.net_pnl === null ? unknown() : gain(trip.net_pnl, trip.currency))],
    ["col.source", false, (trip) => t(`source.${trip.pnl_source}`)],
  ], trips, { empty: t("trips.none"), key: (trip) => trip.round_trip_id });
}

const listed = (amounts) => {
  const shown = Object.entries(amounts).filter(([, amount]) => Number(amount) !== 0);
  return shown.length ? shown.map(([currency, amount]) => money(amount, currency)).join(" + ") : unknown();
};

export function positions({ balance, positions: held }) {
  return [balance ? figures(balance) : h("p", { class: "soft" }, t("balance.none")), held ? holdings(held) : h("p", { class: "soft" }, t("positions.unknown"))];
}

function figures(balance) {
  const names = ["balance", "equity", "margin", "free_margin"].filter((name) => balance[name] !== null);
  return [
    h("h3", null, t("balance.title"), " ", h("span", { class: "soft" }, t("as_of"), " ", timeOf(balance.as_of))),
    h("dl", { class: "facts" }, names.map((name) => h("div", null, h("dt", null, t(`balance.${name}`)), h("dd", null, money(balance[name], balance.currency))))),
  ];
}

function holdings(held) {
  return [
    h("h3", null, t("tab.positions"), " ", h("span", { class: "soft" }, t("as_of"), " ", timeOf(held.as_of))),
    table(t("tab.positions"), [
      ["col.symbol", false, (position) => h("strong", null, position.symbol)],
      ["col.side", false, (position) => word("side", position.side)],
      ["col.quantity", true, (position) => number(position.volume)],
      ["col.open_price", true, (position) => (position.open_price === null ? unknown() : number(position.open_price))],
      ...(held.positions.some(({ current_price: price }) => price !== null) ? [["col.current", true, ({ current_price: price }) => (price === null ? unknown() : number(price))]] : []),
      ["col.opened", false, (position) => (position.opened_at ? timeOf(position.opened_at) : unknown())],
      ["col.profit", true, (position) => (position.profit === null ? unknown() : gain(position.profit, position.currency))],
    ], held.positions, { empty: t("positions.none"), key: (position) => `${position.symbol} ${position.side} ${position.position_id}` }),
  ];
}

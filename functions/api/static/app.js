// The status page: shows the accounts of a token and follows them while something syncs. Every address is relative, so
// the page works under any path.

const FAST_MS = 1000; // the first look after a change, while something syncs
const BUSY_MS = 10_000; // at most, while something syncs
const SLOW_MS = 60_000; // at most, while nothing goes on
const BACKOFF = 1.5;
const TRADES = 20; // recent trades per account

const HEADLINES = {
  synced: "Everything is synced",
  syncing: "Syncing",
  pending: "Waiting for a sync",
  partial: "Some data could not be fetched",
  needs_review: "Something needs a review",
  failed: "Something failed",
};
const OVERALL = {
  synced: "Synced",
  syncing: "Syncing",
  pending: "Waiting",
  partial: "Partly synced",
  needs_review: "Review",
  failed: "Failed",
};
const LABELS = { "": "Sync now", try_again: "Try again", review: "Read again" };

const find = (selector, within = document) => within.querySelector(selector);
const cards = new Map(); // account_id -> { element, account, tradesOf }
let timer = 0;
let wait = FAST_MS;
let shown = ""; // what the last answer said: a change makes the next look come soon
let reading = false;

class ProblemError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? "The service did not answer as expected.");
    this.status = status;
    this.step = problem.next_step ?? "";
  }
}

const REFUSED = "The token is not accepted any more. Enter a new one.";
const wordsOf = (error) =>
  error instanceof ProblemError ? `${error.message} ${error.step}` : "The service can't be reached.";

class StaleError extends Error {} // the token changed while its answer was under way: that is nobody's any more

// --- the token: from the address's fragment, which is never sent, into this tab's storage --------------------------

function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return;
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname + location.search);
}

function signOut(reason) {
  sessionStorage.removeItem("token");
  clearTimeout(timer);
  cards.clear();
  find("#accounts").replaceChildren();
  for (const id of ["#overall", "#trouble", "#sign-out"]) find(id).hidden = true;
  if (reason) find("#sign-in-reason").textContent = reason;
  find("#sign-in").hidden = false;
  find("#token").focus();
}

async function call(path, method = "GET") {
  const token = sessionStorage.getItem("token");
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(path, { method, headers, signal: AbortSignal.timeout(15_000) });
  const body = await response.json().catch(() => ({}));
  if (token !== sessionStorage.getItem("token")) throw new StaleError();
  if (!response.ok) throw new ProblemError(response.status, body);
  return body;
}

// --- times: the reader's zone in the text, UTC on hover ------------------------------------------------------------

const sameDay = (a, b) => a.toDateString() === b.toDateString();

function clock(moment, precise = true) {
  const time = { hour: "2-digit", minute: "2-digit", second: precise ? "2-digit" : undefined };
  const year = moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  const day = sameDay(moment, new Date()) ? {} : { day: "numeric", month: "short", year };
  return new Intl.DateTimeFormat(undefined, { ...day, ...time }).format(moment);
}

const UNITS = [[86_400, "day"], [3600, "hour"], [60, "minute"], [0, "second"]];

function distance(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [size, unit] = UNITS.find(([least]) => Math.abs(seconds) >= least);
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
  return words.format(Math.round(seconds / (size || 1)), unit);
}

function timeElement(iso, precise) {
  const element = document.createElement("time");
  element.dateTime = iso;
  element.title = `${iso.replace("T", " ").replace("Z", "")} UTC`;
  element.textContent = clock(new Date(iso), precise);
  return element;
}

function timeAndDistance(iso) {
  const ago = document.createElement("span");
  ago.className = "ago";
  ago.textContent = distance(new Date(iso));
  return [timeElement(iso), " ", ago];
}

// A badge that names its time says it in UTC.
const inOwnZone = (badge, iso) => (iso ? badge.replace(/\d\d:\d\d:\d\d UTC/, clock(new Date(iso))) : badge);

const timeOr = (iso, words) => (iso ? timeAndDistance(iso) : [words]);

// --- showing -------------------------------------------------------------------------------------------------------

function showBadge(element, status, text) {
  if (element.textContent !== text) element.textContent = text; // unchanged text is not announced again
  element.dataset.status = status ?? "";
}

function showOverall({ status, last_successful_sync_at: since }, accounts) {
  find("#overall").hidden = false;
  showBadge(find("#overall .badge"), status, OVERALL[status] ?? "Nothing yet");
  const concerned = accounts.filter(({ sync }) => sync.status === status).length;
  const share = status === "synced" || accounts.length < 2 ? "" : ` (${concerned} of ${accounts.length} accounts)`;
  const headline = `${HEADLINES[status] ?? "No broker is connected yet"}${share}.`;
  if (find("#overall .headline").textContent !== headline) find("#overall .headline").textContent = headline;
  const never = accounts.length ? "Not every account has been synced yet." : "";
  const words = since ? ["The oldest data is from ", ...timeAndDistance(since), "."] : [never];
  find("#overall .since").replaceChildren(...words);
}

function show({ overall, accounts }) {
  showOverall(overall, accounts);
  const list = find("#accounts");
  const present = new Set(accounts.map((account) => account.account_id));
  for (const [id, card] of cards) {
    if (!present.has(id)) {
      card.element.remove();
      cards.delete(id);
    }
  }
  accounts.forEach((account, place) => {
    const card = cards.get(account.account_id) ?? newCard(account.account_id);
    card.account = account;
    if (list.children[place] !== card.element) list.insertBefore(card.element, list.children[place] ?? null);
    showAccount(card);
  });
}

function newCard(accountId) {
  const element = find("#account").content.firstElementChild.cloneNode(true);
  const card = { element, account: null, tradesOf: undefined };
  element.dataset.accountId = accountId;
  find("button", element).addEventListener("click", () => syncNow(card));
  cards.set(accountId, card);
  return card;
}

function showAccount({ element, account }) {
  const { sync } = account;
  const put = (selector, ...content) => find(selector, element).replaceChildren(...content);
  put("h2", account.name || account.masked_number || "New connection");
  const facts = [account.broker_name, account.name ? account.masked_number : "", account.currency];
  if (!account.masked_number) facts.push("its accounts are not known yet");
  put(".broker", facts.filter(Boolean).join(" · "));
  showBadge(find(".badge", element), sync.status, inOwnZone(sync.badge, sync.retry_at));
  put(".succeeded", ...timeOr(sync.last_successful_sync_at, "never"));
  put(".attempted", ...timeOr(sync.last_attempted_sync_at, "never"));
  put(".next", ...timeOr(sync.next_sync_at, sync.sync_enabled ? "none" : "auto-sync is off"));
  const { start, end, holes } = sync.coverage;
  const from = start ? ["from ", timeElement(start, false), " "] : [];
  put(".coverage", ...(end ? [...from, "to ", timeElement(end, false)] : ["not yet known"]));
  showText(".note", sync.news_note);
  showText(".holes", holes ? `${holes} ${holes === 1 ? "row was" : "rows were"} kept but not understood.` : "");
  const error = find(".error", element);
  error.hidden = !sync.error;
  error.dataset.status = sync.status;
  put(".message", sync.error?.message ?? "");
  put(".step", sync.error?.next_step ?? "");
  showButton(find("button", element), sync);

  function showText(selector, text) {
    find(selector, element).hidden = !text;
    put(selector, text);
  }
}

function showButton(button, sync) {
  const queued = sync.job_id && !sync.retry_at;
  button.hidden = sync.action === "reconnect";
  button.textContent = sync.status === "syncing" ? "Syncing" : queued ? "Queued" : LABELS[sync.action];
  // Not `disabled`: a button that loses the keyboard's focus while one waits for it is lost.
  button.setAttribute("aria-disabled", String(sync.status === "syncing" || Boolean(queued)));
}

function showTrades({ element, account }, { trades, next_cursor: more }) {
  const details = find("details", element);
  details.hidden = trades.length === 0;
  const none = find(".trades", element);
  none.hidden = trades.length > 0;
  none.textContent = account.sync.last_successful_sync_at ? "No trades." : "No trades yet.";
  if (!trades.length) return;
  const [latest] = trades;
  const number = `${trades.length} ${trades.length === 1 ? "trade" : "trades"}`;
  const count = more ? `More than ${number}` : number;
  const what = `${count}, the latest: ${latest.side} ${latest.quantity} ${latest.symbol}, `;
  find("summary", element).replaceChildren(what, timeElement(latest.executed_at));
  find("tbody", element).replaceChildren(...trades.map(tradeRow));
}

function tradeRow(trade) {
  const row = document.createElement("tr");
  const price = `${trade.price} ${trade.currency}`;
  const cells = [timeElement(trade.executed_at), trade.symbol, trade.side, trade.quantity, price];
  cells.forEach((content, column) => {
    const cell = row.insertCell();
    if (column > 2) cell.className = "number";
    cell.append(content);
  });
  if (trade.cancelled_by) row.className = "cancelled";
  return row;
}

// --- reading, and following what goes on ---------------------------------------------------------------------------

async function read() {
  clearTimeout(timer);
  if (reading || !sessionStorage.getItem("token")) return;
  reading = true;
  try {
    const answer = await call("trading-accounts");
    find("#trouble").hidden = true;
    find("#sign-out").hidden = false;
    show(answer);
    followUp(answer);
    await readTrades();
  } catch (error) {
    if (error.status === 401) return signOut(REFUSED);
    if (error instanceof StaleError) wait = 0;
    else {
      wait = Math.min(wait * BACKOFF, SLOW_MS);
      find("#trouble").textContent = `${wordsOf(error)} What you see may be old; trying again.`;
      find("#trouble").hidden = false;
    }
  } finally {
    reading = false;
  }
  if (!document.hidden) timer = setTimeout(read, wait);
}

function followUp({ accounts }) {
  const says = JSON.stringify(accounts.map(({ sync }) => [sync.status, sync.job_id, sync.last_attempted_sync_at]));
  const busy = accounts.some(({ sync }) => sync.status === "syncing" || (sync.job_id && !sync.retry_at));
  const next = Math.min(...accounts.map(({ sync }) => (sync.next_sync_at ? new Date(sync.next_sync_at) : Infinity)));
  if (says !== shown) wait = FAST_MS;
  else if (busy) wait = Math.min(wait * BACKOFF, BUSY_MS);
  else wait = Math.min(Math.max(next - Date.now() + FAST_MS, BUSY_MS), SLOW_MS);
  shown = says;
}

const addressOf = ({ account }) => `trading-accounts/${encodeURIComponent(account.account_id)}`;

// Trades change with a sync only.
async function readTrades() {
  for (const card of [...cards.values()]) {
    const attempt = String(card.account.sync.last_attempted_sync_at);
    if (card.tradesOf === attempt) continue;
    showTrades(card, await call(`${addressOf(card)}/trades?limit=${TRADES}`));
    card.tradesOf = attempt;
  }
}

async function syncNow(card) {
  const button = find("button", card.element);
  if (button.getAttribute("aria-disabled") === "true") return;
  const answer = find(".answer", card.element);
  button.setAttribute("aria-disabled", "true");
  answer.textContent = "";
  try {
    await call(`${addressOf(card)}/sync`, "POST");
    button.textContent = "Queued";
    wait = FAST_MS;
    shown = "";
  } catch (error) {
    if (error.status === 401) return signOut(REFUSED);
    answer.textContent = wordsOf(error);
    button.setAttribute("aria-disabled", "false");
  }
  await read();
}

// --- start ---------------------------------------------------------------------------------------------------------

find("#sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", find("#token").value.trim());
  find("#token").value = "";
  find("#sign-in").hidden = true;
  read();
});
find("#sign-out").addEventListener("click", () => signOut("The token is forgotten in this tab."));
addEventListener("hashchange", start);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : read()));

function start() {
  takeToken();
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  find("#zone").textContent = `Times are in your zone, ${timeZone}; hover for UTC.`;
  if (sessionStorage.getItem("token")) {
    find("#sign-in").hidden = true;
    read();
  } else signOut();
}

start();

// "Can I trust these numbers?": the answer for all accounts together, from what the service says of each. Pure.

const OLD = 26 * 3600_000; // ms: older than a day, whatever the interval

// What is synced together: the accounts of one connection where one fetch brings them all, else each account by itself.
// A connection whose accounts nobody knows yet is one of these too, without accounts and `sync`.
export function groupsOf(connection, broker) {
  const together = broker?.capabilities.accounts === "connection";
  const accounts = [...connection.accounts].sort((a, b) => a.masked_number.localeCompare(b.masked_number));
  if (!accounts.length) return [{ id: connection.connection_id, accounts, sync: null, connection }];
  const lists = together ? [accounts] : accounts.map((account) => [account]);
  return lists.map((list) => ({ id: list[0].account_id, accounts: list, sync: list[0].sync, connection }));
}

export const isLive = (connection) => connection.status !== "disconnected";
const size = ({ accounts }) => accounts.length || 1;
const sum = (groups) => groups.reduce((total, group) => total + size(group), 0);

export function stateOf({ sync, connection }, now = Date.now()) {
  if (!sync) return connection.error ? "trouble" : connection.status === "connected" ? "good" : "first";
  if (sync.error || ["failed", "needs_review", "partial"].includes(sync.status)) return "trouble";
  if (!sync.last_successful_sync_at) return "first";
  return now - Date.parse(sync.last_successful_sync_at) > OLD ? "old" : "good";
}

// The verdict: none, trouble, first (still loading), old or good; with what it rests on.
export function trust(groups, now = Date.now()) {
  const of = (kind) => groups.filter((group) => stateOf(group, now) === kind);
  const verdict = ["trouble", "first", "old", "good"].find((kind) => of(kind).length) ?? "none";
  const syncs = groups.map(({ sync }) => sync).filter(Boolean);
  const successes = syncs.map((sync) => sync.last_successful_sync_at);
  return {
    verdict,
    total: sum(groups),
    concerned: sum(of(verdict)),
    syncing: sum(groups.filter(({ sync }) => sync?.status === "syncing")),
    oldest: successes.every(Boolean) ? [...successes].sort()[0] ?? null : null,
    next: syncs.map((sync) => sync.next_sync_at).filter(Boolean).sort()[0] ?? null,
    worries: of("trouble"),
  };
}

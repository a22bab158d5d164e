// What the page knows: one object, and one function that shows it. Views read it, actions change it.

import { wordsOf } from "./api.js";
import { SignedOutError } from "./session.js";

export const state = {
  me: null, // GET /me
  brokers: new Map(), // slug -> of GET /brokers
  connections: null, // of GET /connections; null before the first answer
  runs: new Map(), // account_id -> {of: last attempt, list}
  trouble: null, // why the last look failed
  answers: new Map(), // place on the page -> {text, bad}: what came of an action there
  doing: new Set(), // places where an action is under way
};

const hooks = { show: () => {}, ended: () => {}, changed: () => {} };
export const connectHooks = (given) => Object.assign(hooks, given);
export const show = () => hooks.show();

export function forgetEverything() {
  state.me = state.connections = state.trouble = null;
  for (const held of [state.runs, state.answers, state.doing]) held.clear();
}

// Do what was asked for at a place of the page, say there what came of it, then look for the consequences.
export async function act(place, action, said = () => "") {
  if (state.doing.has(place)) return;
  state.doing.add(place);
  state.answers.delete(place);
  show();
  try {
    const text = said(await action());
    if (text) state.answers.set(place, { text, bad: false });
  } catch (error) {
    if (error instanceof SignedOutError) return hooks.ended(error);
    state.answers.set(place, { text: wordsOf(error), bad: true });
  } finally {
    state.doing.delete(place);
    show();
  }
  await hooks.changed();
}

// Read something that only one view needs. The end of the session is everybody's business, other errors are the view's.
export async function reading(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof SignedOutError) hooks.ended(error);
    throw error;
  }
}

export const brokerOf = (connection) => state.brokers.get(connection.broker);
export const brokerName = (connection) =>
  brokerOf(connection)?.name ?? connection.accounts[0]?.broker_name ?? connection.broker;

export function accountById(id) {
  for (const connection of state.connections ?? []) {
    const account = connection.accounts.find((one) => one.account_id === id);
    if (account) return { account, connection };
  }
  return null;
}

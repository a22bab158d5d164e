// Following what goes on: the page asks again when there can be news, and soon while something is at work. An answer
// that has not changed is a 304. docs/adr has why this and not a WebSocket.

import { news } from "./api.js";
import { SignedOutError } from "./session.js";

const SOON = 1000; // ms: the first look after a change
const BUSY = 5000; // at most, while something is at work
const EXPECTED = 20_000; // so long after its time a scheduled sync is looked for like one at work
const QUIET = 10_000; // at least, while nothing is expected
const IDLE = 120_000; // at most; for what was asked for on another device
const TROUBLE = 60_000; // at most, while the service can't be reached
const BACKOFF = 1.5;

const PATH = "connections";

export class Follower {
  #timer = 0;
  #wait = SOON;
  #reading = false;
  #asked = false;
  #session = 0;
  #told;
  #failed;
  #ended;
  #last = null;
  #due = Infinity; // when the next scheduled sync begins
  #expected = []; // the accounts that it syncs

  // `told` gets every answer that is news, `failed` an error and null when that is over, `ended` the end of the session.
  constructor({ told, failed, ended }) {
    [this.#told, this.#failed, this.#ended] = [told, failed, ended];
  }

  // Look now, and keep looking quickly for a while: somebody has just asked for something.
  lookNow() {
    this.#wait = SOON;
    if (this.#reading) this.#asked = true;
    else return this.#look();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#session += 1;
    this.#last = null;
    this.#due = Infinity;
    this.#asked = this.#reading = false;
  }

  pause() {
    clearTimeout(this.#timer);
  }

  async #look() {
    clearTimeout(this.#timer);
    this.#reading = true;
    const session = this.#session;
    const isOver = () => session !== this.#session; // what is still under way is nobody's any more
    try {
      const answer = await news(PATH);
      if (isOver()) return;
      this.#failed(null);
      if (answer) await this.#told((this.#last = answer.connections));
      this.#wait = this.#next(Boolean(answer));
    } catch (error) {
      if (isOver()) return;
      if (error instanceof SignedOutError) return this.#ended(error);
      this.#wait = Math.min(this.#wait * BACKOFF, TROUBLE);
      this.#failed(error);
    }
    if (isOver()) return;
    this.#reading = false;
    if (this.#asked) {
      this.#asked = false;
      return this.#look();
    }
    if (!document.hidden) this.#timer = setTimeout(() => this.#look(), this.#wait * (0.95 + Math.random() / 10));
  }

  #next(changed) {
    const connections = this.#last ?? [];
    if (connections.some(isBusy)) return changed ? SOON : Math.min(this.#wait * BACKOFF, BUSY);
    const now = Date.now();
    const accounts = connections.flatMap((connection) => connection.accounts);
    if (this.#isAwaited(accounts, now)) return now - this.#due < 2 * SOON ? SOON : Math.min(this.#wait * BACKOFF, BUSY);
    const next = ({ sync }) => Date.parse(sync.next_sync_at ?? "");
    this.#due = Math.min(...accounts.map(next).filter((moment) => moment > now), Infinity);
    this.#expected = accounts.filter((account) => next(account) === this.#due).map(({ account_id: id }) => id);
    return Math.min(Math.max(this.#due - now + SOON, QUIET), IDLE);
  }

  // Whether a scheduled sync should have begun by now and has not been seen yet.
  #isAwaited(accounts, now) {
    if (now < this.#due || now > this.#due + EXPECTED) return false;
    return accounts.some(({ account_id: id, sync }) =>
      this.#expected.includes(id) && !(Date.parse(sync.last_attempted_sync_at ?? "") >= this.#due));
  }
}

export const isBusy = ({ status, accounts, erasure }) =>
  status === "checking" || (erasure && !erasure.finished_at) || accounts.some(({ sync }) => isAtWork(sync));

// At work or about to be: a job is there and waits for nothing. One that failed for good waits for somebody to act.
export const isAtWork = (sync) => sync.status === "syncing" || (sync.job_id !== "" && !sync.retry_at && sync.status !== "failed");

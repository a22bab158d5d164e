// The page: who is signed in, which screen the address names, and what happens when time passes or somebody acts.

import { accountScreen } from "./account.js";
import { call, forgetAnswers } from "./api.js";
import { connectScreen, credentialsScreen, updateScreen } from "./connect.js";
import { find, h, morph } from "./dom.js";
import { Follower } from "./live.js";
import { overview } from "./overview.js";
import { completeSignIn, forget, isSignedIn, SignedOutError, signIn, signOut } from "./session.js";
import { footer, header, notice } from "./frame.js";
import { connectHooks, forgetEverything, show, state } from "./state.js";
import { chooseZone } from "./times.js";
import { isLive } from "./trust.js";
import { preferred, speak, t } from "./words.js";

const STALE = 3600; // seconds after which whoever comes back gets a sync
const REDRAW = 15_000; // ms: "4 minutes ago" goes on

const main = find("main");
const follower = new Follower({ told, failed, ended });
let formOf = ""; // the form that is on the screen: it is made once, whatever else changes
let reason = ""; // why nobody is signed in
let hasLeft = false; // signed out here: what was under way then has nothing to say any more

// --- screens ---------------------------------------------------------------------------------------------------------

const route = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);

function draw() {
  morph(find("header"), header({ signOut: leave, choose }));
  morph(find("#notice"), notice());
  morph(find("footer"), footer({ choose }));
  document.title = t("title");
  if (!isSignedIn()) return replace("sign-in", signInScreen);
  if (!state.connections) return replace("reading", () => [h("p", { class: "soft", role: "status" }, t("reading"))]);
  const [screen, id, tab] = route();
  if (screen === "connect") return replace(`connect ${id}`, () => (id ? credentialsScreen(id, sent) : connectScreen()));
  if (screen === "update") return replace(`update ${id}`, () => updateScreen(id, sent));
  const [name, content] = screen === "account" ? [`account ${id}`, accountScreen(id, tab)] : ["overview", overview()];
  if (formOf !== name) main.replaceChildren(); // another screen: nothing of the old one is reused
  formOf = name;
  morph(main, content);
}

// A screen that is typed into is made once; what is written there is not touched by what goes on elsewhere.
function replace(name, make) {
  if (formOf === name) return;
  formOf = name;
  main.replaceChildren(...make().filter(Boolean));
  find("[data-focus]", main)?.focus();
}

function signInScreen() {
  const said = h("p", { class: "said bad", role: "alert" }, reason);
  const button = h("button", { type: "button", "data-focus": true, onclick: () => signIn().catch((error) => (said.textContent = `${t("sign_in.failed")} ${error.message}`)) }, t("sign_in.do"));
  return [h("section", { class: "card welcome" }, h("h2", null, t("sign_in.title")), h("p", null, t("sign_in.help")), said, h("div", { class: "actions" }, button))];
}

// --- what goes on ----------------------------------------------------------------------------------------------------

async function told(connections) {
  if (!state.brokers.size) {
    const { brokers } = await call("brokers");
    state.brokers = new Map(brokers.map((broker) => [broker.slug, broker]));
  }
  state.connections = connections;
  draw();
}

function failed(error) {
  state.trouble = error;
  draw();
}

function ended(error) {
  if (hasLeft) return;
  forget();
  reason = t("sign_in.ended");
  if (error && !(error instanceof SignedOutError)) reason = error.message;
  gone();
}

async function leave() {
  hasLeft = true;
  reason = t("sign_in.left");
  const left = signOut(); // the tokens are forgotten at once; the issuer is told, too, if it wants to know
  gone();
  await left;
}

function gone() {
  follower.stop();
  forgetAnswers();
  forgetEverything();
  formOf = "";
  draw();
}

// A form was sent (or the session ended while it was): back to the overview, where its connection is being checked.
async function sent(connectionId, error) {
  if (error) return ended(error);
  location.hash = "#/";
  await follower.lookNow();
  const card = document.getElementById(`connection-${connectionId}`);
  card?.scrollIntoView({ block: "nearest" });
}

// Whoever comes back after long gets fresh figures: the service makes one job of it, however many tabs ask.
async function askIfStale() {
  const syncs = (state.connections ?? []).filter(isLive).flatMap(({ accounts }) => accounts).map(({ sync }) => sync);
  const attempts = syncs.filter(({ action }) => action !== "reconnect").map((sync) => Date.parse(sync.last_attempted_sync_at ?? ""));
  if (!attempts.some((moment) => Date.now() - moment > STALE * 1000)) return;
  await call("sync", { method: "POST", body: { if_stale_for: STALE } }).then(() => follower.lookNow(), (error) => error instanceof SignedOutError && ended(error));
}

// What one chooses is said to the service, so that it is the same on the next device.
async function choose(change) {
  if (change.locale) {
    await speak(change.locale);
    localStorage.setItem("locale", change.locale);
    forgetAnswers(); // their messages are in the other language
    state.runs.clear();
    formOf = "";
  }
  if (change.time_zone !== undefined) chooseZone(change.time_zone);
  draw();
  if (!isSignedIn()) return;
  try {
    state.me = await call("me", { method: "PATCH", body: change });
    await follower.lookNow();
  } catch (error) {
    if (error instanceof SignedOutError) ended(error);
    else failed(error);
  }
}

// --- start -----------------------------------------------------------------------------------------------------------

async function enter() {
  state.me = await call("me");
  if (!localStorage.getItem("locale") && state.me.locale) await speak(state.me.locale);
  chooseZone(state.me.time_zone);
  await follower.lookNow();
  await askIfStale();
}

async function start() {
  await speak(localStorage.getItem("locale") ?? preferred());
  connectHooks({ show: draw, ended, changed: () => follower.lookNow() });
  try {
    await completeSignIn();
  } catch (error) {
    reason = `${t("sign_in.failed")} ${error.message}`;
  }
  draw();
  if (!isSignedIn()) return;
  await enter().catch((error) => (error instanceof SignedOutError ? ended(error) : (failed(error), follower.lookNow())));
}

addEventListener("hashchange", () => {
  show();
  scrollTo(0, 0);
});
document.addEventListener("visibilitychange", async () => {
  if (document.hidden) return follower.pause();
  if (!isSignedIn()) return;
  await follower.lookNow();
  await askIfStale();
});
setInterval(() => !document.hidden && isSignedIn() && draw(), REDRAW);

start();

// Who is signed in: OpenID Connect's authorization code flow with PKCE, at whichever issuer sign-in.json names. Tokens
// stay in this tab's storage; nothing of them is ever in an address.

const HERE = location.origin + location.pathname;
const EARLY = 30_000; // ms before its end, a token is renewed
const TOKENS = "tokens";
const LOGIN = "login";

export class SignedOutError extends Error {} // the session ended, here or at the issuer

const stored = (name) => JSON.parse(sessionStorage.getItem(name) ?? "null");
const store = (name, value) => sessionStorage.setItem(name, JSON.stringify(value));
let renewing = null;

export const isSignedIn = () => Boolean(stored(TOKENS));
export const session = () => stored(TOKENS)?.id; // changes with each sign-in, not when a token is renewed

export async function signIn() {
  const { authorization_endpoint: endpoint, client_id, scope } = await provider();
  const login = { state: random(), verifier: random(), hash: location.hash };
  store(LOGIN, login);
  const asked = {
    response_type: "code", client_id, scope, redirect_uri: HERE, state: login.state,
    code_challenge: await challengeOf(login.verifier), code_challenge_method: "S256",
  };
  location.assign(`${endpoint}?${new URLSearchParams(asked)}`);
}

// Ends a sign-in when the issuer has led back here; says whether it did. Throws when the answer is not one to ours.
export async function completeSignIn() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return false;
  const login = stored(LOGIN);
  sessionStorage.removeItem(LOGIN);
  history.replaceState(null, "", location.pathname + (login?.hash ?? ""));
  if (!login || answer.get("state") !== login.state) throw new Error("this answer belongs to another sign-in");
  if (!answer.has("code")) throw new Error(answer.get("error_description") ?? answer.get("error") ?? "no code");
  const { issuer } = await provider();
  if (answer.has("iss") && answer.get("iss") !== issuer) throw new Error("another issuer answered");
  const id = random();
  await redeem(id, { grant_type: "authorization_code", code: answer.get("code"), redirect_uri: HERE, code_verifier: login.verifier });
  return true;
}

export async function signOut() {
  forget();
  const { end_session_endpoint: endpoint, client_id } = await provider().catch(() => ({}));
  // The second name is Cognito's for the first.
  const asked = { client_id, post_logout_redirect_uri: HERE, logout_uri: HERE };
  if (endpoint) location.assign(`${endpoint}?${new URLSearchParams(asked)}`);
}

export const forget = () => sessionStorage.removeItem(TOKENS);

// A token that is good now; `refused` is one that the API did not take. Throws SignedOutError when there is none to have.
export async function accessToken(refused = "") {
  const tokens = stored(TOKENS);
  if (!tokens) throw new SignedOutError();
  if (tokens.access_token !== refused && Date.now() < tokens.ends - EARLY) return tokens.access_token;
  if (!tokens.refresh_token) return ended(tokens, refused);
  renewing ??= redeem(tokens.id, { grant_type: "refresh_token", refresh_token: tokens.refresh_token }).finally(() => (renewing = null));
  await renewing;
  return stored(TOKENS).access_token;
}

function ended(tokens, refused) {
  if (tokens.access_token !== refused && Date.now() < tokens.ends) return tokens.access_token;
  forget();
  throw new SignedOutError();
}

async function redeem(id, asked) {
  const { token_endpoint: endpoint, client_id } = await provider();
  const body = new URLSearchParams({ client_id, ...asked });
  const answer = await fetch(endpoint, { method: "POST", body, signal: AbortSignal.timeout(15_000) });
  const tokens = await answer.json().catch(() => ({}));
  if (answer.status >= 500) throw new Error("the issuer has trouble answering");
  const before = stored(TOKENS);
  const renews = asked.grant_type === "refresh_token";
  if (renews && before?.id !== id) throw new SignedOutError(); // signed out meanwhile, or somebody else is here by now
  if (!answer.ok || !tokens.access_token) {
    forget();
    throw new SignedOutError(tokens.error_description ?? tokens.error);
  }
  const ends = Date.now() + (tokens.expires_in ?? 300) * 1000;
  const refresh_token = tokens.refresh_token ?? asked.refresh_token; // some issuers keep it
  store(TOKENS, { id, access_token: tokens.access_token, refresh_token, ends });
}

let found = null;
function provider() {
  found ??= discover().catch((error) => {
    found = null;
    throw error;
  });
  return found;
}

async function discover() {
  const given = await (await fetch("static/sign-in.json")).json();
  const address = `${given.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const answer = await fetch(address, { signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`${given.issuer} does not describe itself`);
  return { ...(await answer.json()), ...given };
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const challengeOf = async (verifier) =>
  base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

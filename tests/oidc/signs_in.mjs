// People sign in at a provider of others: in, with the right role or none, out, and back with what they should not have.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import * as oidc from "oidc-provider";
import { chromium } from "playwright-core";
import { front, listen } from "./front.mjs";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { CHROMIUM, CONSOLE, AWS_STAND_IN, SHOTS } = process.env;
const KEY = crypto.randomBytes(32).toString("hex");
const CLIENT = { id: "msp-sync console", secret: `p:w%&+ ${crypto.randomBytes(12).toString("base64")}` };
const SESSION = "msp_sync_session";
const PEOPLE = {
  ann: ["msp-admins", "everyone"],
  oscar: ["msp-dispatch"],
  vera: ["everyone"],
  guest: ["customers"],
};

/** Asks the stand-in of AWS, which takes any signature. */
async function aws(target, body) {
  const service = target.startsWith("DynamoDB") ? "dynamodb" : "secretsmanager";
  const credential = `AWS4-HMAC-SHA256 Credential=test/20261122/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=00`;
  const type = service === "dynamodb" ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1";
  const headers = { "x-amz-target": target, "content-type": type, authorization: credential };
  const answer = await fetch(AWS_STAND_IN, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, `${target}: ${await answer.clone().text()}`);
  return answer.json();
}

async function makeStack() {
  const [pk, sk] = ["pk", "sk"];
  await aws("DynamoDB_20120810.CreateTable", {
    TableName: "signs-in",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [pk, sk].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    KeySchema: [{ AttributeName: pk, KeyType: "HASH" }, { AttributeName: sk, KeyType: "RANGE" }],
  });
  await aws("secretsmanager.CreateSecret", { Name: "signs-in/console/cookie-key", SecretString: KEY, ClientRequestToken: crypto.randomUUID() });
  await aws("secretsmanager.CreateSecret", { Name: "signs-in/console/client-secret", SecretString: CLIENT.secret, ClientRequestToken: crypto.randomUUID() });
}

function variables(issuer) {
  return {
    AWS_ENDPOINT_URL: AWS_STAND_IN,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_LAMBDA_FUNCTION_NAME: "signs-in-console",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
    AWS_LAMBDA_FUNCTION_VERSION: "1",
    MSP_SYNC_ALLOW_LOOPBACK: "1",
    TABLE_NAME: "signs-in",
    RECORDS_QUEUE_URL: `${AWS_STAND_IN}/000000000000/records.fifo`,
    SECRET_PREFIX: "signs-in",
    SCHEDULE_GROUP: "signs-in",
    SCHEDULER_ROLE_ARN: "arn:aws:iam::000000000000:role/scheduler",
    FUNCTION_ARN_PREFIX: "arn:aws:lambda:eu-west-1:000000000000:function:signs-in-",
    FAILED_EVENTS_ARN: "arn:aws:sqs:eu-west-1:000000000000:failed",
    SIGN_IN_ISSUER: issuer,
    SIGN_IN_CLIENT_ID: CLIENT.id,
    SIGN_IN_SCOPES: "openid email groups",
    SIGN_IN_ROLE_CLAIM: "realm.groups",
    SIGN_IN_ROLES: "viewer=everyone, operator=msp-dispatch, admin=msp-admins",
  };
}

/** The provider, with its own pages for signing in and for consent. */
async function makeProvider(redirectTo) {
  let app;
  const server = await listen((request, response) => app(request, response));
  // Another site than the console, as far as browsers are concerned.
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new oidc.Provider(issuer, {
    clients: [{
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      redirect_uris: [`${redirectTo}/sign-in/callback`],
      post_logout_redirect_uris: [`${redirectTo}/signed-out`],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    }],
    cookies: { keys: ["of the test"] },
    pkce: { required: () => true },
    scopes: ["openid", "email", "groups"],
    claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["realm"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@acme.example`, email_verified: true, realm: { groups: PEOPLE[id] ?? [] } }),
    }),
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, IdToken: 300, AccessToken: 300 },
  });
  app = provider.callback();
  return { issuer, end: () => (server.close(), server.closeAllConnections()) };
}

/** Opens what the console sealed, and seals something else: the cookie's format, written a second time. */
const key = crypto.createHash("sha256").update(`msp-sync cookies\0${KEY}`).digest();
function opened(text) {
  const sealed = Buffer.from(text, "base64url");
  const cipher = crypto.createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
  cipher.setAAD(Buffer.from(SESSION)).setAuthTag(sealed.subarray(-16));
  return JSON.parse(Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()]));
}
function sealed(value, under = key) {
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv("aes-256-gcm", under, nonce).setAAD(Buffer.from(SESSION));
  const text = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
  return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64url");
}

async function look(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.map((of) => `${of.id}: ${of.nodes.map((node) => node.html).join(" | ")}`), [], `${name} (${scheme})`);
    await page.screenshot({ path: path.join(SHOTS, `${name}-${scheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Signs in at the provider's own pages. */
async function signIn(page, name) {
  await page.getByRole("link", { name: /^Sign in/ }).click();
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("any will do here");
  await page.getByRole("button").first().click();
  await page.locator("button[type=submit]", { hasText: /continue/i }).click();
}

/** Says whether the provider lets somebody in again without a word; a session here that comes of it is dropped. */
async function isKnown(context, origin) {
  const page = await context.newPage();
  await page.goto(`${origin}/sign-in`);
  const isAsked = await page.locator("input[name=login]").count();
  await context.clearCookies({ name: SESSION });
  await page.close();
  return isAsked === 0;
}

const ok = (what) => console.log(`ok      ${what}`);

async function journey(browser, origin) {
  const context = () => browser.newContext({ viewport: { width: 1280, height: 860 } });
  const anns = await context();
  const page = await anns.newPage();
  const complaints = [];
  page.on("console", (message) => {
    // What the provider's own pages complain about is theirs.
    if (message.type() === "error" && message.location().url.startsWith(origin)) complaints.push(message.text());
  });

  assert.equal((await page.goto(`${origin}/audit`)).status(), 401);
  await look(page, "sign-in");
  await signIn(page, "ann");
  await page.waitForURL(`${origin}/audit`);
  await page.getByText("ann@acme.example · admin").waitFor();
  await page.getByText("as admin, subject ann").waitFor();
  await look(page, "signed-in");
  ok("somebody signs in, comes to the page that was asked for, and is in the audit log");

  const cookies = await anns.cookies(origin);
  const session = cookies.find((cookie) => cookie.name === SESSION);
  assert.deepEqual(cookies.map((cookie) => cookie.name), [SESSION], "nothing of the sign-in is left");
  assert.deepEqual([session.httpOnly, session.sameSite], [true, "Lax"]);
  const inside = opened(session.value);
  assert.equal(inside.name, "ann@acme.example");
  assert.doesNotMatch(Buffer.from(session.value, "base64url").toString("latin1"), /ann|admin/);
  const probe = async (value) => {
    const headers = { cookie: `${SESSION}=${value}` };
    return (await fetch(`${origin}/`, { headers, redirect: "manual" })).status;
  };
  const before = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  assert.equal(await probe(sealed(inside)), 200, "the cookie's format is what it is taken for");
  assert.equal(await probe(sealed({ ...inside, noted: before(61) })), 401);
  assert.equal(await probe(sealed({ ...inside, began: before(601) })), 401);
  assert.equal(await probe(sealed(inside, crypto.randomBytes(32))), 401);
  assert.equal(await probe(`${session.value.slice(0, -3)}AAA`), 401);
  await anns.addCookies([{ ...session, value: sealed({ ...inside, noted: before(61) }) }]);
  assert.equal((await page.goto(`${origin}/catalogue`)).status(), 401);
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  ok("an idle, an old and a forged session are a stranger's");

  await page.getByRole("link", { name: "Sign in" }).click();
  await page.waitForURL(`${origin}/catalogue`);
  ok("who is still known to the provider is back without a word");

  const again = (await anns.cookies(origin)).find((cookie) => cookie.name === SESSION);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await look(page, "signed-out");
  assert.deepEqual(await anns.cookies(origin).then((all) => all.filter((cookie) => cookie.name === SESSION)), []);
  assert.equal(await probe(again.value), 401);
  ok("signing out ends the session, also for a copy of its cookie");

  assert.ok(await isKnown(anns, origin), "the provider still knows her");
  await page.getByRole("link", { name: "Sign out of the organisation, too" }).click();
  await page.getByRole("button", { name: /yes, sign me out/i }).click();
  await page.waitForURL(`${origin}/signed-out`);
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await look(page, "signed-out-there");
  assert.ok(!(await isKnown(anns, origin)), "the provider has forgotten her");
  ok("the provider's own session is ended, and the browser comes back");

  const viewers = await (await context()).newPage();
  await viewers.goto(origin);
  await signIn(viewers, "vera");
  await viewers.getByText("vera@acme.example · viewer").waitFor();
  const csrf = await viewers.locator("input[name=csrf]").first().getAttribute("value");
  const order = (token) =>
    viewers.evaluate(async (csrf) => {
      const plan = "acme.0123456789abcdef";
      const body = new URLSearchParams({ csrf, confirm: "acme" });
      const answer = await fetch(`/plan/${plan}/discard`, { method: "POST", body, redirect: "manual" });
      return [answer.type, answer.status];
    }, token);
  assert.deepEqual(await order(csrf), ["opaqueredirect", 0], "what an order came to is told on the next page");
  await viewers.goto(origin);
  await viewers.getByText("`plan discard` needs the role operator; vera@acme.example is viewer").waitFor();
  await viewers.reload();
  assert.equal(await viewers.getByText("needs the role operator").count(), 0, "once");
  assert.deepEqual(await order("guessed"), ["basic", 403]);
  assert.equal((await viewers.goto(`${origin}/audit`)).status(), 403);
  await look(viewers, "forbidden");
  ok("a viewer looks, and decides nothing");

  const guests = await (await context()).newPage();
  await guests.goto(origin);
  await signIn(guests, "guest");
  await guests.getByText("guest@acme.example is known, and has no role here.").waitFor();
  await look(guests, "no-role");
  assert.equal((await guests.goto(origin)).status(), 401);
  ok("somebody without a role is told so");

  const oscars = await (await context()).newPage();
  await oscars.goto(origin);
  await signIn(oscars, "oscar");
  await oscars.getByText("oscar@acme.example · operator").waitFor();
  await oscars.goto(`${origin}/audit`);
  for (const text of ["sign-out", "sign-in refused", "no role"]) {
    await oscars.getByText(text, { exact: true }).first().waitFor();
  }
  ok("refusals and sign-outs are in the audit log");

  const mine = (text) => !/401|403/.test(text);
  assert.deepEqual(complaints.filter(mine), [], "the policy lets everything through that a page needs");
  let status = 0;
  for (let tries = 0; tries < 61 && status !== 429; tries++) {
    status = (await fetch(`${origin}/sign-in`, { redirect: "manual" })).status;
  }
  assert.equal(status, 429);
  ok("too many sign-ins from one address are turned away");
}

async function main() {
  fs.rmSync(SHOTS, { recursive: true, force: true });
  fs.mkdirSync(SHOTS, { recursive: true });
  await makeStack();
  let provider;
  const site = await front(CONSOLE, async (origin) => {
    provider = await makeProvider(origin);
    return variables(provider.issuer);
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  try {
    await journey(browser, site.origin);
    for (const secret of [KEY, CLIENT.secret]) assert.ok(!site.log().includes(secret), "no secret is logged");
  } catch (error) {
    console.error(site.log().split("\n").slice(-20).join("\n"));
    throw error;
  } finally {
    await browser.close();
    site.end();
    provider.end();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

// The newcomer's path in a real browser, without script where that is possible and with axe-core on every page.
"use strict";
const { spawn, execFile } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const assert = require("node:assert/strict");
const { promisify } = require("node:util");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const program = process.env.MSP_SYNC;
const shots = process.env.SHOTS;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "msp-sync-browser-"));
const env = { ...process.env, MSP_SYNC_ALLOW_LOOPBACK: "1", MSP_SYNC_DATA_DIR: path.join(folder, "data"), USER: "newcomer", TZ: "UTC" };
const children = [];
const ID = "acme-auvik";
const HOSTILE = '<img src=x onerror="document.title=1">=cmd|\u202egpj.exe';

/** Starts the program and reads the one line of JSON that it says. */
function start(...words) {
  const child = spawn(program, [...words, "--json"], { env, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return new Promise((resolve, reject) => {
    let text = "";
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${words[0]} ended with ${code}`)));
    child.stdout.on("data", (some) => {
      text += some;
      if (text.includes("\n")) resolve(JSON.parse(text.slice(0, text.indexOf("\n"))));
    });
  });
}

/** Runs a command beside the console, which carries it out. */
async function command(...words) {
  const { stdout } = await promisify(execFile)(program, [...words, "--json"], { env });
  return JSON.parse(stdout);
}

/** Writes a file beside the data folder. */
function write(name, text) {
  fs.writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

const seen = [];

/** Looks at the page with axe-core in both themes and keeps what it looks like, wide and narrow. */
async function look(page, name) {
  const answer = page.url();
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    // The page's policy forbids inline script, so that axe-core comes in beside it.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    const found = violations.map((of) => `${of.id}: ${of.nodes.map((node) => node.html).join(" | ")}`);
    assert.deepEqual(found, [], `${name} (${scheme}) at ${answer}`);
    await page.screenshot({ path: path.join(shots, `${name}-${scheme}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 360, height: 740 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, `${name} can be read at 360 px without scrolling sideways`);
  await page.screenshot({ path: path.join(shots, `${name}-narrow.png`), fullPage: true });
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: "light" });
  seen.push(name);
}

async function journey(browser, link, vendor) {
  const origin = new URL(link).origin;
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  page.on("request", (request) => request.url().startsWith(origin) || complaints.push(`asked ${request.url()}`));
  const press = (name) => page.getByRole("button", { name, exact: true }).first().click();

  const stranger = await (await browser.newContext()).newPage();
  assert.equal((await stranger.goto(origin)).status(), 401);
  await look(stranger, "not-signed-in");

  // Home, empty; then the first integration, with a wrong key first.
  await page.goto(link);
  assert.equal(page.url(), `${origin}/`);
  await look(page, "home-empty");
  await page.getByRole("link", { name: "Add the first integration" }).click();
  await look(page, "add");
  await page.getByRole("link", { name: "Auvik" }).click();
  await page.getByLabel("Name of this integration").fill(ID);
  await page.getByLabel("Address").fill(vendor.settings.url);
  await page.getByLabel("Username").fill(vendor.secret.username);
  await page.getByLabel("API key").fill("wrong-wrong-wrong");
  await look(page, "add-auvik");
  await press("Add and verify");
  await page.getByText("The vendor does not let us read everything").waitFor();
  await look(page, "refused-key");
  await page.getByLabel("Username").fill(vendor.secret.username);
  await page.getByLabel("API key").fill(vendor.secret.api_key);
  await press("Verify and replace");
  await page.getByText("The vendor lets us in.", { exact: true }).waitFor();

  // Kinds and schedule, the first read.
  await look(page, "verified");
  await press("Save");
  await page.getByText("Saved.").waitFor();
  await press("Read the vendor");
  await page.getByRole("link", { name: "Go to matching" }).click({ timeout: 60_000 });

  // What the documentation knew before: some of the vendor's clients by the same name, some by a similar one.
  const { items } = await command("records", ID, "--kind", "client");
  const known = items.slice(0, 6).map(({ name }, at) => `"${at < 4 ? name : `${name} Intl`}"`);
  await command("docs", "import", "--kind", "client", write("known.csv", `name\n${known.join("\n")}\n`));

  // Matching: identical names at once, one suggestion, one by hand, one left out, the rest made.
  await page.getByRole("heading", { name: "Auvik" }).waitFor();
  await look(page, "matching");
  await press("Auto-match identical names");
  await page.getByText("Nothing is written before Finish").waitFor();
  await page.getByRole("link", { name: /^Unmatched/ }).click();
  await page.getByRole("link", { name: /^Find a match for/ }).first().click();
  await page.getByRole("searchbox").fill("a");
  await press("Search");
  await look(page, "pick");
  await page.goBack();
  await page.goBack();
  await page.getByRole("button", { name: /^Exclude / }).first().click();
  await page.getByText("Staged for 1 record").waitFor();
  await look(page, "matching-decided");
  await page.getByRole("link", { name: /^Excluded/ }).click();
  assert.equal(await page.getByRole("button", { name: /^Reset / }).count(), 1);
  await press("Create all unmatched");
  await page.getByRole("link", { name: "Next: preview" }).click();
  await look(page, "preview");

  // A preview that is looked at in another tab while something is decided here cannot be finished.
  const other = await context.newPage();
  await other.goto(`${origin}/i/${ID}/match/client?state=created`);
  await other.getByRole("button", { name: /^Reset / }).first().click();
  await other.getByText("Staged for 1 record").waitFor();
  await other.close();
  await press("Finish");
  await page.getByText("is outdated, nothing was written").waitFor();
  await look(page, "outdated");
  await press("Finish");

  // Live: the first full sync ends by itself, and the card says so.
  await page.waitForURL(`${origin}/`);
  await page.getByRole("link", { name: "Run by hand" }).waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Sync now" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await look(page, "home-live");
  const [status] = (await command("status", ID)).items;
  assert.equal(status.state, "live");
  const total = Object.values(status.last_run.counts).reduce((sum, of) => sum + of.synced, 0);
  assert.ok(total > 100, `${total} records are synced`);

  // What is left out, where it went, and who decided it.
  await page.goto(`${origin}/i/${ID}/unsynced`);
  await look(page, "unsynced");
  const csv = await page.request.get(`${origin}/i/${ID}/unsynced.csv`);
  assert.match(csv.headers()["content-disposition"], /attachment/);
  await page.goto(`${origin}/i/${ID}/runs`);
  await look(page, "runs");
  await page.locator("tbody a").first().click();
  await look(page, "run");
  await page.goto(`${origin}/i/${ID}/plans`);
  await look(page, "plans");
  await page.locator("tbody a").first().click();
  await look(page, "plan");
  await page.goto(`${origin}/catalogue`);
  await look(page, "catalogue");
  await page.goto(`${origin}/i/${ID}`);
  await look(page, "integration");

  // A hostile name is shown as it is written and does nothing.
  const file = write("hostile.csv", `name\n"${HOSTILE.replaceAll('"', '""')}"\n`);
  await command("docs", "import", "--kind", "client", file);
  await page.goto(`${origin}/catalogue?kind=client&search=onerror`);
  await page.getByRole("link", { name: /onerror/ }).click();
  await page.getByRole("heading", { name: "\\u{202e}gpj.exe" }).waitFor();
  assert.equal(await page.locator("img").count(), 0);
  await look(page, "hostile");
  await page.getByLabel("Field", { exact: true }).selectOption("city");
  await page.getByLabel("Value", { exact: true }).fill("Bremen");
  await press("Set");
  await page.getByText("edited by a person").waitFor();
  await look(page, "record");
  await page.goto(`${origin}/audit`);
  await page.getByText("docs edit").waitFor();
  await look(page, "audit");
  assert.equal((await page.goto(`${origin}/i/nobody`)).status(), 404);
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes("404")));
  await look(page, "not-found");
  assert.deepEqual(complaints, []);
}

async function main() {
  fs.rmSync(shots, { recursive: true, force: true });
  fs.mkdirSync(shots, { recursive: true });
  const [sandbox, serve] = await Promise.all([
    start("sandbox", "--clients", "14", "--devices", "240", "--seed", "11"),
    start("serve", "--listen", "127.0.0.1:0"),
  ]);
  const vendor = sandbox.items.find((of) => of.vendor === "auvik");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  try {
    await journey(browser, serve.console, vendor);
    console.log(`ok: ${seen.length} pages, each in two themes and at 360 px: ${seen.join(", ")}`);
  } finally {
    await browser.close();
  }
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => {
    children.forEach((child) => child.removeAllListeners("exit").kill("SIGINT"));
    fs.rmSync(folder, { recursive: true, force: true });
  });

// What every path stands on: the programs on a fresh data folder, somebody at a browser, and what is looked at on each page.
"use strict";
const { spawn, execFile } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");
const assert = require("node:assert/strict");
const { promisify } = require("node:util");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const WIDE = { width: 1280, height: 860 };
const NARROW = { width: 360, height: 740 };
const HUGE = { width: 3840, height: 2160 };
/** A run of the sandbox's vendors takes seconds; on a crowded machine some more. */
const RUN_MS = 90_000;

/** A program that says a line of JSON once it is ready, and takes orders a line each. */
class Program {
  constructor(file, words, env, log) {
    this.child = spawn(file, words, { env, stdio: ["pipe", "pipe", log] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise((resolve) => this.child.on("close", resolve).on("error", resolve));
  }

  async line() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, `${this.child.spawnfile} ended`);
    return JSON.parse(value);
  }

  /** Orders something and returns what came of it. */
  async order(order) {
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
    const answer = await this.line();
    assert.equal(answer.error, undefined);
    return answer;
  }

  async stop() {
    this.child.kill("SIGINT");
    await this.ended;
  }
}

/** Simulated vendors, `serve` on a fresh data folder, and a browser. */
class Bench {
  /** Starts all of it; `world` has the sandbox's `clients`, `devices` and `seed`. */
  static async start(name, browser, world, shots) {
    const bench = new Bench();
    Object.assign(bench, { browser, shots, seen: [], guests: [] });
    bench.log = fs.openSync(path.join(shots, `${name}.log`), "w");
    bench.folder = fs.mkdtempSync(path.join(os.tmpdir(), "msp-sync-browser-"));
    const data = path.join(bench.folder, "data");
    bench.env = { ...process.env, MSP_SYNC_ALLOW_LOOPBACK: "1", MSP_SYNC_DATA_DIR: data, USER: "newcomer", TZ: "UTC" };
    const size = Object.entries(world).flatMap(([name, number]) => [`--${name}`, String(number)]);
    bench.sandbox = new Program(process.env.SANDBOX, size, bench.env, bench.log);
    await bench.serve("127.0.0.1:0");
    bench.vendors = Object.fromEntries((await bench.sandbox.line()).vendors.map((of) => [of.vendor, of]));
    return bench;
  }

  /** Starts `serve`, or starts it again. */
  async serve(listen) {
    if (this.serving) await this.serving.stop();
    this.serving = new Program(process.env.MSP_SYNC, ["serve", "--listen", listen, "--json"], this.env, this.log);
    this.link = (await this.serving.line()).console;
    this.origin = new URL(this.link).origin;
  }

  async stop() {
    for (const guest of this.guests) await guest.context.close();
    await Promise.all([this.sandbox, this.serving].filter(Boolean).map((program) => program.stop()));
    fs.closeSync(this.log);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs a command beside the console, which carries it out. */
  async command(...words) {
    const { stdout } = await promisify(execFile)(process.env.MSP_SYNC, [...words, "--json"], { env: this.env });
    return JSON.parse(stdout);
  }

  /** Reads documentation records of a kind in; a row is an object of columns. */
  async documented(kind, rows) {
    const cell = (value) => `"${String(value).replaceAll('"', '""')}"`;
    const columns = Object.keys(rows[0]);
    const lines = [columns.join(","), ...rows.map((row) => columns.map((column) => cell(row[column])).join(","))];
    const file = path.join(this.folder, `${kind}.csv`);
    fs.writeFileSync(file, `${lines.join("\n")}\n`);
    const said = await this.command("docs", "import", "--kind", kind, file);
    assert.deepEqual(said.problems, []);
  }

  /** Sets a vendor up by commands as far as its first read, which is where matching begins. */
  async read(id, vendor, sync) {
    const { settings, secret } = this.vendors[vendor];
    const words = (flag, parts) => Object.entries(parts).flatMap(([name, value]) => [flag, `${name}=${value}`]);
    const all = [...words("--setting", { ...settings, requests_per_minute: 60000 }), ...words("--secret", secret)];
    await this.command("integration", "add", id, "--vendor", vendor, ...all);
    await this.command("integration", "verify", id);
    await this.command("integration", "set", id, "--sync", sync);
    await this.command("sync", id);
  }

  /** The same to the end of its first full sync: all users and clients are created. */
  async live(id, vendor, sync) {
    await this.read(id, vendor, sync);
    await this.command("create-unmatched", id);
    await this.command("finish", id);
    assert.equal((await this.status(id)).state, "live");
  }

  async status(id) {
    return (await this.command("status", id)).items[0];
  }

  /** Somebody with a browser of their own; `options` are those of a browser's context. */
  async guest(options = {}) {
    const guest = new Guest(this, await this.browser.newContext({ viewport: WIDE, ...options }));
    await guest.begin();
    this.guests.push(guest);
    return guest;
  }

  /** The same, let in by the link. Each use makes the next link, which only the terminal shows. */
  async signedIn(options = {}) {
    const guest = await this.guest(options);
    await guest.page.goto(this.link);
    assert.equal(guest.page.url(), `${this.origin}/`);
    return guest;
  }
}

/** Somebody with a browser of their own. What a page must never do is kept and told at the end. */
class Guest {
  constructor(bench, context) {
    Object.assign(this, { bench, context, complaints: [] });
  }

  async begin() {
    this.context.on("page", (page) => this.watch(page));
    this.page = await this.context.newPage();
  }

  watch(page) {
    const complain = (text) => this.complaints.push(text);
    // An answer that is an error is told in a page of ours, and by the browser in its log besides.
    const isAnswer = (text) => text.startsWith("Failed to load resource");
    page.on("console", (message) => message.type() === "error" && !isAnswer(message.text()) && complain(message.text()));
    page.on("pageerror", (error) => complain(String(error)));
    page.on("dialog", (dialog) => complain(`a dialog: ${dialog.message()}`));
    page.on("request", (request) => request.url().startsWith(`${this.bench.origin}/`) || complain(`asked ${request.url()}`));
    page.on("response", (answer) => {
      if (answer.status() >= 500) complain(`${answer.status()} from ${answer.url()}`);
    });
  }

  /** Goes to a path of the console. */
  async go(to) {
    return this.page.goto(`${this.bench.origin}${to}`);
  }

  /** Presses the first button of that name. */
  async press(name) {
    await this.page.getByRole("button", { name, exact: typeof name === "string" }).first().click();
  }

  /** Follows the first link of that name. */
  async follow(name, options) {
    await this.page.getByRole("link", { name, exact: typeof name === "string" }).first().click(options);
  }

  /** Waits until the page says this. */
  async reads(text) {
    await this.page.getByText(text).first().waitFor();
  }

  /** Waits until a run or another long work has ended, which shows in this. */
  async ends(locator) {
    await locator.waitFor({ timeout: RUN_MS });
    await this.settled();
  }

  /** Waits until nothing goes on behind the page; one that followed a run has then loaded itself again. */
  async settled() {
    await this.page.locator('[data-live="yes"]').waitFor({ state: "detached", timeout: RUN_MS });
  }

  /** Fills the form of a vendor: settings and secret by the names that the vendor has for them. */
  async fill({ settings, secret }, changed = {}) {
    const parts = [...Object.entries(settings).map(([name, value]) => [`setting.${name}`, value])];
    parts.push(...Object.entries({ ...secret, ...changed }).map(([name, value]) => [`secret.${name}`, value]));
    for (const [name, value] of parts) {
      const field = this.page.locator(`form:has(button.main, [name="secret.${Object.keys(secret)[0]}"]) [name="${name}"]`).first();
      if (!(await field.isVisible())) await this.page.getByText("Further settings").click();
      await field.fill(String(value));
    }
  }

  /**
   * Looks at the page as it is: axe-core finds nothing in either theme, nothing has to be scrolled sideways on a telephone
   * or a wall, and what it looks like is kept.
   */
  async look(name) {
    const { page } = this;
    if (process.env.LOOK === "no") return;
    const keep = (suffix) => page.screenshot({ path: path.join(this.bench.shots, `${name}-${suffix}.png`), fullPage: true });
    await this.settled();
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // The page's policy forbids inline script, so that axe-core comes in beside it.
      if (await page.evaluate(() => !("axe" in globalThis))) await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const found = violations.map((of) => `${of.id}: ${of.nodes.map((node) => node.html).join(" | ")}`);
      assert.deepEqual(found, [], `${name} (${colorScheme}) at ${page.url()}`);
      await keep(colorScheme);
    }
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    for (const [suffix, size] of Object.entries({ narrow: NARROW, huge: HUGE })) {
      await page.setViewportSize(size);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, `${name} has to be scrolled sideways at ${size.width} px`);
      if (suffix === "narrow") await keep(suffix);
    }
    await page.setViewportSize(WIDE);
    this.bench.seen.push(name);
  }

  /** Ends with nothing to complain of. */
  contented() {
    assert.deepEqual(this.complaints, []);
  }
}

module.exports = { Bench, RUN_MS };

// Plays every path, two at a time, each on programs and a data folder of its own. Words on the command line choose among
// the paths.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");
const { Bench } = require("./bench.cjs");

const AT_ONCE = 2;
const WORLD = { clients: 6, devices: 90, seed: 11 };
/** What waits longer than this on a crowded machine has gone wrong. */
const PATIENCE_MS = 30_000;

const shots = process.env.SHOTS;
const folder = path.join(__dirname, "paths");
const wanted = process.argv.slice(2);

async function play(browser, file) {
  const { title, world, walk } = require(path.join(folder, file));
  const began = performance.now();
  const name = path.basename(file, ".cjs");
  const bench = await Bench.start(name, browser, { ...WORLD, ...world }, shots);
  try {
    await walk(bench);
    bench.guests.forEach((guest) => guest.contented());
    return { name, title, seen: bench.seen, took: performance.now() - began };
  } catch (error) {
    for (const [nth, { page }] of bench.guests.entries()) {
      await page.screenshot({ path: path.join(shots, `FAILED-${name}-${nth}.png`), fullPage: true }).catch(() => {});
    }
    return { name, title, error, took: performance.now() - began };
  } finally {
    await bench.stop();
  }
}

async function main() {
  fs.rmSync(shots, { recursive: true, force: true });
  fs.mkdirSync(shots, { recursive: true });
  const files = fs.readdirSync(folder).filter((file) => wanted.length === 0 || wanted.includes(path.basename(file, ".cjs")));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  };
  const began = performance.now();
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const worker = async () => {
    for (let file = files.shift(); file; file = files.shift()) {
      const { name, title, seen, error, took } = await play(browser, file);
      if (error) process.exitCode = 1;
      console.log(`${error ? "FAILED " : "ok     "} ${name}: ${title} (${seconds(took)}${seen ? `, ${seen.length} pages` : ""})`);
      if (error) console.error(error);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await browser.close();
  console.log(`in all ${seconds(performance.now() - began)}; screenshots in ${shots}`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

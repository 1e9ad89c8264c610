// What a page weighs on the wire, with everything that it asks for, in a browser that has seen nothing of us yet.
"use strict";
const assert = require("node:assert/strict");

/** The first page, whatever it shows. */
const FIRST_PAGE_BYTES_MAX = 60 * 1024;

exports.title = "what the pages weigh";
exports.world = { clients: 40, devices: 400, seed: 11 };
exports.walk = async (bench) => {
  for (const vendor of Object.keys(bench.vendors)) await bench.read(`acme-${vendor}`, vendor, "client,asset");
  await bench.command("create-unmatched", "acme-auvik", "--kind", "client");
  await bench.command("finish", "acme-auvik");
  const guest = await bench.signedIn();
  const { page } = guest;
  const cdp = await guest.context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  const came = [];
  cdp.on("Network.loadingFinished", ({ encodedDataLength }) => came.push(encodedDataLength));
  for (const place of ["/", "/i/acme-auvik", "/i/acme-nable-rmm/match/client", "/i/acme-auvik/unsynced", "/catalogue", "/audit"]) {
    came.length = 0;
    await page.goto(`${bench.origin}${place}`, { waitUntil: "networkidle" });
    const bytes = came.reduce((sum, one) => sum + one, 0);
    const size = await page.evaluate(() => document.documentElement.outerHTML.length);
    console.log(`        ${(bytes / 1024).toFixed(1).padStart(6)} KB in ${came.length} answers: ${place} (${size} letters)`);
    if (place === "/") assert.ok(bytes <= FIRST_PAGE_BYTES_MAX, `${bytes} bytes`);
  }
};

// The main flow in a browser that runs no script: every page and every button works.
"use strict";
const assert = require("node:assert/strict");

/** Loads the page again, as somebody without script does, until the run has ended. */
async function until(page, locator) {
  const last = Date.now() + 90_000;
  while ((await locator.count()) === 0) {
    assert.ok(Date.now() < last, `${locator} does not come`);
    await page.reload();
  }
}

exports.title = "the main flow without script";
exports.walk = async (bench) => {
  const guest = await bench.signedIn({ javaScriptEnabled: false });
  const { page } = guest;
  await guest.follow("Add the first integration");
  await guest.follow(/^Autotask/);
  await page.getByLabel("Name of this integration").fill("acme");
  await guest.fill(bench.vendors.autotask);
  await guest.press("Add and verify");
  await guest.reads("The vendor lets us in.");
  await guest.press("Save");
  await guest.reads("Saved.");
  await guest.press("Read the vendor");
  await until(page, page.getByRole("link", { name: "Go to matching" }));
  for (const box of await page.locator('input[name="type"]').all()) await box.check();
  await guest.press("Save the types");
  await guest.reads("Saved.");
  const { items } = await bench.command("records", "acme", "--kind", "client");
  const [{ name }] = items.filter((of) => of.reason === "unmatched");
  await bench.documented("client", [{ name: "Zebra Holdings" }]);

  await guest.follow("Go to matching");
  await guest.press("Create all unmatched");
  await guest.reads(/Staged for \d+ records?/);
  await guest.follow(/^Next: clients/i);
  await page.getByRole("link", { name: `Find a match for ${name}` }).click();
  await page.getByRole("searchbox").fill("zebra");
  await guest.press("Search");
  await page.getByRole("button", { name: /^Match/ }).first().click();
  await guest.reads("Staged for 1 record");
  await guest.press("Create all unmatched");
  await guest.reads(/Staged for \d+ records?/);
  await guest.follow("Next: preview");
  await guest.press("Finish");
  await until(page, page.getByRole("button", { name: "Sync now" }));
  const status = await bench.status("acme");
  assert.deepEqual([status.state, status.last_run.outcome], ["live", "complete"]);
  const { items: matched } = await bench.command("records", "acme", "--kind", "client", "--state", "matched");
  assert.deepEqual(matched.map((of) => [of.name, of.doc_name]), [[name, "Zebra Holdings"]]);
  await guest.go("/i/acme/unsynced");
  await page.getByLabel("Kind", { exact: true }).selectOption("asset");
  await guest.press("Show");
  await page.getByRole("table").waitFor();
};

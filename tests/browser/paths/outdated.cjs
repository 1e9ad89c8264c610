// A preview is a promise: if anything moved since, Finish writes nothing and shows what changed.
"use strict";
const assert = require("node:assert/strict");

exports.title = "Finish is refused when the preview is outdated, and says what changed";
exports.walk = async (bench) => {
  await bench.read("acme", "auvik", "client,asset");
  await bench.command("create-unmatched", "acme", "--kind", "client");
  const guest = await bench.signedIn();
  const { page } = guest;
  await guest.go("/i/acme/preview");
  await page.getByRole("button", { name: "Finish" }).waitFor();

  // Meanwhile somebody else changes their mind about one of them.
  const other = await guest.context.newPage();
  await other.goto(`${bench.origin}/i/acme/match/client?state=created`);
  const reset = other.getByRole("button", { name: /^Reset / }).first();
  const name = (await reset.getAttribute("aria-label")).slice("Reset ".length);
  await reset.click();
  await other.getByText("Staged for 1 record").waitFor();

  await guest.press("Finish");
  await guest.reads(/is outdated, nothing was written/);
  await guest.reads(name);
  await guest.look("outdated");
  assert.equal((await bench.status("acme")).state, "configured");
  const { items } = await bench.command("docs", "list", "--kind", "client");
  assert.deepEqual(items, [], "nothing was written");

  // What is shown now is what is done.
  await guest.press("Finish");
  await page.waitForURL(`${bench.origin}/`);
  await guest.ends(page.getByText("Live", { exact: true }));
  const written = (await bench.command("docs", "list", "--kind", "client")).items.map((of) => of.name);
  assert.ok(written.length > 3 && !written.includes(name), `${written}`);
};

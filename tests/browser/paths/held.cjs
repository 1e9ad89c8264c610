// The guard stops a night that would change most of what there is; a person looks, and approves or discards.
"use strict";
const assert = require("node:assert/strict");

exports.title = "a held plan is approved with a typed word, another is discarded";
exports.world = { clients: 4, devices: 80, seed: 11 };
exports.walk = async (bench) => {
  await bench.live("acme", "auvik", "client,asset");
  const guest = await bench.signedIn();
  const { page } = guest;
  const documented = async () => {
    const { items } = await bench.command("docs", "list", "--kind", "asset", "--limit", "100");
    return Object.fromEntries(items.map((of) => [of.doc_id, of.fields]));
  };
  const before = await documented();

  /** Lets most devices change over night and syncs; the guard stops it. */
  const night = async () => {
    const { changed } = await bench.sandbox.order({ do: "night", percent: 90 });
    assert.ok(changed > 40, `${changed} devices changed`);
    await guest.go("/");
    await guest.press("Sync now");
    await guest.ends(page.getByText("The guard stopped a large change."));
    await page.getByRole("link", { name: "Look at the plan" }).click();
    await guest.reads(/asset records would change/);
  };

  await night();
  await guest.look("held");
  assert.deepEqual(await documented(), before, "nothing is written while a plan is held");
  const confirm = page.getByLabel(/acme$/);
  await confirm.fill("something else");
  await guest.press("Approve");
  await guest.reads(/was not typed/);
  await guest.look("not-confirmed");
  await page.goBack();
  await confirm.fill("acme");
  await guest.press("Approve");
  await guest.ends(page.getByText("Applied", { exact: true }));
  await guest.look("approved");
  const after = await documented();
  assert.notDeepEqual(after, before, "the plan was carried out");
  await guest.go("/");
  await page.getByText("The guard stopped a large change.").waitFor({ state: "detached" });

  await night();
  await confirm.fill("acme");
  await guest.press("Discard");
  await guest.ends(page.getByText("Discarded", { exact: true }));
  assert.deepEqual(await documented(), after, "a discarded plan writes nothing");

  // What was applied can be undone while nothing changed since.
  await guest.go("/i/acme/plans");
  await page.getByRole("row").filter({ hasText: "Applied" }).first().getByRole("link").first().click();
  await guest.press(/^Undo/);
  await guest.reads(/\d+ changes? undone/);
  await guest.look("undone");
  assert.deepEqual(await documented(), before, "everything is as before");
};

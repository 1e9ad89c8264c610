// The vendor's key is made anew, as happens: syncing stops, mappings stay, and a new secret lets it go on.
"use strict";
const assert = require("node:assert/strict");

exports.title = "a credential is rejected, and a new one resumes the integration";
exports.walk = async (bench) => {
  await bench.live("acme", "auvik", "client,asset");
  const mapped = async () => (await bench.command("records", "acme", "--kind", "client")).items.map((of) => [of.name, of.state]);
  const before = await mapped();
  const guest = await bench.signedIn();
  const { page } = guest;
  const { api_key: key } = await bench.sandbox.order({ do: "new_key" });

  await guest.go("/");
  await guest.press("Sync now");
  await guest.ends(page.getByText("The vendor refuses the secret. Mappings are kept."));
  await guest.look("home-rejected");
  assert.equal(await page.getByRole("button", { name: "Sync now" }).count(), 0, "nothing calls the vendor");
  assert.equal((await bench.status("acme")).state, "credentials_rejected");
  await guest.follow("Give a new secret");
  const { secret } = bench.vendors.auvik;
  await guest.fill({ settings: {}, secret });
  await guest.press("Verify and replace");
  await page.getByRole("alert").waitFor();
  await guest.look("still-rejected");
  assert.equal((await bench.status("acme")).state, "credentials_rejected", "the old key again is no new one");

  await guest.fill({ settings: {}, secret }, { api_key: key });
  await guest.press("Verify and replace");
  await guest.reads("The vendor lets us in.");
  await page.getByText("Live", { exact: true }).waitFor();
  await guest.press("Sync now");
  await page.waitForURL(`${bench.origin}/`);
  await guest.ends(page.getByRole("button", { name: "Sync now" }));
  const status = await bench.status("acme");
  assert.deepEqual([status.state, status.last_run.outcome], ["live", "complete"]);
  assert.deepEqual(await mapped(), before, "all mappings are kept");
  const pages = await Promise.all(["/", "/i/acme", "/audit"].map((at) => page.request.get(`${bench.origin}${at}`)));
  for (const answer of pages) assert.ok(!(await answer.text()).includes(key), "the key is on no page");
};

// Two people, or two tabs, decide about the same records at once: the second learns of it.
"use strict";
const assert = require("node:assert/strict");

exports.title = "two tabs decide about one record, and the second learns of it";
exports.walk = async (bench) => {
  await bench.read("acme", "auvik", "client,asset");
  const one = await bench.signedIn();
  const page = one.page;
  const other = await one.context.newPage();
  const place = `${bench.origin}/i/acme/match/client`;
  await page.goto(place);
  await other.goto(place);
  const name = (await page.getByRole("button", { name: /^Exclude / }).first().getAttribute("aria-label")).slice("Exclude ".length);
  const button = (tab, deed) => tab.getByRole("button", { name: `${deed} ${name}`, exact: true });
  await button(other, "Exclude").click();
  await other.getByText("Staged for 1 record").waitFor();

  // This tab still shows the record as undecided, and asks for something else.
  await button(page, "Create").click();
  await page.getByText("somebody else has decided meanwhile").waitFor();
  await one.look("second-tab");
  const { items } = await bench.command("records", "acme", "--kind", "client", "--state", "excluded");
  assert.deepEqual(items.map((of) => of.name), [name], "the first decision stands");

  // Having seen it, the second one may still decide otherwise.
  await page.goto(place);
  await button(page, "Reset").click();
  await button(page, "Create").click();
  await page.getByText("Staged for 1 record").waitFor();
  const created = await bench.command("records", "acme", "--kind", "client", "--state", "created");
  assert.deepEqual(created.items.map((of) => of.name), [name]);
};

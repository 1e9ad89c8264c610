// The wizard with each decision: by rule, by suggestion, by search, one by one, several at once, all that a filter finds;
// taken back, left and come back to; and once more after the integration is live.
"use strict";
const assert = require("node:assert/strict");

exports.title = "the wizard with each decision";
exports.world = { clients: 14, devices: 60, seed: 11 };
exports.walk = async (bench) => {
  await bench.read("acme", "connectwise", "user,client");
  const clients = async () => (await bench.command("records", "acme", "--kind", "client", "--limit", "100")).items;
  const open = (await clients()).filter((of) => of.reason === "unmatched");
  const often = (of) => open.filter(({ name }) => name.startsWith(of.name.split(" ")[0])).length;
  const [first, second, near, byHand, out, made, picked, picked2] = open.filter((of) => often(of) === 1).map((of) => of.name);
  await bench.documented("client", [first, second.toUpperCase(), `${near} International`, "Zebra Holdings"].map((name) => ({ name })));
  const stateOf = async (name) => (await clients()).find((of) => of.name === name).state;

  const guest = await bench.signedIn();
  const { page } = guest;
  const states = page.getByRole("navigation", { name: "States" });
  const tab = (name) => states.getByRole("link", { name: new RegExp(`^${name}`) });
  const row = (name) => page.locator("tr", { has: page.getByText(name, { exact: true }) });
  const decide = async (deed, name) => {
    await row(name).getByRole("button", { name: `${deed} ${name}`, exact: true }).click();
    await row(name).getByRole("button", { name: `${deed} ${name}`, exact: true }).waitFor({ state: "detached" });
  };
  const together = page.getByRole("group", { name: "Decide together" });

  // Users: all that are found, at once.
  await guest.go("/");
  await guest.follow("Decide");
  await page.waitForURL(/\/match\/user$/);
  await together.getByRole("radio", { name: /^All \d+ users/ }).check();
  await together.getByRole("button", { name: "Create" }).click();
  await guest.reads(/Staged for \d+ records/);
  await guest.look("wizard-users");
  await guest.follow(/^Next: clients/);

  // Clients, one rule, one suggestion, one by search, one by one.
  await page.waitForURL(/\/match\/client$/);
  await guest.press("Auto-match identical names");
  await guest.reads("Staged for 2 records");
  for (const name of [first, second]) assert.equal(await stateOf(name), "matched", name);
  await row(near).getByText(`${near} International`).waitFor();
  await guest.look("wizard-clients");
  await decide("Match", near);
  await page.getByRole("link", { name: `Find a match for ${byHand}` }).click();
  await page.getByRole("searchbox", { name: "Search the documentation" }).pressSequentially("zebra", { delay: 20 });
  await page.getByRole("button", { name: "Match with Zebra Holdings" }).waitFor();
  await guest.look("wizard-search");
  await page.getByRole("button", { name: "Match with Zebra Holdings" }).click();
  await guest.reads("Staged for 1 record");
  assert.equal(await stateOf(byHand), "matched");
  await decide("Exclude", out);
  await decide("Create", made);
  await decide("Reset", made);
  assert.equal(await stateOf(made), "unmatched");

  // Two that are picked; then all that a filter finds.
  for (const name of [picked, picked2]) await page.getByRole("checkbox", { name: `Pick ${name}` }).check();
  await together.getByRole("button", { name: "Create" }).click();
  await guest.reads("Staged for 2 records");
  for (const name of [picked, picked2]) assert.equal(await stateOf(name), "created");
  await tab("Unmatched").click();
  await page.getByRole("searchbox").fill(made);
  await guest.press("Search");
  await together.getByRole("radio", { name: "All 1 client that match this filter" }).check();
  await together.getByRole("button", { name: "Exclude" }).click();
  await guest.reads("Staged for 1 record");
  assert.equal(await stateOf(made), "excluded");

  // Left, and come back to: the same step, tab and filter. Excluded ones are listed apart, and can be created.
  const place = page.url();
  await guest.go("/");
  await guest.follow("Decide");
  await page.waitForURL(place);
  await page.getByRole("list", { name: "Steps" }).getByRole("link", { name: "Clients" }).click();
  await tab("Excluded").click();
  await row(out).waitFor();
  await guest.look("wizard-excluded");
  assert.equal(await page.locator("tbody tr").count(), 2);
  await decide("Create", made);
  assert.equal(await stateOf(made), "created");

  // What is left; those whose name is not unique want a decision each.
  await guest.press("Create all unmatched");
  await guest.reads(/Staged for \d+ records?/);
  await guest.follow("Next: preview");
  for (const [name, action] of [[first, "Match"], [out, "Exclude"], [made, "Create"]]) {
    await page.getByRole("row").filter({ hasText: name }).getByText(action, { exact: true }).first().waitFor();
  }
  await guest.look("wizard-preview");
  const decided = new Map((await clients()).map((of) => [of.vendor_id, of.state]));
  await guest.press("Finish");
  await page.waitForURL(`${bench.origin}/`);
  await guest.ends(page.getByText("Live", { exact: true }));
  await guest.ends(page.getByRole("button", { name: "Sync now" }));
  assert.deepEqual(new Map((await clients()).map((of) => [of.vendor_id, of.state])), decided, "exactly what was staged");

  // A client that comes later is new, and waits for a decision of its own.
  await bench.sandbox.order({ do: "add_client", name: "Latecomer Limited" });
  await guest.press("Sync now");
  await guest.ends(page.getByText("1 client is not matched."));
  await guest.follow("Decide");
  await tab("New").click();
  await row("Latecomer Limited").waitFor();
  await guest.look("wizard-new");
  await decide("Create", "Latecomer Limited");
  await guest.follow("Next: preview");
  await guest.press("Finish");
  await page.waitForURL(`${bench.origin}/`);
  await guest.ends(page.getByRole("button", { name: "Sync now" }));
  const { items } = await bench.command("docs", "list", "--kind", "client", "--search", "Latecomer");
  assert.equal(items.length, 1);
};

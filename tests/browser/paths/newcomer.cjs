// From an empty home to five live integrations, all of it through the browser.
"use strict";
const assert = require("node:assert/strict");

const VENDORS = [
  { vendor: "auvik", name: "Auvik", steps: ["client"] },
  { vendor: "nable-rmm", name: "N-able RMM", steps: ["client"] },
  { vendor: "autotask", name: "Autotask PSA", steps: ["user", "client"], types: true },
  { vendor: "connectwise", name: "ConnectWise PSA", steps: ["user", "client"], types: true },
  { vendor: "kaseya-bms", name: "Kaseya BMS", steps: ["user", "client"], types: true },
];
const isLive = (guest, id) => guest.page.locator(".card", { hasText: id }).getByText("Live", { exact: true });

/** Adds a vendor; the first one with a wrong secret at first, as happens. */
async function add(guest, { vendor, name }, id, isFirst) {
  const { page } = guest;
  const listing = guest.bench.vendors[vendor];
  await guest.follow(isFirst ? "Add the first integration" : "Add an integration");
  if (isFirst) await guest.look("add");
  await guest.follow(new RegExp(`^${name}`));
  await page.getByLabel("Name of this integration").fill(id);
  // The vendor's own limit would be kept to; the simulated one has none.
  const settings = { ...listing.settings, requests_per_minute: 60000 };
  if (isFirst) {
    await guest.fill({ settings, secret: listing.secret }, { api_key: "wrong-wrong-wrong" });
    await guest.look("add-vendor");
    await guest.press("Add and verify");
    await guest.reads("The vendor does not let us read everything");
    await guest.look("refused-secret");
    await guest.fill({ settings: {}, secret: listing.secret });
    await guest.press("Verify and replace");
  } else {
    await guest.fill({ settings, secret: listing.secret });
    await guest.press("Add and verify");
  }
  await guest.reads("The vendor lets us in.");
}

/** Chooses kinds and types, reads the vendor for the first time. */
async function setUp(guest, { types }, isFirst) {
  const { page } = guest;
  if (isFirst) await guest.look("verified");
  await guest.press("Save");
  await guest.reads("Saved.");
  await guest.press("Read the vendor");
  await guest.ends(page.getByRole("link", { name: "Go to matching" }));
  if (isFirst) await guest.look("read");
  if (!types) return;
  for (const box of await page.locator('input[name="type"]').all()) await box.check();
  await guest.look("types");
  await guest.press("Save the types");
  await guest.reads("Saved.");
}

/** Matches what has the same name, creates the rest, finishes. */
async function finish(guest, { steps }, isFirst) {
  const { page } = guest;
  await guest.follow("Go to matching");
  for (const [nth, kind] of steps.entries()) {
    await page.waitForURL(new RegExp(`/match/${kind}$`));
    await guest.press("Auto-match identical names");
    await page.getByRole("status").filter({ hasText: /staged/i }).first().waitFor();
    await guest.press("Create all unmatched");
    await guest.reads(/Staged for|staged already|Nothing was staged/);
    await guest.follow(nth + 1 < steps.length ? /^Next: clients$/i : "Next: preview");
  }
  await page.getByRole("button", { name: "Finish" }).waitFor();
  if (isFirst) await guest.look("preview");
  await guest.press("Finish");
  await page.waitForURL(`${guest.bench.origin}/`);
}

exports.title = "from an empty home to five live integrations";
exports.walk = async (bench) => {
  const guest = await bench.signedIn();
  const { page } = guest;
  await guest.look("home-empty");
  for (const [nth, vendor] of VENDORS.entries()) {
    const id = `acme-${vendor.vendor}`;
    await add(guest, vendor, id, nth === 0);
    await setUp(guest, vendor, nth === 0);
    await finish(guest, vendor, nth === 0);
    await guest.ends(isLive(guest, id));
    await guest.ends(page.locator(".card", { hasText: id }).getByRole("button", { name: "Sync now" }));
  }
  await guest.look("home-five");
  for (const { integration, state, last_run: run } of (await bench.command("status")).items) {
    assert.deepEqual([integration, state, run.outcome], [integration, "live", "complete"]);
    const counts = Object.values(run.counts);
    const sum = (of) => counts.reduce((all, one) => all + of(one), 0);
    assert.ok(sum((of) => of.synced) > 20, `${integration} has ${sum((of) => of.synced)} records synced`);
    assert.equal(sum((of) => of.fetched), sum((of) => of.synced + of.unsynced));
  }

  // What a lead looks at in the morning.
  const id = "acme-autotask";
  for (const place of ["", "/match/user", "/match/client", "/preview", "/unsynced", "/plans", "/runs"]) {
    await guest.go(`/i/${id}${place}`);
    await guest.look(`integration${place.replaceAll("/", "-")}`);
  }
  await page.locator("tbody a").first().click();
  await guest.look("run");
  await guest.go(`/i/${id}/plans`);
  await page.locator("tbody a").first().click();
  await guest.look("plan");
  await guest.go("/audit");
  await guest.look("audit");
  await guest.go("/catalogue");
  await guest.look("catalogue");
  await page.locator("tbody a").first().click();
  await page.getByRole("link", { name: "Assets", exact: true }).click();
  await guest.look("catalogue-below");
  await page.locator("tbody a").first().click();
  await page.getByLabel("Field", { exact: true }).selectOption("os");
  await page.getByLabel("Value", { exact: true }).fill("typed by a person");
  await guest.press("Set");
  await guest.reads("edited by a person");
  await guest.look("record");
  await guest.press(/^Release/);
  await page.getByText("edited by a person").waitFor({ state: "detached" });
};

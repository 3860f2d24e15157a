// Opens reports in a browser and prints what it saw as JSON, one object a report: node check.mjs [--brief] [--shots DIR] FILE...
// CHROMIUM names the browser. What is right and wrong is for the caller to say. --brief looks at them in light and wide, and
// in dark and narrow with what is closed left closed, only.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const args = process.argv.slice(2);
const brief = args[0] === "--brief" && Boolean(args.shift());
const views = brief ? [["light", 1280], ["dark", 390]] : ["light", "dark"].flatMap((scheme) => [1280, 390].map((width) => [scheme, width]));
const shots = args[0] === "--shots" ? resolve(args.splice(0, 2)[1]) : null;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const profile = await mkdtemp(join(tmpdir(), "report-check-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM,
  headless: true,
  chromiumSandbox: false,
  args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const seen = [];
  for (const file of args) {
    seen.push(await check(file));
  }
  process.stdout.write(JSON.stringify(seen) + "\n");
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}

async function check(file) {
  const seen = { file, printed: 0, keyboard: [], cites: "" };
  seen.views = await Promise.all(views.map(([scheme, width]) => view(file, scheme, width)));
  await onPage(file, "dark", 1280, async (page) => {
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    seen.printed = (pdf.toString("latin1").match(/\/Type\s*\/Page(?![a-zA-Z])/g) ?? []).length;
    if (shots) {
      await paperShots(file, page);
    }
  });
  await onPage(file, "light", 1280, async (page) => {
    seen.keyboard = await tabbed(page);
    seen.cites = await follow(page);
  });
  return seen;
}

async function onPage(file, scheme, width, run) {
  const page = await browser.newPage();
  try {
    const log = { requests: [], console: [], blocked: [] };
    const url = pathToFileURL(resolve(file)).href;
    page.on("request", (r) => {
      if (r.url() !== url && !r.url().startsWith("data:")) {
        log.requests.push(r.url());
      }
    });
    page.on("console", (m) => {
      if (["error", "warning"].includes(m.type())) {
        log.console.push(m.text());
      }
    });
    page.on("pageerror", (e) => log.console.push(String(e)));
    await page.addInitScript(() => {
      globalThis.blocked = [];
      document.addEventListener("securitypolicyviolation", (e) => {
        globalThis.blocked.push(`${e.violatedDirective}: ${e.sample || e.blockedURI}`);
      });
    });
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(url, { waitUntil: "load" });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    log.blocked = await page.evaluate(() => globalThis.blocked);
    return await run(page, log);
  } finally {
    await page.close();
  }
}

function view(file, scheme, width) {
  return onPage(file, scheme, width, async (page, log) => {
    const found = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      charts: [...document.querySelectorAll("[data-chart], [data-print]")].map((e) => ({
        id: e.dataset.chart ?? e.dataset.print,
        printed: "print" in e.dataset,
        shapes: e.querySelectorAll("svg path, svg rect, svg circle, svg polyline, svg line, svg polygon").length,
        texts: [...e.querySelectorAll("svg text")].map((t) => t.textContent),
      })),
    }));
    if (shots) {
      await page.screenshot({ path: join(shots, `${basename(file, ".html")}-${scheme}-${width}.png`), fullPage: true });
    }
    if (!brief || scheme === "light") {
      await page.evaluate(() => { for (const d of document.querySelectorAll("details")) { d.open = true; } });
    }
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
    return {
      scheme,
      width,
      ...log,
      ...found,
      axe: violations.map((v) => ({
        id: v.id, impact: v.impact ?? "", where: v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")}: ${n.failureSummary}`),
      })),
    };
  });
}

// tabbed says what the first Tabs reach: a theme button, a link of the contents, a closed part that Enter opens.
async function tabbed(page) {
  const reached = new Set();
  for (let i = 0; i < 400; i++) {
    await page.keyboard.press("Tab");
    const kind = await page.evaluate(() => {
      const e = document.activeElement;
      return e.id === "theme" ? "toggle" : e.closest(".contents") ? "contents" : e.matches(".skip") ? "skip" : e.localName;
    });
    if (kind === "toggle" && !reached.has(kind)) {
      const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await page.keyboard.press("Enter");
      if (before !== await page.evaluate(() => getComputedStyle(document.body).backgroundColor)) {
        reached.add(kind);
      }
    } else if (kind === "summary") {
      await page.keyboard.press("Enter");
      if (await page.evaluate(() => document.activeElement.parentElement.open)) {
        reached.add("details");
      }
    } else {
      reached.add(kind);
    }
    if (["skip", "toggle", "contents", "details"].every((k) => reached.has(k))) {
      break;
    }
  }
  return [...reached].sort();
}

// follow clicks the first cited number and says which cell it led to, if that can be seen and says the same.
async function follow(page) {
  const link = page.locator("main a.cite").first();
  if (await link.count() === 0) {
    return "";
  }
  await page.evaluate(() => { for (const d of document.querySelectorAll("details")) { d.open = false; } });
  const raw = await link.locator("data").getAttribute("value");
  await link.click();
  await page.waitForFunction(() => document.activeElement.matches("td, th"), undefined, { timeout: 2000 }).catch(() => {});
  return page.evaluate((want) => {
    const e = document.activeElement;
    return e.dataset.value === want && e.checkVisibility() ? e.id : "";
  }, raw);
}

// paperShots takes a picture of every sheet.
async function paperShots(file, page) {
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.setViewportSize({ width: 703, height: 1020 });
  for (const [i, sheet] of (await page.locator(".sheet").all()).entries()) {
    await sheet.screenshot({ path: join(shots, `${basename(file, ".html")}-sheet${i + 1}.png`) });
  }
}

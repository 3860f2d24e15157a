// Takes the picture of a report that the README shows: node picture.mjs REPORT.html PICTURE.png
// CHROMIUM names the browser.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [report, picture] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, chromiumSandbox: false });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1500 }, colorScheme: "light" });
  await page.goto(pathToFileURL(resolve(report)).href);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
}

// Lighthouse on the built page, as phones and desktops load it: `cargo xtask lighthouse`.
//
// The score for performance varies with what else the machine does, so each form is measured three
// times and the median counts.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { withWorld } from './world.mjs';

/** The last version that the oldest Node.js which we support can run. */
const LIGHTHOUSE = 'lighthouse@12.8.2';
const RUNS = 3;
const CHROMIUM_FLAGS = '--headless --no-sandbox --disable-gpu --disable-background-networking';
const FORMS = { phone: [], desktop: ['--preset=desktop'] };
/** The least that each category has to reach, of 100. */
const AIMS = { performance: 95, accessibility: 100, 'best-practices': 100 };
const PARTS = ['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time', 'cumulative-layout-shift'];

await withWorld(async (world) => {
  const store = await world.store(await world.network());
  for (const [form, options] of Object.entries(FORMS)) await measure(store, form, options);
});

async function measure(store, form, options) {
  const reports = [];
  for (let run = 0; run < RUNS; run += 1) reports.push(await lighthouse(store, options));
  for (const [category, aim] of Object.entries(AIMS)) {
    const score = median(reports.map((report) => Math.round(report.categories[category].score * 100)));
    console.log(`${form}: ${category} ${score} (aim ${aim})`);
    if (score < aim) {
      process.exitCode = 1;
      for (const failed of failures(reports[0], category)) console.log(`  ${failed}`);
    }
  }
  for (const part of PARTS) {
    console.log(`  ${part} ${reports.map((report) => report.audits[part].displayValue).join(', ')}`);
  }
}

async function lighthouse(store, options) {
  const args = [LIGHTHOUSE, store.url, '--quiet', '--output=json', `--chrome-flags=${CHROMIUM_FLAGS}`, ...options];
  const { stdout } = await promisify(execFile)('npx', ['--yes', ...args], {
    env: { ...process.env, CHROME_PATH: process.env.CHROMIUM ?? '/usr/bin/chromium' },
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout);
}

function failures(report, category) {
  const audits = report.categories[category].auditRefs.map(({ id }) => report.audits[id]);
  return audits.filter(({ score }) => score !== null && score < 1).map(({ title, id }) => `${id}: ${title}`);
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

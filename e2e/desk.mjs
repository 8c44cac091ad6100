// The owner's desk of a store, and an owner in front of it.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newVisitor } from './browser.mjs';
import { root } from './server.mjs';
import { until } from './until.mjs';

/** The desk of the store whose file is `file`: its address, and what gives a one-time code. */
export async function deskOf(file) {
  const place = join(file, '../.purrwall/desk/address');
  await until('the desk', () => readFile(place).catch(() => undefined));
  const program = process.env.PURRWALL ?? join(root, 'target/debug/purrwall');
  const code = () => {
    const told = execFileSync(program, ['desk', '--config', file], { encoding: 'utf8' });
    return told.match(/and type {2}(\S+)/)[1];
  };
  return { url: (await readFile(place, 'utf8')).trim(), code };
}

/** A page of who is signed in; `settings` are the visitor's own. */
export async function owner(browser, desk, settings = {}) {
  const page = await newVisitor(browser, settings);
  await until('the desk to let the owner in', async () => {
    await page.goto(desk.url);
    await page.getByTestId('code').fill(desk.code());
    await page.getByTestId('sign-in').click();
    await page.getByTestId('sign-out').or(page.getByTestId('refused')).waitFor();
    if (await page.getByTestId('sign-out').isVisible()) return true;
    // Nobody may try many codes within a minute, and the tests before were quick.
    await page.waitForTimeout(5000);
    return false;
  });
  return page;
}

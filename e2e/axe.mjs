// axe-core in the page: what WCAG 2.2 AA demands and a program can check.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const source = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

/**
 * Fails with the rules that the page, or the part of it that `selector` finds, breaks as it is now,
 * in the light and in the dark.
 */
export async function assertAccessible(page, selector = 'html') {
  await page.evaluate(source);
  for (const colorScheme of ['light', 'dark']) {
    // Without motion, so that no colour is caught half way.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await page.evaluate(
      ([selector, values]) => window.axe.run(selector, { runOnly: { type: 'tag', values } }),
      [selector, TAGS],
    );
    const broken = violations.map(({ id, help, nodes }) => {
      const places = nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`);
      return `${id} (${help}), ${colorScheme}:\n${places.join('\n')}`;
    });
    assert.deepEqual(broken, [], broken.join('\n\n'));
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

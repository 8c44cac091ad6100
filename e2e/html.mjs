// html-validate: what the HTML standard demands of markup and a program can check.

import assert from 'node:assert/strict';
import { HtmlValidate } from 'html-validate';

const RULES = {
  // The standard takes either case.
  'doctype-style': 'off',
  // Goods that are text scroll in a `pre`, which has to be a landmark to be found by keyboard.
  'prefer-native-element': ['error', { exclude: ['region'] }],
};

/** What a browser writes its own way when it is asked for what it shows. */
const BROWSERS = {
  'attr-quotes': 'off',
  'attribute-boolean-style': 'off',
  'attribute-empty-style': 'off',
  'no-trailing-whitespace': 'off',
  // A script may set a property of an element's style, which then stands in the attribute.
  'no-inline-style': 'off',
};

/** Fails with what is wrong with the markup of `what`, a page or a part of one; `rules` are more of them. */
export async function assertValid(markup, what, rules = {}) {
  const checker = new HtmlValidate({ extends: ['html-validate:recommended'], rules: { ...RULES, ...rules } });
  const { results } = await checker.validateString(markup);
  const wrong = results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, selector }) => `${ruleId}: ${message} (${selector})`),
  );
  if (wrong.length > 0) assert.fail(`${what}:\n${wrong.join('\n')}`);
}

/** Fails with what is wrong with what scripts have drawn on a page by now, in its elements as well. */
export async function assertDrawnValid(page, what) {
  const [drawn, ...walls] = await page.evaluate(() => [
    document.documentElement.outerHTML,
    ...[...document.querySelectorAll('purr-wall')].map((wall) => wall.shadowRoot.innerHTML),
  ]);
  await assertValid(`<!doctype html>${drawn}`, what, BROWSERS);
  for (const wall of walls) await assertValid(wall, `the element on ${what}`, BROWSERS);
}

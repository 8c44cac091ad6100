// The story again, on running lightningd nodes of the same topology.

import { test } from 'node:test';
import { missingVariables, realNodes } from '../network.mjs';
import { story } from '../story.mjs';

const missing = missingVariables();
if (missing.length > 0) {
  test('the story on real nodes', { skip: `${missing.join(', ')} not set` }, () => {});
} else {
  story('the story on real nodes', realNodes);
}

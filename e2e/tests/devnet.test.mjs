// The story on the Lightning network in a box.

import { startDevnet } from '../network.mjs';
import { story } from '../story.mjs';

story('the story on the devnet', startDevnet);

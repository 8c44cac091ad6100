// How much memory the processes of a browser have, as Linux counts it.

import { readFile, readdir } from 'node:fs/promises';

/**
 * The bytes of memory that belong to a program alone: what it keeps of files is not counted. `mark` stands on the
 * command line of the program, whose children count, too.
 */
export async function memoryOf(mark) {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = new Map();
  for (const pid of pids) {
    try {
      const [status, line] = await Promise.all(
        ['status', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
      );
      const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      all.set(pid, { parent: String(number('PPid')), bytes: (number('RssAnon') + number('RssShmem')) * 1024, line });
    } catch {
      // It has ended meanwhile.
    }
  }
  const belongs = (pid) => {
    const one = all.get(pid);
    return one !== undefined && (one.line.includes(mark) || belongs(one.parent));
  };
  let sum = 0;
  for (const [pid, { bytes }] of all) if (belongs(pid)) sum += bytes;
  return sum;
}

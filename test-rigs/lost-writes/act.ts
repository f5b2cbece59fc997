/** Does all of `promises.ts`, each in a folder of its own, and says so: `act.ts DIR`. Started by the test beside it, on a disk that loses what is not forced. */
import { folderOf, DURABILITY_PROMISES } from './promises.ts';

const [, , dir = ''] = process.argv;
// Nothing is closed: it waits for its kill.
setInterval(() => {}, 1000);
for (const name of Object.keys(DURABILITY_PROMISES)) await DURABILITY_PROMISES[name]?.act(folderOf(dir, name));
process.stdout.write('done');

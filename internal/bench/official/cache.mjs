// Saves or restores paths with the official cache client, and says on its last
// line how many milliseconds that took, without the start of node and the
// loading of the client (an action has its client in one file).
//
//	node cache.mjs DIR save|restore|miss KEY[,RESTOREKEY…] PATH…     DIR: where the client is installed
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';

const [dir, what, keys, ...paths] = process.argv.slice(2);
const [key, ...restoreKeys] = keys.split(',');
const client = await import(pathToFileURL(join(dir, 'node_modules/@actions/cache/lib/cache.js')).href);

const start = performance.now();
switch (what) {
  case 'save':
    // A failed save is a line of the log and -1.
    if ((await client.saveCache(paths, key)) < 0) throw new Error(`not saved: ${key}`);
    break;
  case 'restore': {
    // A failed restore is a line of the log and a miss.
    const found = await client.restoreCache(paths, key, restoreKeys);
    if (found !== key && !restoreKeys.some((prefix) => found?.startsWith(prefix))) {
      throw new Error(`found ${found}, expected ${keys}`);
    }
    break;
  }
  case 'miss': {
    const found = await client.restoreCache(paths, key, restoreKeys);
    if (found) throw new Error(`found ${found}, expected nothing`);
    break;
  }
  default:
    throw new Error(`found ${what}, expected save, restore or miss`);
}
console.log(performance.now() - start);

/** koa without the table of all media types: its parts load that three times, 2 MB and a tenth of a start, and nobody here asks for it. */
import { createRequire } from 'node:module';
import type KoaType from 'koa';

const load = createRequire(import.meta.url);
const TABLE = /[\\/]mime-db[\\/]db\.json$/;

export const Koa = withoutTable(() => load('koa') as typeof KoaType);
export type Koa = KoaType;

function withoutTable<T>(run: () => T): T {
  const { extensions } = load;
  const json = extensions['.json'];
  // Under a loader that is not Node's own, such as jest's.
  if (!json) return run();
  extensions['.json'] = (module, path) => {
    if (TABLE.test(path)) module.exports = {};
    else json(module, path);
  };
  try {
    return run();
  } finally {
    extensions['.json'] = json;
  }
}

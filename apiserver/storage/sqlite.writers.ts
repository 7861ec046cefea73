/**
 * A process for the tests of `sqlite.ts`: concurrent writers on one file, each acknowledgement printed as it comes.
 * Arguments: the file, the number of writers, the bytes of a value. It ends with the first error, which it prints.
 */
import { openSqlite } from './sqlite.ts';
import { Unavailable } from './store.ts';

const [path = '', writers = '1', bytes = '0'] = process.argv.slice(2);
const store = await openSqlite({ path, log: (message) => console.log(`log ${message}`) });
const padding = 'x'.repeat(Number(bytes));

/** Writes its two keys in one turn of the event loop, so that they are in one batch: both or none must be there after a crash. */
async function writer(name: string): Promise<void> {
  const revisions = [0, 0];
  for (let i = 1; ; i++) {
    const written = await Promise.all(revisions.map((revision, half) => store.write(`/${half}/${name}`, revision, Buffer.from(`${i} ${padding}`))));
    revisions.splice(0, 2, ...written);
    console.log(`ack ${name} ${i}`);
  }
}

try {
  await Promise.all(Array.from({ length: Number(writers) }, (_, i) => writer(String(i))));
} catch (error) {
  const page = await store.list('/0/');
  const other = await store.list('/1/');
  console.log(`${error instanceof Unavailable ? 'unavailable' : 'error'} ${(error as Error).message}`);
  console.log(`reads ${page.count} ${other.count}`);
  await store.close();
}

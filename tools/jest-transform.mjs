// Jest transform: strips TypeScript types, keeps line numbers.
import { stripTypeScriptTypes } from 'node:module';
import { createHash } from 'node:crypto';

export default {
  process: (text) => ({ code: stripTypeScriptTypes(text) }),
  getCacheKey: (text) => createHash('sha1').update(process.version).update(text).digest('hex'),
};

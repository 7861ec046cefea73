// Run by `node --test`.
import { test } from 'node:test';
import { scenario } from './scenario.mjs';

scenario(test);

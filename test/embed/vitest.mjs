// Run by vitest.
import { test } from 'vitest';
import { scenario } from './scenario.mjs';

scenario(test);

// Run by jest, with its own globals.
import { scenario } from './scenario.mjs';

scenario(test);

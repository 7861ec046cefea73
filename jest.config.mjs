export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': './tools/jest-transform.mjs' },
  testMatch: ['**/*.test.ts'],
  // Only there so that what hangs is named: a machine may be slow.
  testTimeout: 60_000,
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
};

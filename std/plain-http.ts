/**
 * What is needed of `node:http` when a server starts. An import of it as an ES module looks at all of its exports, and so loads
 * Node's own HTTP client with its WebSockets, which nothing here uses: 5 MB.
 */
export const { request, STATUS_CODES } = process.getBuiltinModule('node:http');

// The package from CommonJS.
const { createCluster, resources } = require('coracle');

async function main() {
  const cluster = await createCluster({ seed: 1, startTime: '2030-05-06T00:00:00Z' });
  const { items } = await cluster.client.list(resources.nodes);
  console.log(items.map(({ metadata }) => `${metadata.name} ${metadata.creationTimestamp}`).join());
  await cluster.stop();
}
void main();

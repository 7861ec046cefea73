/** Real containers, Services and rollouts with the default cluster: one process, embedded store. */
import { Cluster } from './harness/cluster.ts';
import { containerSuite } from './harness/containers.ts';

containerSuite('one process on the embedded store', () => Cluster.start());

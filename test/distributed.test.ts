/** The same as with the default cluster, but over etcd and with every component as a process of its own, each with its own rights. */
import { Cluster } from './harness/cluster.ts';
import { containerSuite } from './harness/containers.ts';

containerSuite('five processes over etcd', () => Cluster.start({ distributed: true }));
